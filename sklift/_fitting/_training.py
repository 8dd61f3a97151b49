"""A training that is ready to run: model, data, order and totals, from validated samples."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

from .._compute._plan import ComputePlan
from .._compute._seeding import seeded
from .._model import TunedModel
from .._net import CheckpointFile, agreed_seed
from ..backbones._fast._precision import frozen_weights_cast
from ._checkpoint import open_checkpoint
from ._identity import describe, identify
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


@dataclass
class Training:
    """All that the epochs of a fit need.

    Attributes
    ----------
    settings : FitSettings
        The parameters, with "auto" filled in.
    sample : Sample
        The training data.
    plan : ComputePlan
        Device, precision and stores.
    init : str
        What the head starts from.
    model : TunedModel
        The model at its start.
    dataset, held_out : Dataset, and Dataset or None
        The data of training and of validation.
    n_used : int
        Number of samples that are not held out.
    totals : ClassTotals
        Class totals of the samples that are not held out.
    order : EpochOrder
        The order of the samples.
    start : Trained or None
        Earlier training that goes on.
    file, state : CheckpointFile or None, and dict or None
        The checkpoint, and the state that it holds.
    deadline : float or None
        When training must end, as a value of ``time.perf_counter()``.
    """

    settings: FitSettings
    sample: Sample
    plan: ComputePlan
    init: str
    model: TunedModel
    dataset: Any
    held_out: Any
    n_used: int
    totals: ClassTotals
    order: Any
    start: Trained | None
    file: CheckpointFile | None
    state: dict | None
    deadline: float | None

    def fitted(self) -> dict[str, Any]:
        """Fitted attributes of the estimator, by name, but for those of the epochs."""
        return fitted_attributes(
            self.settings, self.model, self.init, self.totals, self.sample, self.plan
        )


def fitted_attributes(
    settings: FitSettings,
    model: TunedModel,
    init: str,
    totals: ClassTotals,
    sample: Sample,
    plan: ComputePlan,
) -> dict[str, Any]:
    """Fitted attributes of the estimator, by name, but for those of the epochs."""
    return {
        **sample.fitted(settings, totals),
        "skipped_": sample.skipped,
        "init_": init,
        "adapter_": model.adapter,
        "loss_": settings.loss,
        "head_": settings.head,
        "model_": model,
        "max_epochs_": settings.max_epochs,
        "batch_size_": settings.batch_size,
        "n_trainable_params_": model.n_trainable_params,
        "precision_": plan.precision_name,
    }


def begin(
    settings: FitSettings, sample: Sample, classes: Classes, start: Trained | None = None
) -> Training:
    """Build the model, initialise its head, and make the training data.

    Parameters
    ----------
    settings : FitSettings
        The parameters of the estimator.
    sample : Sample
        The training data.
    classes : Classes
        Labels and names of the classes.
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
    if start is None:
        sample.start_bias(model.head, settings, totals)
    return Training(
        settings,
        sample,
        plan,
        init,
        model,
        dataset,
        held_out,
        len(used),
        totals,
        order,
        start,
        file,
        state,
        None if plan.time_limit is None else begun + plan.time_limit,
    )
