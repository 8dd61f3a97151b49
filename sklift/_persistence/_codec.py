"""Conversion of values to JSON and back.

None, bool, int, finite float, str and list do not change; other numbers become int or float, and
long ranges lists. All other values become an object with
one of these keys: ``float`` (not finite), ``tuple``, ``dict`` (a list of pairs), ``range``,
``path``, ``device``, ``array`` (one dimension), ``tensor`` (the name of a tensor that holds an
array of any other shape), ``recipe`` (its registered name) and ``own_recipe`` (the name of a user's
class).
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import torch

from ..adapters import ADAPTERS, Combination, Scaled
from ..backbones import BACKBONES
from ..heads import HEADS, Biased
from ..images import AUGMENTATIONS, TTA, Reader
from ..losses import LOSSES, MULTILABEL_LOSSES
from ..regularizers import REGULARIZERS
from ..training import OPTIMIZERS, SAMPLERS, Compute
from ._arrays import array_of, values_of

RECIPES = {
    name: recipe
    for name, recipe in {
        **ADAPTERS,
        **LOSSES,
        **MULTILABEL_LOSSES,
        **REGULARIZERS,
        **HEADS,
        **BACKBONES,
        **SAMPLERS,
        **OPTIMIZERS,
        **AUGMENTATIONS,
        **TTA,
        "biased": Biased,
        "combination": Combination,
        "scaled": Scaled,
        "compute": Compute,
        "reader": Reader,
    }.items()
    if recipe is not None
}
_NAMES = {recipe: name for name, recipe in RECIPES.items()}
# Each recipe has one of these methods.
_METHODS = ("build", "inject", "load", "probabilities", "view", "mix", "stored", "cut")
_METHODS += ("recognizes",)
_LONGEST_RANGE = 10_000  # a short file must not ask for much; longer ranges are written as lists


def encode(value: Any, tensors: dict[str, torch.Tensor], name: str) -> Any:
    """JSON of a value; an array that is not a vector is put into ``tensors`` under ``name``.

    Raises
    ------
    TypeError
        If the value, or a value inside of it, is not plain data.
    """

    def inner(value):
        return encode(value, tensors, name)

    if value is None or isinstance(value, (bool, str, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"float": repr(float(value))}
    if isinstance(value, np.generic) and not isinstance(value.item(), np.generic):
        return inner(value.item())
    if isinstance(value, (Integral, Real)):  # of other libraries, or fractions
        return inner(int(value) if isinstance(value, Integral) else float(value))
    if isinstance(value, list):
        return [inner(v) for v in value]
    if isinstance(value, tuple):
        return {"tuple": [inner(v) for v in value]}
    if isinstance(value, Mapping):
        return {"dict": [[inner(k), inner(v)] for k, v in value.items()]}
    if isinstance(value, range):
        if len(value) > _LONGEST_RANGE:
            return list(value)
        return {"range": [value.start, value.stop, value.step]}
    if isinstance(value, PurePath):
        return {"path": os.fspath(value)}
    if isinstance(value, torch.device):
        return {"device": str(value)}
    if hasattr(value, "get_params") and any(hasattr(value, method) for method in _METHODS):
        settings = value.get_params(deep=False)
        params = {k: encode(v, tensors, f"{name}.{k}") for k, v in settings.items()}
        known = _NAMES.get(type(value))
        name_of = {"recipe": known} if known else {"own_recipe": type(value).__name__}
        return {**name_of, "params": params}
    if hasattr(value, "__array__") and not isinstance(value, np.generic):
        array = np.asarray(value)
        if array.ndim == 1:
            dtype, values = values_of(array)
            return {"array": [inner(v) for v in values], "dtype": dtype}
        if name not in tensors and array.dtype.kind in "bif":
            tensors[name] = torch.from_numpy(array.copy())  # files hold no tensor twice
            return {"tensor": name}
    raise TypeError(f"{name} can't be saved: {_shortened(value)} is no plain data")


def decode(value: Any, tensors: dict[str, torch.Tensor], user_classes: Mapping[str, type]) -> Any:
    """The value that :func:`encode` has encoded; ``user_classes`` are the user's, by name.

    Used tensors are removed from ``tensors``.

    Raises
    ------
    ValueError
        If the JSON is malformed, or names an unknown recipe.
    """

    def inner(value):
        return decode(value, tensors, user_classes)

    match value:
        case None | bool() | int() | float() | str():
            return value
        case list():
            return [inner(v) for v in value]
        case {"float": "nan" | "inf" | "-inf" as text, **rest} if not rest:
            return float(text)
        case {"tuple": list(items), **rest} if not rest:
            return tuple(inner(v) for v in items)
        case {"dict": list(pairs), **rest} if not rest:
            return {inner(k): inner(v) for k, v in pairs}
        case {"range": [int(start), int(stop), int(step)], **rest} if not rest:
            found = range(start, stop, step)
            if len(found[: _LONGEST_RANGE + 1]) <= _LONGEST_RANGE:
                return found
        case {"path": str(text), **rest} if not rest:
            return Path(text)
        case {"device": str(text), **rest} if not rest:
            return _device(text)
        case {"array": list(items), "dtype": str(dtype), **rest} if not rest:
            return array_of([inner(v) for v in items], dtype)
        case {"tensor": str(name), **rest} if not rest:
            return tensors.pop(name).clone().numpy()
        case {"recipe": str(name), "params": dict(params), **rest} if not rest:
            if name not in RECIPES:
                raise ValueError(_unknown(name, user_classes))
            return RECIPES[name](**{k: inner(v) for k, v in params.items()})
        case {"own_recipe": str(name), "params": dict(params), **rest} if not rest:
            if name not in user_classes:
                raise ValueError(_unknown(name, user_classes))
            return user_classes[name](**{k: inner(v) for k, v in params.items()})
    raise ValueError(f"{_shortened(value)} is no value that can be saved")


def _device(text: str) -> torch.device:
    try:
        return torch.device(text)
    except RuntimeError as error:
        raise ValueError(f"{_shortened(text)} is no device") from error


def _unknown(name: str, user_classes: Mapping[str, type]) -> str:
    passed = f", and {sorted(user_classes)}, which were passed" if user_classes else ""
    return (
        f"it uses the recipe {_shortened(name)}, which is not known here. Known are "
        f"{sorted(RECIPES)}{passed}. If it is a class of yours, pass it: load(..., recipes=[...])"
    )


def _shortened(value: Any, n_most: int = 80) -> str:
    text = repr(value)
    return text if len(text) <= n_most else f"{text[:n_most]}..."
