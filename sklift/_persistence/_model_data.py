"""Conversion of a trained model to plain data, and back."""

from __future__ import annotations

from collections.abc import Mapping

import torch

from .._compute._device import resolve_device
from .._model._tuned_model import TunedModel, _rebuild
from ..backbones import Backbone, load_backbone
from ._backbone_data import backbone_data, check_backbone, saved_spec
from ._bounds import BoundedMemory, check_indices

_DTYPES = {name: getattr(torch, name) for name in ("float64", "float32", "bfloat16", "float16")}
_SPARE_VALUES = 1 << 24  # values that building a model may need beside its weights: 64 MiB


def model_data(model: TunedModel) -> tuple[dict, dict[str, torch.Tensor]]:
    """Plain data of a model (its device and dtype), and its trained tensors."""
    saved = {
        "device": str(model.mean.device),
        "dtype": str(model.mean.dtype).removeprefix("torch."),
    }
    return saved, model.trained_state()


def build_model(
    recipes: tuple, n_classes: int, saved: Mapping, state: dict, backbone: Backbone, device
) -> TunedModel:
    """Build the saved model from its recipes (adapter, head) and its trained tensors.

    Raises
    ------
    ValueError
        If the tensors do not fit the model.
    """
    dtype = _DTYPES[saved["dtype"]]
    if dtype != torch.float32 and not backbone.is_empty:
        raise ValueError(f"a model of {dtype} can't share a tower of float32")
    n_values = sum(tensor.numel() for tensor in state.values())
    adapter, head = recipes
    what = (backbone.spec, backbone.checksum, adapter, head, n_classes)
    with BoundedMemory(2 * n_values + _SPARE_VALUES):
        model = _rebuild(*what, state, str(device), dtype)
    expected = model.trained_state()
    for name, tensor in state.items():
        if tensor.dtype != expected[name].dtype:
            raise ValueError(f"tensor {name!r} is {tensor.dtype}, expected {expected[name].dtype}")
    check_indices(model)
    return model


def pack_model(model: TunedModel) -> dict:
    """Convert a model to dicts, text, numbers and arrays, which every pickler knows."""
    saved, state = model_data(model)
    backbone = backbone_data(model.backbone)
    return {**saved, "backbone": backbone, "state": {k: t.numpy() for k, t in state.items()}}


def unpack_model(recipes: tuple, n_classes: int, packed: Mapping) -> TunedModel:
    """Rebuild the model from plain data; on the CPU if its device is missing."""
    backbone = load_backbone(saved_spec(packed["backbone"]))
    check_backbone(backbone, packed["backbone"])
    try:
        device = resolve_device(packed["device"])
    except ValueError:
        device = resolve_device("cpu")
    state = {name: torch.from_numpy(array) for name, array in packed["state"].items()}
    return build_model(recipes, n_classes, packed, state, backbone, device)
