"""The epochs of a training, and the passes of ``partial_fit``, up to fitted attributes."""

from __future__ import annotations

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
    predefined_split,
)
from ..backbones._fast._precision import frozen_weights_cast
from ..regularizers import build_regularizer
from ._hyperparameters import hyperparameters
from ._learned import warn_if_shortened, warn_if_unlearned
from ._net_arguments import has_user_order, net_arguments
from ._regularizer import continued_regularizer
from ._sample import Sample
from ._settings import FitSettings
from ._stackable import row_steps
from ._start import (
    Classes,
    Trained,
    find_backbone,
    find_device,
    find_init,
    make_plan,
    new_model,
)
from ._training import Training, fitted_attributes
from ._training_data import class_totals


def train(training: Training, tasks, keep: Callable[[dict], None]) -> None:
    """Run the epochs of a training.

    Parameters
    ----------
    training : Training
        The training, which is ready to run.
    tasks : EpochTasks
        The link to scikit-learn's callbacks.
    keep : callable
        A function that stores the fitted attributes: at the end, or when training is interrupted.
    """
    settings, sample, plan = training.settings, training.sample, training.plan
    record = partial(_fitted, training.fitted)
    checkpoints = None
    if training.file is not None and settings.checkpoint is not None and is_first(training.order):
        minutes, within = settings.checkpoint.minutes, not has_user_order(settings.net_params)
        checkpoints = Checkpoints(training.file, minutes, sample.seed, within_epochs=within)
    last = [
        ("tasks", SklearnCallbacks(tasks, record)),
        *([] if checkpoints is None else [("checkpoints", checkpoints)]),
        ("interrupt", StopIfInterrupted()),
        ("stop", StopIfAsked()),
    ]
    held_out, state, start = training.held_out, training.state, training.start
    arguments = net_arguments(
        settings,
        plan,
        training.n_used,
        sample.seed,
        training.order,
        dataset=training.dataset,
        extra=last,
        state=state,
        deadline=training.deadline,
    )
    arguments["train_split"] = None if held_out is None else predefined_split(held_out)
    tasks.begin()
    with seeded(sample.seed, plan.device):
        criterion = sample.build_loss(settings, training.totals)
        arguments["regularizer"] = _regularizer(settings, training.model, start)
        net = sample.net_class(training.order)(training.model, criterion, **arguments).initialize()
        net.is_first = is_first(training.order)
        net.hyperparameters = hyperparameters(settings)
        if state is not None:
            net.restore(state)
        n_epochs = 0 if net.stopping else settings.max_epochs - len(net.history)
        is_shared = start is not None
        net.row_steps = row_steps(settings, net, training.dataset, plan)
        _run(net, training.dataset, n_epochs, plan, keep, record, is_shared=is_shared)
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

    Parameters
    ----------
    settings, sample, classes, start : as in :func:`sklift._fitting._training.begin`
    keep : as in :func:`train`
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
    criterion = sample.build_loss(settings, totals)
    last = [("interrupt", StopIfInterrupted())]
    arguments = net_arguments(settings, plan, len(used), seed, order, extra=last, one_epoch=True)
    with seeded(seed, plan.device):
        arguments["regularizer"] = _regularizer(settings, model, start)
        net = sample.net_class(order)(model, criterion, **arguments).initialize()
        net.is_first, net.hyperparameters = is_first(order), hyperparameters(settings)
        if start is not None:
            _take_over_history(net, start)
        schedule = (settings.augmentation, settings.max_epochs, seed)
        dataset = sample.data.training(backbone, sample.codes, sample.weight, *schedule)
        past = [] if start is None else start.history
        attributes = partial(fitted_attributes, settings, model, init, totals, sample, plan)
        record = partial(_fitted, attributes, past=past)
        net.row_steps = row_steps(settings, net, dataset, plan)
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
    finally:  # it holds the features
        net.row_steps = None
    # After a KeyboardInterrupt, skorch ends the fit without an error.
    in_epoch = n_epochs > 0 and "train_acc" not in net.history[-1]
    if net.interrupted or (in_epoch and not net.out_of_time):
        keep(record(net))
        raise KeyboardInterrupt


def _fitted(
    attributes: Callable[[], dict[str, Any]], net: LiftNet, *, past: Sequence[dict] = ()
) -> dict[str, Any]:
    """Fitted attributes of the estimator, by name, with those of the net.

    ``past``: the history of earlier passes, which the net's begins with.
    """
    new = [row for row in net.history[len(past) :] if "train_acc" in row]
    return {
        **attributes(),
        "net_": net,
        "history_": [*past, *map(figures_of, new)],
        "accumulate_": net.accumulate,
    }
