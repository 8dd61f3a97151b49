"""Comparison of parameters and data, which errs on the side of a difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_PLAIN = (bool, int, float, complex, str, bytes, type(None))


def same_params(first: Mapping[str, Any], second: Mapping[str, Any]) -> bool:
    """Return whether the parameters of two estimators, also of their recipes, are the same.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift._fitting._same import same_params
    >>> clf = LiftClassifier(loss__tau=0.5)
    >>> same_params(clf.get_params(), LiftClassifier(loss__tau=0.5).get_params())
    True
    >>> same_params(clf.get_params(), LiftClassifier(loss__tau=1.0).get_params())
    False
    """
    if first.keys() != second.keys():
        return False
    for name, value in first.items():
        other = second[name]
        is_recipe = hasattr(value, "set_params") and not isinstance(value, type)
        if is_recipe and type(value) is type(other):  # its settings stand among the parameters
            if not any(key.startswith(f"{name}__") for key in first) and _settings(value):
                return False
        elif not same_value(value, other):
            return False
    return True


def _settings(recipe) -> bool:
    return bool(recipe.get_params(deep=False))


def same_value(first: Any, second: Any) -> bool:
    """Return whether two values are surely the same: numbers, text, arrays, tables, lists."""
    if first is second:
        return True
    if type(first) is not type(second):
        return False
    if isinstance(first, _PLAIN):
        return first == second
    if isinstance(first, np.ndarray) and first.dtype.hasobject:
        return first.shape == second.shape and same_value(first.tolist(), second.tolist())
    if isinstance(first, np.ndarray):
        return first.dtype == second.dtype and (
            _same_memory(first, second) or np.array_equal(first, second)
        )
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same_value, first, second))
    if isinstance(first, dict):
        return list(first) == list(second) and all(map(same_value, first.values(), second.values()))
    if hasattr(first, "equals"):  # tables and columns of pandas and polars
        return bool(first.equals(second))
    return False


def _same_memory(first: np.ndarray, second: np.ndarray) -> bool:
    return first.__array_interface__ == second.__array_interface__
