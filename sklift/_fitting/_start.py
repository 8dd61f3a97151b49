"""Start of a training: device, plan, backbone, and the model with its head."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import torch

from .._compute._device import check_precision, resolve_device
from .._compute._plan import ComputePlan
from .._compute._seeding import drawing_alone
from .._model import TunedModel
from .._net import agreed
from ..backbones import Backbone, load_backbone
from ..heads._product import ProductHead
from ..regularizers import Regularizer
from ._head_start import resolve_init
from ._sample import Sample
from ._settings import FitSettings
from ._training_data import ClassTotals


@dataclass(frozen=True)
class Classes:
    """Sorted labels of shape (n_classes,), and the names of the classes, if known.

    ``named``: whether the user gave the names; else they are the labels.
    """

    labels: np.ndarray
    names: list[str] | None
    named: bool

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Trained:
    """Outcome of earlier training, from which training continues.

    Attributes
    ----------
    classes : ndarray of shape (n_classes,)
        The labels.
    model : TunedModel
        The model.
    init : str
        The initialisation of its head.
    totals : ClassTotals
        Class totals of the samples so far.
    history : list of dict
        Figures of the epochs so far, such as the loss.
    rows : list of dict, or None
        The rows of the last net, if it was in this process; they have entries for callbacks too.
    optimizer, loss, regularizer : torch optimizer and modules, or None
        Those of the last training, if it was in this process.
    """

    classes: np.ndarray
    model: TunedModel
    init: str
    totals: ClassTotals
    history: list[dict]
    rows: list[dict] | None
    optimizer: torch.optim.Optimizer | None
    loss: torch.nn.Module | None
    regularizer: Regularizer | None


def find_device(settings: FitSettings) -> torch.device:
    """The device, which is checked for the precision before a tower is loaded."""
    device = resolve_device(settings.device)
    check_precision(settings.compute.precision, device)
    return device


def make_plan(
    settings: FitSettings, sample: Sample, backbone: Backbone, device: torch.device
) -> ComputePlan:
    """The plan of the fit; the processes that share it take the precision of the first."""
    plan = settings.compute.build(device, settings.batch_size, sample.data.dtype, backbone.width)
    precision = agreed(settings.net_params, plan.precision)
    return replace(plan, precision=precision, verbose=bool(settings.verbose))


def find_backbone(settings: FitSettings, data) -> Backbone:
    return data.backbone(partial(load_backbone, settings.backbone, settings.pretrained))


def check_start(model: TunedModel, backbone: Backbone, device: torch.device) -> None:
    """Check that training continues with the same backbone on the same device."""
    if model.backbone is not backbone or model.mean.device != device:
        raise ValueError(
            f"training goes on with the same backbone on the same device: "
            f"{model.backbone.spec} ({model.backbone.n_features} features) on "
            f"{model.mean.device} before, now {backbone.spec} ({backbone.n_features} features) "
            f"on {device}; set warm_start=False to start anew"
        )


def find_init(
    settings: FitSettings, backbone: Backbone, classes: Classes, start: Trained | None
) -> str:
    """What the head starts from, or started from in the first training."""
    if start is not None:
        return start.init
    return resolve_init(settings.init, backbone, classes.names, settings.prompts, classes.named)


def new_model(
    settings: FitSettings,
    init: str,
    backbone: Backbone,
    sample: Sample,
    used: np.ndarray,
    classes: Classes,
    plan: ComputePlan,
    resumed: bool = False,
) -> TunedModel:
    """Return the model at the start of training.

    ``resumed``: whether a checkpoint has the weights, so that the head needs no start.
    """
    with drawing_alone(sample.seed):
        model = TunedModel(backbone, settings.adapter, settings.head, len(classes), plan.device)
    if backbone.is_empty:
        model.to(sample.data.dtype)
    if resumed:
        return model
    key = _start_key(settings, init, sample.seed, model.head)
    starts = None if key is None else sample.starts
    if starts is not None and key in starts:
        _start_as(model.head, starts[key])
        return model
    sample.start_head(model.head, init, backbone, used, classes, plan, settings)
    if starts is not None:
        starts[key] = model.head
    return model


def _start_key(settings: FitSettings, init: str, seed: int, head: torch.nn.Module):
    """What the start of a head depends on, among trainings on the same samples; or None."""
    if init == "text" or type(head).forward is not ProductHead.forward:
        return None
    recipe = {n: v for n, v in settings.head.get_params().items() if n != "scale"}
    is_plain = all(isinstance(v, (bool, int, float, str, type(None))) for v in recipe.values())
    return (type(head), init, seed, *sorted(recipe.items())) if is_plain else None


def _start_as(head: torch.nn.Module, other: torch.nn.Module) -> None:
    """Set the start of a head; what is computed once from features is one tensor for both."""
    with torch.no_grad():
        for ours, theirs in zip(head.parameters(), other.parameters(), strict=True):
            ours.copy_(theirs)
    for name, buffer in other.named_buffers(recurse=False):
        setattr(head, name, buffer)
