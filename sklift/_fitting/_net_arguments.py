"""The arguments of the net, from the parameters of the estimator."""

from __future__ import annotations

import math

from torch.optim import Optimizer
from torch.utils.data import Subset

from .._compute._device import n_ahead, worker_arguments
from .._data._labelled_rows import LabelledRows
from .._net import (
    OPTIMIZERS,
    BestEpoch,
    CosineSchedule,
    EpochState,
    FiniteLoss,
    GradientNormClipping,
    Progress,
    SharedOrder,
    ShuffledLoader,
    is_first,
)

_RESERVED = {"module", "criterion", "callbacks", "max_epochs", "device", "precision", "accumulate"}


def net_arguments(
    est,
    device,
    precision,
    n_samples: int,
    seed: int,
    order,
    *,
    dataset=None,
    extra=(),
    state=None,
    one_epoch=False,
) -> dict:
    """Keyword arguments of the net; the user's own come last.

    ``order``: in which samples come. ``dataset``: that is trained on. ``extra``: callbacks that
    come last. ``state``: of a training that goes on. ``one_epoch``: for a pass of ``partial_fit``,
    with a constant learning rate.
    """
    by_name = isinstance(est.optimizer, str)
    if isinstance(est.optimizer, type) and not issubclass(est.optimizer, Optimizer):
        raise TypeError(
            f"optimizer must be one of {sorted(OPTIMIZERS)} or a torch.optim.Optimizer class, got "
            f"{est.optimizer!r}"
        )
    n_epochs = 1 if one_epoch else est.max_epochs
    resumed, best = (None, None) if state is None else (state["resumed"], state["best"])
    callbacks = [
        ("epoch_state", EpochState(order, resumed)),
        ("schedule", CosineSchedule(None if one_epoch else n_epochs)),
        ("finite_loss", FiniteLoss()),
    ]
    if est.clip_grad_norm is not None:
        callbacks.append(("clipping", GradientNormClipping(est.clip_grad_norm)))
    if est.early_stopping and not one_epoch:
        callbacks.append(("best_epoch", BestEpoch(est.n_iter_no_change, best)))
    if est.verbose and is_first(order):
        callbacks.append(("progress", Progress(n_epochs * math.ceil(n_samples / est.batch_size))))
    callbacks += [*_named(est.callbacks or ()), *extra]
    # rows need no preparation: workers would each be sent a copy of them
    whole = dataset.dataset if isinstance(dataset, Subset) else dataset
    n_train = 0 if isinstance(whole, LabelledRows) else est.num_workers
    # what draws from a global random state must do so in turn with the training
    in_turn = callable(est.augmentation) or own_order(est)

    def loading(num_workers: int) -> dict:
        return {
            **worker_arguments(num_workers),
            "n_ahead": 0 if in_turn else n_ahead(device, num_workers),
            "pin_memory": device.type == "cuda",  # from there it is copied while others compute
        }

    arguments = {
        "precision": precision,
        "accumulate": est.accumulate,
        "device": str(device),
        "max_epochs": n_epochs,
        "batch_size": int(est.batch_size),
        "lr": est.lr,
        "optimizer": OPTIMIZERS[est.optimizer] if by_name else est.optimizer,
        "optimizer__weight_decay": est.weight_decay,
        "iterator_train": ShuffledLoader,
        "iterator_train__seed": seed,
        "iterator_train__order": order,
        "iterator_train__persistent_workers": n_train > 0,
        "iterator_valid": ShuffledLoader,
        "iterator_valid__seed": seed,
        "iterator_valid__shuffle": False,
        **{f"iterator_train__{k}": v for k, v in loading(n_train).items()},
        **{f"iterator_valid__{k}": v for k, v in loading(est.num_workers).items()},
        "train_split": None,
        "callbacks": callbacks,
        "verbose": 0,
    }
    if est.optimizer == "sgd":
        arguments["optimizer__momentum"] = est.momentum
    if isinstance(order, SharedOrder):
        arguments["iterator_train__batch_size"] = order.takes(order.batch_size)
    own = {k: v for k, v in (est.net_params or {}).items() if k != "distributed"}
    if reserved := sorted(set(own) & _RESERVED):
        raise ValueError(
            f"net_params can't set {reserved}: they follow from the parameters of the estimator "
            f"itself"
        )
    return {**arguments, **own}


def own_order(est) -> bool:
    """Whether the user's own order of samples replaces ours."""
    names = ("sampler", "batch_sampler", "shuffle", "order", "drop_last")
    return any(f"iterator_train__{name}" in (est.net_params or {}) for name in names)


def _named(callbacks) -> list:
    """Callbacks as (name, callback) pairs, as skorch wants them beside named ones."""
    named = [c if isinstance(c, tuple) else (f"user_{i}", c) for i, c in enumerate(callbacks)]
    for i, (_, callback) in enumerate(named):
        if isinstance(callback, type) or not hasattr(callback, "on_train_begin"):
            raise TypeError(
                f"callbacks[{i}] is {callback!r}: give instances of skorch callbacks "
                "(scikit-learn's own are set with set_callbacks)"
            )
    return named
