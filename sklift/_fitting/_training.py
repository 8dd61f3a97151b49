"""From validated input to a trained net."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from .._compute._compute import frozen_compute, resolve_compute
from .._compute._seeding import drawing_alone, seeded
from .._model._compilation import compiled
from .._model._tuned_model import TunedModel
from .._net import (
    Checkpoints,
    SklearnCallbacks,
    StopIfAsked,
    StopIfInterrupted,
    agreed_seed,
    interrupts_deferred,
    is_first,
    net_class,
    predefined_split,
)
from ..backbones import load_backbone
from ..backbones._fast._precision import products_held_in
from ..images._views import check_tta
from ..losses import build_loss, implied_prior
from ._checkpointing import open_checkpoint
from ._head_start import head_rows, resolve_init
from ._net_arguments import net_arguments, own_order
from ._training_data import Sample, class_totals, on_frozen, split_sample


def train(est, sample: Sample, recipes: dict, tasks, model=None) -> None:
    """Build the model, start its head, train it, and set the fitted attributes of ``est``.

    ``model``: one to start from as it is, instead. ``tasks``: the epochs, as scikit-learn's
    callbacks see them.
    """
    device, precision = resolve_compute(est, sample.data)
    sample.seed = agreed_seed(est.net_params, sample.seed, sample.codes, sample.weight)
    with seeded(sample.seed, device):
        backbone = _backbone(est, sample.data)
        check_tta(est.tta)
        if model is not None and (model.backbone is not backbone or model.mean.device != device):
            raise ValueError(
                f"training goes on with the same backbone on the same device: "
                f"{model.backbone.spec} ({model.backbone.n_features} features) on "
                f"{model.mean.device} before, now {backbone.spec} ({backbone.n_features} features) "
                f"on {device}; set warm_start=False to start anew"
            )
    is_shared = model is not None
    file, state = open_checkpoint(est, sample, backbone, device, precision, model)
    if state is not None:
        sample.seed = state["seed"]
    with seeded(sample.seed, device):
        dataset, held_out, used = split_sample(est, backbone, sample)
        init = est.init_ if model is not None else None
        if model is None:
            model, init = _new_model(
                est, backbone, sample, used, recipes, device, precision, state is not None
            )
        model.recompute(est.recompute)
        with products_held_in(model.tower, precision):
            dataset, held_out = on_frozen(
                est, model, sample, used, dataset, held_out, device, precision
            )
    counts, weighted, draws, order = class_totals(est, sample, used, sample.seed)
    record = partial(
        _fitted,
        model=model,
        recipes=recipes,
        init=init,
        counts=counts,
        weighted=weighted,
        draws=draws,
        skipped=sample.skipped,
    )
    checkpoints = (
        None
        if file is None or not is_first(order)
        else Checkpoints(
            file, est.checkpoint_minutes, sample.seed, within_epochs=not own_order(est)
        )
    )
    last = [
        ("tasks", SklearnCallbacks(tasks, record)),
        *([] if checkpoints is None else [("checkpoints", checkpoints)]),
        ("interrupt", StopIfInterrupted()),
        ("stop", StopIfAsked()),
    ]
    arguments = net_arguments(
        est,
        device,
        precision,
        len(used),
        sample.seed,
        order,
        dataset=dataset,
        extra=last,
        state=state,
    )
    arguments["train_split"] = None if held_out is None else predefined_split(held_out)
    tasks.begin()
    with seeded(sample.seed, device):
        criterion = build_loss(recipes["loss"], draws, recipes["head"])
        net = net_class(order)(model, criterion, **arguments).initialize()
        if state is not None:
            net.restore(state)
        n_epochs = 0 if net.stopping else est.max_epochs - len(net.history)
        _run(net, dataset, n_epochs, est, record, is_shared=is_shared)
    vars(est).update(record(net))
    if checkpoints is not None:
        checkpoints.save(net, finished=True)
    tasks.end(record(net))


def _run(net, dataset, n_epochs: int, est, record, *, is_shared: bool) -> None:
    """Train; what ends it early leaves the estimator fitted so far, where that makes sense.

    ``is_shared``: the weights are also those of an earlier fit, which a failure must not change.
    """
    start = net.module_.trained_state() if is_shared else None
    try:
        with (
            products_held_in(net.module_.tower, net.precision),
            compiled(net.module_, est.compile),
            interrupts_deferred(net),
        ):
            net.partial_fit(dataset, epochs=n_epochs)
    except Exception as error:
        net.notify("on_train_end", X=None, y=None)  # bars are closed, data is let go
        if isinstance(error, FloatingPointError) or net.interrupted:
            vars(est).update(record(net))
        elif is_shared:
            net.module_.load_trained_state(start)
        if net.interrupted:  # workers that prepare data may be the first to feel it
            raise KeyboardInterrupt from None
        raise
    # skorch ends a fit quietly when it is interrupted
    if net.interrupted or (n_epochs and "train_acc" not in net.history[-1]):
        vars(est).update(record(net))
        raise KeyboardInterrupt


def train_more(est, sample: Sample, recipes: dict) -> None:
    """One more pass, over samples that may be new; the learning rate is constant."""
    device, precision = resolve_compute(est, sample.data)
    sample.seed = agreed_seed(est.net_params, sample.seed, sample.codes, sample.weight)
    used = np.arange(len(sample.codes))
    net, init = getattr(est, "net_", None), getattr(est, "init_", None)
    with seeded(sample.seed, device):
        backbone = _backbone(est, sample.data)
        if net is None:
            check_tta(est.tta)
            model, init = _new_model(est, backbone, sample, used, recipes, device, precision)
        else:
            model = net.module_
        model.recompute(est.recompute)
    # the order and the views of each pass are its own, also where random_state is an int
    seed = (sample.seed + (0 if net is None else len(net.history))) % 2**31
    counts, weighted, draws, order = class_totals(est, sample, used, seed)
    if net is not None:  # what earlier calls brought counts as well
        counts = counts + est.class_counts_
        weighted = weighted + est._class_weights
        draws = draws + est._class_draws
    criterion = build_loss(recipes["loss"], draws, recipes["head"])
    last = [("interrupt", StopIfInterrupted())]
    arguments = net_arguments(
        est, device, precision, len(used), seed, order, extra=last, one_epoch=True
    )
    with seeded(seed, device):
        earlier, net = net, net_class(order)(model, criterion, **arguments).initialize()
        if earlier is not None:
            net.history.extend(earlier.history)
            # a pickle has none, and another optimizer can't use it
            if type(getattr(earlier, "optimizer_", None)) is type(net.optimizer_):
                assert net.optimizer_ is not None  # an initialised net has one
                net.optimizer_.state.update(earlier.optimizer_.state)
        dataset = sample.data.training(
            backbone, sample.codes, sample.weight, est.augmentation, est.max_epochs, seed
        )
        record = partial(
            _fitted,
            model=model,
            recipes=recipes,
            init=init,
            counts=counts,
            weighted=weighted,
            draws=draws,
            skipped=sample.skipped,
        )
        _run(net, dataset, 1, est, record, is_shared=earlier is not None)
    vars(est).update(record(net))


def _backbone(est, data):
    return data.backbone(partial(load_backbone, est.backbone, est.pretrained, est.backbone_params))


def _new_model(est, backbone, sample: Sample, used, recipes, device, precision, resumed=False):
    """The model at the start of training, and the initialisation of its head.

    ``resumed``: a checkpoint has the weights, and the head is left as drawn.
    """
    init = resolve_init(est.init, backbone, est.class_names_, est.prompts)
    rows = None
    if not resumed:
        rows = head_rows(
            init,
            backbone,
            sample.data,
            sample.codes,
            used,
            est.classes_,
            names=est.class_names_,
            prompts=est.prompts,
            sample_weight=sample.weight,
            random_state=sample.seed,
            **frozen_compute(est, device, precision),
        )
    with drawing_alone(sample.seed):
        model = TunedModel(backbone, recipes["adapter"], recipes["head"], len(est.classes_), device)
    if backbone.is_empty:
        model.to(sample.data.dtype)
    if rows is not None:
        with torch.no_grad():
            model.head.weight.copy_(rows)
    return model, init


def _fitted(net, *, model, recipes, init, counts, weighted, draws, skipped) -> dict:
    """The fitted attributes."""
    keys = ("train_loss", "lr", "train_acc", "dur", "valid_loss", "valid_acc")
    return {
        "class_counts_": counts,
        "class_prior_": weighted / weighted.sum(),
        "implied_prior_": implied_prior(recipes["loss"], draws),
        "skipped_": skipped,
        "init_": init,
        "adapter_": model.adapter,
        "loss_": recipes["loss"],
        "head_": recipes["head"],
        "net_": net,
        "n_trainable_params_": model.n_trainable_params,
        "history_": [
            {k: float(row[k]) for k in keys if k in row}
            for row in net.history
            if "train_acc" in row
        ],
        "accumulate_": net.accumulate,
        "_class_weights": weighted,
        "_class_draws": draws,
    }
