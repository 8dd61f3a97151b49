"""Hyperparameters of a fit as plain values, for those who write them down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ._settings import RECIPES, FitSettings

# What is about the run, or as large as the data; callbacks are among net_params.
_LEFT_OUT = {"net_params", "verbose", "checkpoint", "compute", "device", "warm_start"}
_LONGEST = 250  # letters


def hyperparameters(settings: FitSettings) -> dict[str, Any]:
    """Numbers and texts by name, those of recipes with two underscores.

    Parameters
    ----------
    settings : FitSettings
        The parameters of the estimator. Those that were "auto" have what was chosen.
    """
    values: dict[str, Any] = {k: v for k, v in settings.params.items() if k not in _LEFT_OUT}
    for name in ("max_epochs", "batch_size", *RECIPES):
        values[name] = getattr(settings, name)
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(name, value)
    return flat


def _flat(name: str, value) -> dict[str, Any]:
    if value is None or isinstance(value, (bool, int, float, str)):
        return {name: value if not isinstance(value, str) else value[:_LONGEST]}
    if hasattr(value, "set_params") and not isinstance(value, type):  # torchvision has the other
        found = {name: type(value).__name__}
        for inner, setting in value.get_params(deep=False).items():
            found |= _flat(f"{name}__{inner}", setting)
        return found
    if hasattr(value, "__len__") and not isinstance(value, (tuple, list, Mapping)):
        return {name: type(value).__name__}  # tables and arrays
    return {name: getattr(value, "__name__", None) or repr(value)[:_LONGEST]}
