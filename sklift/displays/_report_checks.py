"""Checks of the data of a page of a report, each with the place of what is wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from ..metrics._scorers import GROUPS

Check = Callable[[Any, str], Any]  # from what was read, and its place, to what a report holds
_MOST = 2**53  # a count that JSON keeps exactly
_SUMS = 1e-6  # by which sums of probabilities may be above 1


def text(found: Any, place: str) -> str:
    """A text."""
    if not isinstance(found, str):
        raise _wrong(found, place, "a text")
    return found


def group(found: Any, place: str) -> str:
    """The name of a group of classes."""
    if found not in GROUPS:
        raise _wrong(found, place, f"one of {', '.join(GROUPS)}")
    return found


def truth(found: Any, place: str) -> bool:
    """Whether something holds."""
    if not isinstance(found, bool):
        raise _wrong(found, place, "true or false")
    return found


def label(found: Any, place: str) -> str | int | float | bool:
    """A label of a class."""
    if not isinstance(found, str | int | float):
        raise _wrong(found, place, "a label, a text or a number")
    return found


def count(found: Any, place: str) -> int:
    """A number of pictures or classes."""
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found < _MOST:
        raise _wrong(found, place, "a number of pictures or classes")
    return found


def number(low: float, high: float, *, or_nan: bool = False) -> Check:
    """A number between two others; NaN, which stands for a score of no pictures, only if said."""

    def check(found: Any, place: str) -> float:
        fits = isinstance(found, int | float) and not isinstance(found, bool)
        fits = fits and (isinstance(found, float) or abs(found) < _MOST)  # others are no floats
        if not fits or not (low <= found <= high + _SUMS or (or_nan and found != found)):
            bounds = f"a number from {low:g} to {high:g}"
            raise _wrong(found, place, f"{bounds}, or NaN" if or_nan else bounds)
        return found

    return check


share = number(0, 1)
share_or_nan = number(0, 1, or_nan=True)


def listed(check: Check) -> Check:
    """A list of things of one kind."""

    def of(found: Any, place: str) -> list:
        if not isinstance(found, list):
            raise _wrong(found, place, "a list")
        return [check(value, f"{place}[{i}]") for i, value in enumerate(found)]

    return of


def pair(check: Check) -> Check:
    """Two things of one kind."""

    def of(found: Any, place: str) -> tuple:
        if not isinstance(found, list) or len(found) != 2:
            raise _wrong(found, place, "a list of two")
        return tuple(listed(check)(found, place))

    return of


def mapped(check: Check) -> Check:
    """Things of one kind by their names."""

    def of(found: Any, place: str) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise _wrong(found, place, "an object")
        return {name: check(value, f"{place}[{name!r}]") for name, value in found.items()}

    return of


def record(checks: Mapping[str, Check]) -> Check:
    """Things of which each has its own kind and name; what has another name is not read."""

    def of(found: Any, place: str) -> dict[str, Any]:
        if not isinstance(found, dict):
            raise _wrong(found, place, "an object")
        before = f"{place}." if place else ""
        if missing := [f"{before}{name}" for name in checks if name not in found]:
            raise ValueError(f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing")
        return {name: check(found[name], f"{before}{name}") for name, check in checks.items()}

    return of


def table(columns: Mapping[str, Check], *, others: Mapping[str, Check] | None = None) -> Check:
    """Columns of one length, as arrays, and other things beside them."""
    kinds = {count: int, text: str, group: str, truth: bool, share: float, share_or_nan: float}
    whole = record({**(others or {}), **{name: listed(check) for name, check in columns.items()}})

    def of(found: Any, place: str) -> dict[str, Any]:
        content = whole(found, place)
        lengths = {name: len(content[name]) for name in columns}
        if len(set(lengths.values())) > 1:
            told = ", ".join(f"{name} {n}" for name, n in lengths.items())
            raise ValueError(f"columns of {place} must be of one length; got {told}")
        arrays = {k: np.array(content[k], dtype=kinds.get(c)) for k, c in columns.items()}
        return content | arrays

    return of


def _wrong(found: Any, place: str, wanted: str) -> ValueError:
    told = repr(found)
    told = told if len(told) <= 60 else f"{told[:57]}..."
    return ValueError(f"{place or 'its data'} must be {wanted}; got {told}")
