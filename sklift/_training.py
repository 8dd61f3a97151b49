"""From validated input to a trained net, and from a net to logits."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.utils.data import Subset

from ._checkpointing import open_checkpoint
from ._data import LabelledRows
from ._device import resolve_device, resolve_precision
from ._feature_cache import resolve_cache
from ._head_start import head_rows, resolve_init
from ._model import TunedModel
from ._net import (
    Checkpoints,
    EpochOrder,
    LiftNet,
    SklearnCallbacks,
    StopIfAsked,
    StopIfInterrupted,
    interrupts_deferred,
    predefined_split,
)
from ._net_arguments import net_arguments
from ._seeding import drawing_alone, seeded
from ._split import HoldOut, draw_probabilities
from .backbones import load_backbone
from .images._views import check_tta
from .losses import build_loss, implied_prior


@dataclass
class Sample:
    """What ``fit`` was given, validated."""

    data: object  # Pictures or Rows
    codes: np.ndarray
    weight: np.ndarray | None
    seed: int
    skipped: np.ndarray  # indices of what could not be read


def train(est, sample: Sample, recipes: dict, tasks, model=None) -> None:
    """Build the model, start its head, train it, and set the fitted attributes of ``est``.

    ``model``: one to start from as it is, instead. ``tasks``: the epochs, as scikit-learn's
    callbacks see them.
    """
    device, precision = _resolve_compute(est, sample.data)
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
    file, state = open_checkpoint(est, sample, backbone, device, precision, model)
    if state is not None:
        sample.seed = state["seed"]
    with seeded(sample.seed, device):
        dataset, held_out, used = _split(est, backbone, sample)
        init = est.init_ if model is not None else None
        if model is None:
            start = head_rows if state is None else _no_rows  # the checkpoint has the weights
            model, init = _new_model(est, backbone, sample, used, recipes, device, precision, start)
        if model.tower_is_frozen:
            dataset, held_out = _on_features(
                est, backbone, sample, used, dataset, held_out, device, precision
            )
    counts, weighted, draws, order = _class_totals(est, sample, used, sample.seed)
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
        if file is None
        else Checkpoints(
            file, est.checkpoint_minutes, sample.seed, within_epochs=not _own_order(est)
        )
    )
    last = [
        ("tasks", SklearnCallbacks(tasks, record)),
        *([] if checkpoints is None else [("checkpoints", checkpoints)]),
        ("interrupt", StopIfInterrupted()),
        ("stop", StopIfAsked()),
    ]
    arguments = net_arguments(
        est, device, precision, len(used), sample.seed, order, extra=last, state=state
    )
    arguments["train_split"] = None if held_out is None else predefined_split(held_out)
    tasks.begin()
    with seeded(sample.seed, device):
        criterion = build_loss(recipes["loss"], draws, recipes["head"])
        net = LiftNet(model, criterion, **arguments).initialize()
        if state is not None:
            net.restore(state)
        _run(net, dataset, 0 if net.stopping else est.max_epochs - len(net.history), est, record)
    vars(est).update(record(net))
    if checkpoints is not None:
        checkpoints.save(net, finished=True)
    tasks.end(record(net))


def _run(net, dataset, n_epochs: int, est, record) -> None:
    """Train; what ends it early leaves the estimator fitted so far, where that makes sense."""
    start = net.module_.trained_state()
    try:
        with interrupts_deferred(net):
            net.partial_fit(dataset, epochs=n_epochs)
    except Exception as error:
        net.notify("on_train_end", X=None, y=None)  # bars are closed, data is let go
        if isinstance(error, FloatingPointError) or net.interrupted:
            vars(est).update(record(net))
        else:  # the net of an earlier fit may share these weights
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
    device, precision = _resolve_compute(est, sample.data)
    used = np.arange(len(sample.codes))
    net, init = getattr(est, "net_", None), getattr(est, "init_", None)
    with seeded(sample.seed, device):
        backbone = _backbone(est, sample.data)
        if net is None:
            check_tta(est.tta)
            model, init = _new_model(est, backbone, sample, used, recipes, device, precision)
        else:
            model = net.module_
    # the order and the views of each pass are its own, also where random_state is an int
    seed = (sample.seed + (0 if net is None else len(net.history))) % 2**31
    counts, weighted, draws, order = _class_totals(est, sample, used, seed)
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
        earlier, net = net, LiftNet(model, criterion, **arguments).initialize()
        if earlier is not None:
            net.history.extend(earlier.history)
            # a pickle has none, and another optimizer can't use it
            if type(getattr(earlier, "optimizer_", None)) is type(net.optimizer_):
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
        _run(net, dataset, 1, est, record)
    vars(est).update(record(net))


def logits(est, data) -> np.ndarray:
    """Logits ``(n, n_classes)`` of a fitted estimator, streamed batch by batch."""
    net = est.net_
    net.batch_size = int(est.batch_size)
    model = net.module_
    net.precision = _precision(est, data, model.mean.device)
    views = None
    if model.tower_is_frozen and est.tta is None:
        compute = _compute(est, model.mean.device, net.precision)
        X = data.features_of_views(model.backbone, np.arange(len(data)), None, **compute)
        views = None if X is None else LabelledRows(torch.from_numpy(X))
    if views is None:
        views = data.prediction(model.backbone, est.tta, est.tta_expand)
    return np.concatenate([batch.numpy() for batch in net.forward_iter(views)])


def _resolve_compute(est, data):
    """Device, and the dtype of matrix products there."""
    device = resolve_device(est.device)
    return device, _precision(est, data, device)


def _precision(est, data, device) -> torch.dtype:
    """The dtype of matrix products; features that are given keep their own."""
    if est.precision == "auto" and data.dtype is not None:
        return data.dtype
    return resolve_precision(est.precision, device)


def _backbone(est, data):
    return data.backbone(partial(load_backbone, est.backbone, est.pretrained, est.backbone_params))


def _split(est, backbone, sample: Sample):
    """Training data, validation data or None, and the indices of the former."""
    labelled = (sample.codes, sample.weight)

    def views(augmentation):
        return sample.data.training(backbone, *labelled, augmentation, est.max_epochs, sample.seed)

    dataset = views(est.augmentation)
    split = (est.net_params or {}).get("train_split")
    if split and not callable(split):
        raise TypeError(
            f"train_split must be callable, got {split!r}: give "
            "an instance of skorch.dataset.ValidSplit"
        )
    fraction = est.validation_fraction
    if fraction is None and est.early_stopping:
        fraction = 0.1
    if split is None and fraction is not None:
        split = HoldOut(fraction, sample.seed, sample.weight)
    if not split:
        return dataset, None, np.arange(len(sample.codes))
    # Held-out pictures are seen as in prediction, and no class prior counts them.
    dataset, held_out = split(dataset, sample.codes)
    if not (isinstance(dataset, Subset) and isinstance(held_out, Subset)):
        raise ValueError(
            "train_split must split the training data in two subsets, as "
            "skorch.dataset.ValidSplit does; a data set of one's own can't be given there"
        )
    return dataset, Subset(views(None), held_out.indices), np.asarray(dataset.indices)


def _compute(est, device, precision) -> dict:
    """How frozen features are computed, and where they are kept."""
    return {
        "cache": resolve_cache(est.cache),
        "device": device,
        "precision": precision,
        "batch_size": est.batch_size,
        "num_workers": est.num_workers,
    }


def _on_features(est, backbone, sample, used, dataset, held_out, device, precision):
    """Datasets of what the frozen tower makes of the views, where those repeat."""
    compute = _compute(est, device, precision)
    every = np.arange(len(sample.codes))
    X = sample.data.features_of_views(backbone, every, est.augmentation, **compute)
    if X is None:
        return dataset, held_out
    rows = LabelledRows(torch.from_numpy(X), sample.codes, sample.weight)
    dataset = Subset(rows, used) if isinstance(dataset, Subset) else rows
    if held_out is not None:
        X = sample.data.features_of_views(backbone, held_out.indices, None, **compute)
        weight = None if sample.weight is None else sample.weight[held_out.indices]
        held_out = LabelledRows(torch.from_numpy(X), sample.codes[held_out.indices], weight)
    return dataset, held_out


def _own_order(est) -> bool:
    """Whether the user's own order of samples replaces ours."""
    names = ("sampler", "batch_sampler", "shuffle", "order", "drop_last")
    return any(f"iterator_train__{name}" in (est.net_params or {}) for name in names)


def _class_totals(est, sample: Sample, used: np.ndarray, seed: int):
    """Per class: samples, their weights, and what the loss sees of it; and the order of samples."""
    codes, n_classes = sample.codes[used], len(est.classes_)
    weight = np.ones(len(used)) if sample.weight is None else sample.weight[used]
    counts = np.bincount(codes, minlength=n_classes)
    weighted = np.bincount(codes, weight, minlength=n_classes)
    if est.sampler is None:
        return counts, weighted, weighted, EpochOrder(len(used), seed)
    probabilities = draw_probabilities(codes, est.sampler)
    draws = np.bincount(codes, len(used) * probabilities * weight, minlength=n_classes)
    return counts, weighted, draws, EpochOrder(len(used), seed, probabilities)


def _no_rows(*args, **kwargs) -> None:
    """Leave the head as drawn."""


def _new_model(est, backbone, sample: Sample, used, recipes, device, precision, start=head_rows):
    """The model at the start of training, and the initialisation of its head."""
    init = resolve_init(est.init, backbone, est.class_names_, est.prompts)
    rows = start(
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
        **_compute(est, device, precision),
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
