"""Where an estimator computes, how precisely, and where it keeps frozen features."""

from __future__ import annotations

import torch

from .._store._cache import resolve_cache
from ._device import resolve_device, resolve_precision


def resolve_compute(est, data):
    """Device, and the dtype of matrix products there."""
    device = resolve_device(est.device)
    return device, precision_of(est, data, device)


def precision_of(est, data, device) -> torch.dtype:
    """The dtype of matrix products; features that are given keep their own."""
    if est.precision == "auto" and data.dtype is not None:
        return data.dtype
    return resolve_precision(est.precision, device)


def frozen_compute(est, device, precision) -> dict:
    """How frozen features are computed, and where they are kept."""
    return {
        "cache": resolve_cache(est.cache),
        "device": device,
        "precision": precision,
        "batch_size": est.batch_size,
        "num_workers": est.num_workers,
    }
