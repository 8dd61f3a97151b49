"""The arguments of the net, made from the parameters of the estimator."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import partial

from torch.utils.data import Subset

from .._compute._device import n_ahead, worker_arguments
from .._compute._plan import ComputePlan
from .._data._labelled_rows import LabelledRows
from .._net import (
    BestEpoch,
    EpochState,
    FiniteLoss,
    GradientNormClipping,
    LearningRates,
    Mixing,
    OptimizerFactory,
    Progress,
    SharedOrder,
    ShuffledLoader,
    TimeLimit,
    is_first,
)
from ..images._augmentations import CallableView, mixing_of, views_of
from ..training._optimizer import shared_settings
from ._settings import FitSettings

_HEAD = "head.*"  # names of the head's weights in a TunedModel
_OURS = {"callbacks", "distributed"}  # entries of net_params that the net does not get
_RESERVED = {
    "module",
    "criterion",
    "max_epochs",
    "device",
    "precision",
    "accumulate",
    "mixing",
    "regularizer",
    "iterator_train",
    "iterator_valid",
}


def net_arguments(
    settings: FitSettings,
    plan: ComputePlan,
    n_samples: int,
    seed: int,
    order,
    *,
    dataset=None,
    extra=(),
    state=None,
    one_epoch=False,
    deadline: float | None = None,
) -> dict:
    """Keyword arguments of the net; the user's ``net_params`` replace the others.

    ``order``: the order of the samples. ``dataset``: the training data. ``extra``: callbacks that
    come last. ``state``: the state of an earlier training that continues. ``one_epoch``: whether it
    is a pass of ``partial_fit``, with a constant learning rate. ``deadline``: when training must
    end, as a value of ``time.perf_counter()``.
    """
    n_epochs = 1 if one_epoch else settings.max_epochs
    resumed, best = (None, None) if state is None else (state["resumed"], state["best"])
    updates = shared_settings(settings.optimizer, n_epochs)
    rates = (
        LearningRates(None) if one_epoch else LearningRates(updates.factors, updates.warmup_epochs)
    )
    callbacks = [
        ("epoch_state", EpochState(order, resumed)),
        ("rates", rates),
        ("finite_loss", FiniteLoss()),
    ]
    if updates.clip_grad_norm is not None:
        callbacks.append(("clipping", GradientNormClipping(updates.clip_grad_norm)))
    if settings.early_stopping and not one_epoch:
        callbacks.append(("best_epoch", BestEpoch(settings.n_iter_no_change, best)))
    if deadline is not None:
        if isinstance(order, SharedOrder):
            raise ValueError(
                "compute__time_limit can't be kept where several processes train together, since "
                "they would not stop at once: leave it out, and set max_epochs"
            )
        factors = partial(_factors, settings.optimizer)
        callbacks.append(("time_limit", TimeLimit(deadline, n_epochs, rates, factors)))
    callbacks += _named(settings.net_params.get("callbacks") or [])
    if settings.verbose and is_first(order):  # after those whose scores it shows
        callbacks.append(("progress", Progress(n_epochs * math.ceil(n_samples / plan.batch_size))))
    callbacks += extra
    # Rows need no preparation, and each worker would get a copy of them: no workers.
    whole = dataset.dataset if isinstance(dataset, Subset) else dataset
    n_train = 0 if isinstance(whole, LabelledRows) else plan.num_workers
    # User code may draw from a global random state: it must run in turn with the training.
    calls = isinstance(views_of(settings.augmentation), CallableView)
    in_turn = calls or has_user_order(settings.net_params)
    mixing = mixing_of(settings.augmentation)

    def loading(num_workers: int) -> dict:
        return {
            **worker_arguments(num_workers),
            "n_ahead": 0 if in_turn else n_ahead(plan.device, num_workers),
            # Batches in pinned memory are copied while the GPU computes.
            "pin_memory": plan.device.type == "cuda",
        }

    arguments = {
        "precision": plan.precision,
        "accumulate": plan.accumulate,
        "mixing": None if mixing is None else Mixing(mixing, seed),
        "device": str(plan.device),
        "max_epochs": n_epochs,
        "batch_size": plan.batch_size,
        "lr": settings.lr,
        "optimizer": OptimizerFactory(settings.optimizer),
        "optimizer__weight_decay": settings.weight_decay,
        "iterator_train": ShuffledLoader,
        "iterator_train__seed": seed,
        "iterator_train__order": order,
        "iterator_train__persistent_workers": n_train > 0,
        "iterator_valid": ShuffledLoader,
        "iterator_valid__seed": seed,
        "iterator_valid__shuffle": False,
        **{f"iterator_train__{k}": v for k, v in loading(n_train).items()},
        **{f"iterator_valid__{k}": v for k, v in loading(plan.num_workers).items()},
        "train_split": None,
        "callbacks": callbacks,
        "verbose": 0,
    }
    if isinstance(order, SharedOrder):
        arguments["iterator_train__batch_size"] = order.takes(order.batch_size)
    user_arguments = {k: v for k, v in settings.net_params.items() if k not in _OURS}
    if reserved := sorted(set(user_arguments) & _RESERVED):
        raise ValueError(
            f"net_params can't set {reserved}: they follow from the parameters of the estimator "
            f"itself"
        )
    groups = list(user_arguments.pop("optimizer__param_groups", ()))
    if updates.head_lr_factor != 1:  # after the user's groups: the first match counts
        groups.append((_HEAD, {"lr_factor": updates.head_lr_factor}))
    if groups:
        arguments["optimizer__param_groups"] = groups
    return {**arguments, **user_arguments}


def _factors(optimizer, n_epochs: int) -> Sequence[float]:
    """Factors of the learning rate, one for each epoch."""
    return shared_settings(optimizer, n_epochs).factors


def has_user_order(net_params: Mapping) -> bool:
    """Return whether the user has set an order of samples."""
    names = ("sampler", "batch_sampler", "shuffle", "order", "drop_last")
    return any(f"iterator_train__{name}" in net_params for name in names)


def _named(callbacks) -> list:
    """Callbacks as (name, callback) pairs."""
    if not isinstance(callbacks, (list, tuple)):
        raise TypeError(f"net_params['callbacks'] must be a list, got {callbacks!r}")
    named = [c if isinstance(c, tuple) else (f"user_{i}", c) for i, c in enumerate(callbacks)]
    for i, (_, callback) in enumerate(named):
        if isinstance(callback, type) or not hasattr(callback, "on_train_begin"):
            raise TypeError(
                f"net_params['callbacks'][{i}] is {callback!r}: give instances of skorch callbacks "
                "(scikit-learn's own are set with set_callbacks)"
            )
    return named
