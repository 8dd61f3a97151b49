"""Conditions under which heads train without a graph, alone or in a stack, as by their nets."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.data import Subset

from .._compute._plan import ComputePlan
from .._compute._seeding import seeded
from .._compute._torch import has_hooks
from .._data._labelled_rows import LabelledRows
from .._model import TunedModel
from .._net import LiftNet, RowSteps
from ..heads._product import ProductHead
from ..images._augmentations import mixing_of
from ..losses import Loss, build_loss
from ..losses._gradient import has_closed_gradient
from ..training import SGD, Adam, AdamW
from ._loss_groups import alike
from ._same import same_value
from ._settings import FitSettings
from ._training import Training


def can_stack(training: Training) -> bool:
    """Return whether a stack can train the head of a training as its own net would."""
    rows = training.dataset
    return (
        trains_rows(training.settings, training.model, rows, training.plan)
        and rows.n_views == 1
        and len(rows) > 0
        and training.held_out is None
        and training.file is None
        and training.deadline is None
        and training.start is None
        and not training.settings.early_stopping
    )


def trains_rows(settings: FitSettings, model: TunedModel, rows, plan: ComputePlan) -> bool:
    """Return whether all that is trained are the rows of one of our heads, by a common optimizer.

    ``rows``: the training data, or those of which they are a subset.
    """
    head = model.head
    return (
        settings.adapter is None
        and model.tower_is_frozen
        and isinstance(rows, LabelledRows)
        and type(head).forward is ProductHead.forward
        and _is_ours(head)
        and all(parameter.requires_grad for parameter in head.parameters())
        and type(settings.optimizer) in (SGD, Adam, AdamW)
        and settings.optimizer.clip_grad_norm is None
        and settings.regularizer is None
        and mixing_of(settings.augmentation) is None
        and plan.accumulate == 1
        and not settings.net_params
    )


def row_steps(settings: FitSettings, net: LiftNet, dataset, plan: ComputePlan) -> RowSteps | None:
    """Steps without a graph, where they train the same as the net; else None."""
    rows = dataset.dataset if isinstance(dataset, Subset) else dataset
    loss = net.criterion_
    if not (
        plan.device.type == "cpu"
        and trains_rows(settings, net.module_, rows, plan)
        and _is_ours(loss)
        and has_closed_gradient(loss)
    ):
        return None
    return RowSteps(net, rows)


def can_share(first: Training, second: Training) -> bool:
    """Return whether one stack can train both: the same batches of the same prepared features."""
    ours, theirs = first.dataset, second.dataset
    heads = (first.model.head, second.model.head)
    return (
        first.sample.seed == second.sample.seed
        and first.settings.max_epochs == second.settings.max_epochs
        and first.settings.batch_size == second.settings.batch_size
        and first.plan.device == second.plan.device
        and same_value(first.order.probabilities, second.order.probabilities)
        and heads[0].weight.shape == heads[1].weight.shape
        and alike(*heads)
        and all(
            value == getattr(heads[1], name)
            for name, value in vars(heads[0]).items()
            if isinstance(value, float) and name != "scale"
        )
        and same_value(ours.views, theirs.views)
        and _same_tensor(ours.codes, theirs.codes)
        and _same_tensor(ours.weights, theirs.weights)
    )


def _is_ours(module: nn.Module) -> bool:
    """Return whether a module does just what our classes do: a recipe may have changed it."""
    return all(
        type(part).__module__.startswith("sklift.") and not _is_changed(part)
        for part in module.modules()
    )


def _is_changed(module: nn.Module) -> bool:
    """Return whether a module has functions of its own: other methods, or hooks."""
    held = [v if isinstance(v, dict) else {"": v} for v in vars(module).values()]
    values = [value for some in held for value in some.values()]
    if any(callable(value) and not isinstance(value, nn.Module) for value in values):
        return True
    return any(map(has_hooks, module.parameters()))


def _same_tensor(first: Tensor | None, second: Tensor | None) -> bool:
    if first is None or second is None:
        return first is second
    return torch.equal(first, second)


def independent_loss(training: Training) -> Loss | None:
    """The loss of a training; None if it has trained parameters, or is one of the user's.

    The latter may draw random numbers, or remember earlier batches.
    """
    settings, counts = training.settings, training.totals.effective
    with seeded(training.sample.seed, training.plan.device):
        loss = build_loss(settings.loss, counts, settings.head).to(training.plan.device)
    if any(True for _ in loss.parameters()) or not _is_ours(loss):
        return None
    return loss
