"""Training, from validated samples to fitted attributes."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from torch import nn

from .._compute._determinism import deterministic
from .._compute._plan import ComputePlan
from .._compute._seeding import seeded
from .._model import TunedModel
from .._model._compilation import compiled
from .._net import (
    Checkpoints,
    LiftNet,
    SklearnCallbacks,
    StopIfAsked,
    StopIfInterrupted,
    agreed_seed,
    figures_of,
    interrupts_deferred,
    is_first,
    net_class,
    predefined_split,
)
from ..backbones._fast._precision import frozen_weights_cast
from ..losses import build_loss, implied_prior
from ..regularizers import build_regularizer
from ._checkpoint import open_checkpoint
from ._hyperparameters import hyperparameters
from ._identity import describe, identify
from ._learned import warn_if_shortened, warn_if_unlearned
from ._net_arguments import has_user_order, net_arguments
from ._regularizer import continued_regularizer
from ._sample import Sample
from ._settings import FitSettings
from ._start import (
    Classes,
    Trained,
    check_start,
    find_backbone,
    find_device,
    find_init,
    make_plan,
    new_model,
)
from ._training_data import ClassTotals, class_totals, precompute_frozen, split_sample
from ._unlabeled import with_pseudo_labels


def train(
    settings: FitSettings,
    sample: Sample,
    classes: Classes,
    tasks,
    keep: Callable[[dict], None],
    start: Trained | None = None,
) -> None:
    """Build the model, initialise its head, and train it.

    Parameters
    ----------
    settings : FitSettings
        The parameters of the estimator.
    sample : Sample
        The training data.
    classes : Classes
        Labels and names of the classes.
    tasks : EpochTasks
        The link to scikit-learn's callbacks.
    keep : callable
        A function that stores the fitted attributes: at the end, or when training is interrupted.
    start : Trained, optional
        Earlier training to continue (``warm_start``).
    """
    begun = time.perf_counter()
    device = find_device(settings)
    sample.seed = agreed_seed(settings.net_params, sample.seed, sample.codes, sample.weight)
    with seeded(sample.seed, device):
        backbone = find_backbone(settings, sample.data)
        if start is not None:
            check_start(start.model, backbone, device)
        plan = make_plan(settings, sample, backbone, device)
        sample = with_pseudo_labels(settings, sample, len(classes), backbone, plan)
    init = find_init(settings, backbone, classes, start)
    settings = settings.with_head(init)
    file = state = None
    if settings.checkpoint is not None:
        identity = identify(settings, sample, classes.labels, backbone, plan)
        if start is not None:  # the outcome depends on the start
            weights = start.model.trained_state()
            if start.regularizer is not None:
                held = start.regularizer.state_dict()
                weights |= {f"regularizer {k}": t.cpu() for k, t in held.items()}
            identity["start"] = describe({k: t.numpy() for k, t in weights.items()})
        is_seeded = settings.random_state is not None
        file, state = open_checkpoint(settings.checkpoint, identity, is_seeded=is_seeded)
    if state is not None:
        sample.seed = state["seed"]
    with seeded(sample.seed, plan.device):
        dataset, held_out, used = split_sample(settings, backbone, sample)
        if start is None:
            resumed = state is not None
            model = new_model(settings, init, backbone, sample, used, classes, plan, resumed)
        else:
            model = start.model
        model.recompute(plan.recompute)
        with frozen_weights_cast(model.tower, plan.precision):
            dataset, held_out = precompute_frozen(
                settings, model, sample, used, dataset, held_out, plan
            )
    n_epochs = settings.max_epochs
    totals, order = class_totals(settings, sample, used, len(classes), sample.seed, n_epochs)
    record = partial(_fitted, settings, model, init, totals, sample, plan)
    checkpoints = None
    if file is not None and settings.checkpoint is not None and is_first(order):
        minutes, within = settings.checkpoint.minutes, not has_user_order(settings.net_params)
        checkpoints = Checkpoints(file, minutes, sample.seed, within_epochs=within)
    last = [
        ("tasks", SklearnCallbacks(tasks, record)),
        *([] if checkpoints is None else [("checkpoints", checkpoints)]),
        ("interrupt", StopIfInterrupted()),
        ("stop", StopIfAsked()),
    ]
    arguments = net_arguments(
        settings,
        plan,
        len(used),
        sample.seed,
        order,
        dataset=dataset,
        extra=last,
        state=state,
        deadline=None if plan.time_limit is None else begun + plan.time_limit,
    )
    del used  # as long as the data
    arguments["train_split"] = None if held_out is None else predefined_split(held_out)
    tasks.begin()
    with seeded(sample.seed, plan.device):
        criterion = build_loss(settings.loss, totals.effective, settings.head)
        arguments["regularizer"] = _regularizer(settings, model, start)
        net = net_class(order)(model, criterion, **arguments).initialize()
        net.is_first, net.hyperparameters = is_first(order), hyperparameters(settings)
        if state is not None:
            net.restore(state)
        n_epochs = 0 if net.stopping else settings.max_epochs - len(net.history)
        _run(net, dataset, n_epochs, plan, keep, record, is_shared=start is not None)
    fitted = record(net)
    keep(fitted)
    if net.out_of_time or net.planned_epochs not in (None, settings.max_epochs):
        warn_if_shortened(net, plan.time_limit, settings.max_epochs)
    elif not settings.early_stopping:  # which has seen that more epochs would not help
        warn_if_unlearned(fitted["history_"])
    if checkpoints is not None:
        checkpoints.save(net, finished=True)
    tasks.end(fitted)


def train_more(
    settings: FitSettings,
    sample: Sample,
    classes: Classes,
    keep: Callable[[dict], None],
    start: Trained | None = None,
) -> None:
    """Make one more pass over the given samples, with a constant learning rate.

    The parameters are those of :func:`train`.
    """
    device = find_device(settings)
    sample.seed = agreed_seed(settings.net_params, sample.seed, sample.codes, sample.weight)
    used = np.arange(len(sample.codes))
    with seeded(sample.seed, device):
        backbone = find_backbone(settings, sample.data)
        plan = make_plan(settings, sample, backbone, device)
        init = find_init(settings, backbone, classes, start)
        settings = settings.with_head(init)
        if start is None:
            model = new_model(settings, init, backbone, sample, used, classes, plan)
        else:
            model = start.model
        model.recompute(plan.recompute)
    # Each pass has its own order and views, also if random_state is an int.
    seed = (sample.seed + (0 if start is None else len(start.history))) % 2**31
    totals, order = class_totals(settings, sample, used, len(classes), seed, 1)
    if start is not None:
        totals = totals + start.totals
    criterion = build_loss(settings.loss, totals.effective, settings.head)
    last = [("interrupt", StopIfInterrupted())]
    arguments = net_arguments(settings, plan, len(used), seed, order, extra=last, one_epoch=True)
    with seeded(seed, plan.device):
        arguments["regularizer"] = _regularizer(settings, model, start)
        net = net_class(order)(model, criterion, **arguments).initialize()
        net.is_first, net.hyperparameters = is_first(order), hyperparameters(settings)
        if start is not None:
            _take_over_history(net, start)
        schedule = (settings.augmentation, settings.max_epochs, seed)
        dataset = sample.data.training(backbone, sample.codes, sample.weight, *schedule)
        past = [] if start is None else start.history
        record = partial(_fitted, settings, model, init, totals, sample, plan, past=past)
        _run(net, dataset, 1, plan, keep, record, is_shared=start is not None)
    keep(record(net))


def _regularizer(settings: FitSettings, model: TunedModel, start: Trained | None):
    """The regularizer, or None; in continued training, with the start of the first training."""
    if start is None:
        return build_regularizer(settings.regularizer, model)
    return continued_regularizer(settings.regularizer, model, start.regularizer)


def _take_over_history(net: LiftNet, start: Trained) -> None:
    """Give a net the history and the optimizer state of earlier passes.

    The rows of the last net are shared, not copied: the hundredth pass takes as long as the first.
    """
    history = net.history
    if start.rows is None:
        epochs = enumerate(start.history, start=1)
        history.extend({"batches": [], "epoch": epoch, **row} for epoch, row in epochs)
    else:
        history.extend(start.rows)
        del history[len(start.history) :]  # the row of an interrupted epoch
        for i in range(len(history) - 1, -1, -1):  # records of batches, which the last rows have
            if not history[i]["batches"]:
                break
            history[i] = {**history[i], "batches": []}
    if start.optimizer is not None and start.loss is not None:
        net.take_over(start.optimizer, start.loss)


def _run(net, dataset, n_epochs: int, plan: ComputePlan, keep, record, *, is_shared: bool) -> None:
    """Train the net; if training is interrupted, store the attributes so far.

    ``is_shared``: whether the weights belong to an earlier fit too, which a failure must not
    change.
    """
    before = net.module_.trained_state() if is_shared else None
    compares = net.has_terms and not net.module_.tower_is_frozen
    frozen = net.module_.frozen_tower if compares else nn.Identity()
    try:
        with (
            deterministic(plan.device),
            frozen_weights_cast(net.module_.tower, net.precision),
            frozen_weights_cast(frozen, net.precision),
            compiled(net.module_, plan.compile),
            interrupts_deferred(net),
        ):
            net.partial_fit(dataset, epochs=n_epochs)
    except Exception as error:
        net.notify("on_train_end", X=None, y=None)  # closes progress bars, releases the data
        if isinstance(error, FloatingPointError) or net.interrupted:
            keep(record(net))
        elif is_shared:
            net.module_.load_trained_state(before)
        if net.interrupted:  # Ctrl-C may have killed a data-loading worker first
            raise KeyboardInterrupt from None
        raise
    # After a KeyboardInterrupt, skorch ends the fit without an error.
    in_epoch = n_epochs > 0 and "train_acc" not in net.history[-1]
    if net.interrupted or (in_epoch and not net.out_of_time):
        keep(record(net))
        raise KeyboardInterrupt


def _fitted(
    settings: FitSettings,
    model: TunedModel,
    init: str,
    totals: ClassTotals,
    sample: Sample,
    plan: ComputePlan,
    net: LiftNet,
    *,
    past: Sequence[dict] = (),
) -> dict[str, Any]:
    """Fitted attributes of the estimator, by name.

    ``past``: the history of earlier passes, which the net's begins with.
    """
    new = [row for row in net.history[len(past) :] if "train_acc" in row]
    return {
        "class_counts_": totals.counts,
        "class_prior_": totals.weights / totals.weights.sum(),
        "implied_prior_": implied_prior(settings.loss, totals.effective, settings.head),
        "pseudo_label_counts_": np.bincount(
            sample.codes[sample.n_labelled :], minlength=len(totals.counts)
        ),
        "skipped_": sample.skipped,
        "init_": init,
        "adapter_": model.adapter,
        "loss_": settings.loss,
        "regularizer_": settings.regularizer,
        "head_": settings.head,
        "model_": model,
        "net_": net,
        "max_epochs_": settings.max_epochs,
        "batch_size_": settings.batch_size,
        "n_trainable_params_": model.n_trainable_params,
        "history_": [*past, *map(figures_of, new)],
        "accumulate_": net.accumulate,
        "precision_": plan.precision_name,
        "_class_weights": totals.weights,
        "_effective_counts": totals.effective,
    }
