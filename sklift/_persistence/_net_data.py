"""A trained net as plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .._compute._device import resolve_device, resolve_precision
from .._fitting._net_arguments import net_arguments
from .._model._tuned_model import TunedModel, _rebuild
from .._net import LiftNet
from ..backbones import Backbone, BackboneSpec, load_backbone
from ._bounds import BoundedMemory, check_indices

_DTYPES = {name: getattr(torch, name) for name in ("float64", "float32", "bfloat16", "float16")}
_SPARE_VALUES = 1 << 24  # what building a model may take beside its weights: 64 MiB


def describe_backbone(backbone: Backbone) -> dict:
    """What a backbone is, and what pictures it takes."""
    spec, preprocess = backbone.spec, backbone.preprocess
    return {
        "name": spec.name,
        "pretrained": spec.pretrained,
        "params": dict(spec.params),
        "checksum": backbone.checksum,
        "preprocess": {
            "size": preprocess.size,
            "mean": list(preprocess.mean),
            "std": list(preprocess.std),
            "interpolation": preprocess.interpolation,
        },
    }


def check_backbone(backbone: Backbone, saved: Mapping) -> None:
    """Check that a backbone is the one that was described.

    Raises
    ------
    ValueError
        If its weights or its preprocessing differ.
    """
    if backbone.checksum != saved["checksum"]:
        raise ValueError(
            f"the weights of backbone {backbone.spec} differ from those the model was trained on "
            f"(checksum {backbone.checksum[:12]}, expected {str(saved['checksum'])[:12]})"
        )
    now = describe_backbone(backbone)["preprocess"]
    if now != saved["preprocess"]:
        raise ValueError(
            f"backbone {backbone.spec} takes other pictures than it did: {now} now, "
            f"{saved['preprocess']} when the model was trained"
        )


def describe_net(net: LiftNet) -> tuple[dict, dict[str, torch.Tensor]]:
    """How a net computes, and its trained tensors."""
    model = net.module_
    saved = {
        "device": str(model.mean.device),
        "precision": str(net.precision).removeprefix("torch."),
        "dtype": str(model.mean.dtype).removeprefix("torch."),
    }
    return saved, model.trained_state()


def build_net(est, saved: Mapping, state: dict, backbone: Backbone, place: torch.device) -> LiftNet:
    """The net of an estimator whose other fitted attributes are set.

    Ready to predict, and to be trained further; optimiser and callbacks are not restored.

    Raises
    ------
    ValueError
        If the tensors are not those of the model.
    """
    precision, dtype = _DTYPES[saved["precision"]], _DTYPES[saved["dtype"]]
    if dtype != torch.float32 and any(True for _ in backbone.tower.parameters()):
        raise ValueError(f"a model of {dtype} can't share a tower of float32")
    rows_are_given = backbone.spec.name == "precomputed" and est.precision == "auto"
    if place.type != saved["device"].partition(":")[0] and not rows_are_given:
        precision = resolve_precision(est.precision, place)
    model = _build_model(est, backbone, state, place, dtype)
    arguments = net_arguments(est, place, precision, 1, 0, None)
    net = LiftNet(model, torch.nn.Identity(), **arguments).initialize()
    epochs = enumerate(est.history_, start=1)
    net.history.extend({"batches": [], "epoch": epoch, **row} for epoch, row in epochs)
    trimmed = LiftNet.__new__(LiftNet)
    trimmed.__setstate__(net.__getstate__())
    return trimmed


def _build_model(est, backbone: Backbone, state: dict, place, dtype) -> TunedModel:
    n_values = sum(tensor.numel() for tensor in state.values())
    spec, checksum, recipes = backbone.spec, backbone.checksum, (est.adapter_, est.head_)
    with BoundedMemory(2 * n_values + _SPARE_VALUES):
        model = _rebuild(spec, checksum, *recipes, len(est.classes_), state, str(place), dtype)
    own = model.trained_state()
    for name, tensor in state.items():
        if tensor.dtype != own[name].dtype:
            raise ValueError(f"tensor {name!r} is {tensor.dtype}, expected {own[name].dtype}")
    check_indices(model)
    return model


def freeze(net: LiftNet) -> dict:
    """A net as dicts, text, numbers and arrays, which every pickler knows."""
    saved, state = describe_net(net)
    backbone = describe_backbone(net.module_.backbone)
    return {**saved, "backbone": backbone, "state": {k: t.numpy() for k, t in state.items()}}


def thaw(est, frozen: Mapping) -> LiftNet:
    """The net again, on its device where there is one."""
    saved = frozen["backbone"]
    params = tuple(sorted(saved["params"].items()))
    backbone = load_backbone(BackboneSpec(saved["name"], saved["pretrained"], params))
    check_backbone(backbone, saved)
    try:
        place = resolve_device(frozen["device"])
    except ValueError:
        place = resolve_device("cpu")
    state = {name: torch.from_numpy(array) for name, array in frozen["state"].items()}
    return build_net(est, frozen, state, backbone, place)
