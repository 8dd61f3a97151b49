"""Conversion of a user's choice (of a loss, head, adapter and so on) to a recipe object.

A recipe is a small scikit-learn estimator. It holds hyperparameters and has one method that does
the work or builds the object that does it: ``build`` for losses and heads, ``inject`` for adapters,
``view`` for augmentations, ``cut`` for test-time ensembling.
"""

from __future__ import annotations

import math
import numbers
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from sklearn.base import BaseEstimator, clone
from sklearn.utils.validation import check_scalar

from ._names import did_you_mean

__all__ = ["check_real", "check_settings", "matches_trained", "named_recipes", "resolve"]


def resolve(
    value: Any, table: Mapping[str, type | None], parameter: str, *, method: str = "build"
) -> Any:
    """Return the recipe that ``value`` names or is.

    Parameters
    ----------
    value : str, recipe or None
        A key of ``table``, or any object that has the method ``method`` (it need not be listed in
        ``table``). None means ``"none"`` where ``table`` has that key.
    table : dict of str to recipe class
        The known recipes. The entry of ``"none"`` may be None.
    parameter : str
        Name of the parameter, for the error messages.
    method : str, default="build"
        The method that makes an object a recipe.

    Returns
    -------
    recipe : object or None
        A new recipe with default settings, or an unfitted copy of the given one.

    Raises
    ------
    ValueError
        If ``value`` is a string that is not in ``table``.
    TypeError
        If ``value`` is a class, or has no method ``method``.

    Examples
    --------
    >>> from sklift._core._recipes import resolve
    >>> from sklearn.base import BaseEstimator
    >>> class Doubling(BaseEstimator):
    ...     def build(self):
    ...         return lambda x: 2 * x
    >>> resolve("doubling", {"doubling": Doubling}, "rule")
    Doubling()
    """
    if value is None and "none" in table:
        value = "none"
    if isinstance(value, str):
        if value not in table:
            hint = did_you_mean(value, table)
            raise ValueError(f"Unknown {parameter} {value!r}: choose one of {sorted(table)}{hint}")
        recipe_class = table[value]
        return None if recipe_class is None else recipe_class()
    if isinstance(value, type):
        name = value.__name__
        raise TypeError(f"{parameter} must be an instance, not a class: pass {name}(), not {name}")
    if not callable(getattr(value, method, None)):
        raise TypeError(
            f"{parameter} must be one of {sorted(table)} or an object with a {method!r} method; "
            f"got {value!r}"
        )
    return clone(value, safe=False)


def named_recipes(
    est: Any, params: Mapping[str, Any], resolvers: Mapping[str, Callable]
) -> dict[str, Any]:
    """Return the parameters, with a recipe of its own for each that settings are given for.

    Parameters
    ----------
    est : object
        The estimator. Its attributes are the present values of the parameters.
    params : dict
        The parameters to set, such as ``{"adapter__rank": 4}``.
    resolvers : dict of str to callable
        A function from a name to a recipe, for each parameter that takes recipes.

    Returns
    -------
    params : dict

    Raises
    ------
    ValueError
        If settings are given for a value that has no settings.

    Examples
    --------
    >>> from types import SimpleNamespace
    >>> from sklift._core._recipes import named_recipes
    >>> from sklift.heads import resolve_head
    >>> est = SimpleNamespace(head="cosine")
    >>> named_recipes(est, {"head__scale": 30}, {"head": resolve_head})
    {'head__scale': 30, 'head': Cosine()}
    """
    params = dict(params)
    for parameter, resolver in resolvers.items():
        nested = sorted(key for key in params if key.startswith(f"{parameter}__"))
        value = params.get(parameter, getattr(est, parameter))
        if not nested:
            continue
        if isinstance(value, type) or not hasattr(value, "set_params"):
            recipe = resolver(value)
            if not hasattr(recipe, "set_params"):
                raise ValueError(f"{parameter}={value!r} has no settings, got {nested}")
        else:
            recipe = clone(value, safe=False)  # another estimator may hold the given one
        params[parameter] = recipe
    return params


def check_settings(est: Any, params: Mapping[str, Any], suggest: Callable = did_you_mean) -> None:
    """Check that an estimator has the parameters to set, and its recipes the settings.

    Parameters
    ----------
    est : estimator
        The estimator, or a recipe.
    params : dict
        The parameters to set, such as ``{"adapter__rank": 4}``.
    suggest : callable
        A function from an unknown name and the known ones to the end of the message.

    Raises
    ------
    ValueError
        If one is not there.

    Examples
    --------
    >>> from sklift._core._recipes import check_settings
    >>> from sklift.adapters import LoRA
    >>> check_settings(LoRA(), {"rnk": 4})
    Traceback (most recent call last):
    ValueError: Invalid parameter 'rnk' for estimator LoRA(). Valid parameters are: ['layers', ...
    """
    known = est.get_params()
    for key, value in params.items():
        name, nested, setting = key.partition("__")
        if name not in known:
            names = sorted(est.get_params(deep=False))
            raise ValueError(
                f"Invalid parameter {name!r} for estimator {est}. Valid parameters are: "
                f"{names}{suggest(key, names) or '.'}"
            )
        holder = params.get(name, known[name])
        if nested and not hasattr(holder, "set_params"):
            raise ValueError(f"{name}={holder!r} has no settings, got [{key!r}]")
        if nested and type(holder).set_params is BaseEstimator.set_params:  # others check them
            check_settings(holder, {setting: value})


def matches_trained(recipe: Any, trained: Any) -> bool:
    """Return whether a recipe asks for the trained recipe, whose "auto" values are filled in.

    Examples
    --------
    >>> from sklift._core._recipes import matches_trained
    >>> from sklift.adapters import LoRA
    >>> matches_trained(LoRA(rank="auto"), LoRA(rank=4))
    True
    >>> matches_trained(LoRA(rank=2), LoRA(rank=4))
    False
    """
    if isinstance(recipe, str) and recipe == "auto":
        return True
    if type(recipe) is not type(trained):
        return False
    if isinstance(recipe, (list, tuple)):
        return len(recipe) == len(trained) and all(map(matches_trained, recipe, trained))
    if not hasattr(recipe, "get_params"):
        return bool(np.all(recipe == trained))
    theirs = trained.get_params(deep=False)
    return all(
        matches_trained(value, theirs[name])
        for name, value in recipe.get_params(deep=False).items()
    )


def check_real(
    value: Any,
    name: str,
    *,
    minimum: float,
    maximum: float | None = None,
    include_boundaries: str = "both",
) -> float:
    """Return ``value`` as a float after checking that it is a finite number in the range.

    Parameters
    ----------
    value : float
        The number to check.
    name : str
        Name of the parameter, for the error messages.
    minimum, maximum : float
        The range; ``maximum`` None means no upper end.
    include_boundaries : {"both", "left", "right", "neither"}, default="both"
        Which ends of the range are allowed.

    Returns
    -------
    value : float

    Raises
    ------
    TypeError
        If ``value`` is not a real number.
    ValueError
        If ``value`` is out of range, infinite or NaN.
    """
    check_scalar(
        value,
        name,
        numbers.Real,
        min_val=minimum,
        max_val=maximum,
        include_boundaries=include_boundaries,
    )
    if not math.isfinite(value):
        raise ValueError(f"{name} == {value}, must be finite")
    return float(value)
