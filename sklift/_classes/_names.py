"""Names of classes, as a user gives them or as labels spell them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from numbers import Integral

import numpy as np

from .._core._text import counted
from .._core._warn import warn
from ._labels import if_numbered, listed_classes
from ._words import as_words

_AS_LIST = ": give list(class_names), if it is in the order of the classes, or a dict label -> name"


def resolve_names(class_names, classes: np.ndarray, given=None) -> list[str] | None:
    """The name of every class, or None where neither names nor string labels are given.

    Parameters
    ----------
    class_names : dict, sequence of str or None
        A dict label -> name (extra names are fine); a list in the order of ``given``, or else of
        the sorted labels, by their numbers where all are numbers ("2" before "10"); or, for labels
        that are numbers below its length, a list indexed by label, which survives meta-estimators
        and folds that lack a class.
    classes : ndarray of shape (n_classes,)
        Sorted labels.
    given : array-like of shape (n_classes,), optional
        The labels in the order in which the user lists them.

    Raises
    ------
    ValueError
        If a class has no name.
    TypeError
        If the names are of another kind.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._names import resolve_names
    >>> resolve_names(["fox", "lynx"], np.array(["a", "b"]), given=["b", "a"])
    ['lynx', 'fox']
    """
    labels = classes.tolist()
    if class_names is None:
        return list(labels) if all(isinstance(v, str) for v in labels) else None
    if isinstance(class_names, Mapping):
        # a numpy scalar, and a bool against an int, hash alike: plain look-up does what is meant
        lost = [v for v in labels if v not in class_names]
        if lost:
            hint = _of_other_kind(class_names, labels) or if_numbered(classes, "a list")
            raise ValueError(
                f"class_names has no name for {counted(len(lost), 'class')}, the first is "
                f"{lost[0]!r}{hint if lost == labels else ''}"
            )
        names = [class_names[v] for v in labels]
    elif isinstance(class_names, str):
        raise TypeError("class_names must be a dict or a list of str, got str")
    elif not isinstance(class_names, (Sequence, np.ndarray)):
        raise TypeError(
            f"class_names must be a dict or a list of str, got {type(class_names).__name__}"
            f"{_AS_LIST if hasattr(class_names, '__len__') else ''}"
        )
    else:
        order = None if given is None else listed_classes(given).tolist()
        names = _from_list(list(class_names), labels, order)
    for label, name in zip(labels, names, strict=True):
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"the name of class {label!r} must be a non-empty str, got {name!r}")
    return [str(name) for name in names]


def names_in_words(class_names, classes: np.ndarray, given=None) -> list[str] | None:
    """What `resolve_names` gives, as the words that a text tower is to read."""
    names = resolve_names(class_names, classes, given)
    return None if names is None else as_words(names)


def _from_list(names: list, labels: list, given: list | None) -> list:
    """Names of ``labels`` from a list, by position or by number."""
    if len(names) == len(labels):
        order = _in_order(labels) if given is None else given
        table = dict(zip(order, names, strict=True))
        return [table[v] for v in labels]
    numbers = _numbers(labels)
    if numbers is not None and all(0 <= n < len(names) for n in numbers):
        if 0 not in numbers:
            warn(
                f"{counted(len(names), 'name')} in class_names for {counted(len(labels), 'label')} "
                f"from {labels[0]} on: they are taken as indexed by label, the first for label 0; "
                "give a dict label -> name to be sure"
            )
        return [names[n] for n in numbers]
    raise ValueError(
        f"class_names has {counted(len(names), 'name')} for {counted(len(labels), 'class')}; give "
        "one for each, in the order of the sorted labels, or a dict label -> name"
    )


def _in_order(labels: list) -> list:
    """Sorted labels, by their numbers where all are numbers."""
    if not all(isinstance(v, str) for v in labels):
        return labels
    if all(re.fullmatch(r"\s*-?[0-9]+(\.[0-9]+)?\s*", v) for v in labels):
        if len({Decimal(v.strip()) for v in labels}) == len(labels):
            return sorted(labels, key=lambda v: Decimal(v.strip()))
        return labels
    for start in sorted({_start(v) for v in labels}):
        alike = [v for v in labels if _start(v) == start]
        in_order = sorted(alike, key=_by_parts)
        if in_order != alike:
            first = next(a for a, b in zip(alike, in_order, strict=True) if a != b)
            warn(
                f"class_names follow the labels sorted as text, where {first!r} comes before "
                f"{in_order[alike.index(first)]!r}; give classes in the order of the names, or a "
                "dict label -> name"
            )
            break
    return labels


def _start(label: str) -> str:
    """What stands before the first number of a label, or all of it."""
    return re.split(r"\d", label, maxsplit=1)[0]


def _numbers(labels: list) -> list[int] | None:
    """Labels as whole numbers, where all are: integers, or text such as "2" and "2.0"."""
    if all(isinstance(v, Integral) and not isinstance(v, bool) for v in labels):
        return [int(v) for v in labels]
    if all(isinstance(v, str) and re.fullmatch(r"\s*-?[0-9]+(\.0+)?\s*", v) for v in labels):
        return [int(v.partition(".")[0]) for v in labels]
    return None


def _of_other_kind(names: Mapping, labels: list) -> str:
    """A hint where numbers are given for texts of numbers, or the other way round."""
    keys, own = ({type(v).__name__ for v in values} for values in (names, labels))
    if {str(v) for v in names} >= {str(v) for v in labels} and len(keys) == len(own) == 1:
        return f"; its keys are of type {min(keys)}, the labels of type {min(own)}"
    return ""


def _by_parts(label: str) -> list:
    """A key that counts: "c2" before "c10"."""
    parts = re.split(r"(\d+)", label)
    return [int(part) if k % 2 else part for k, part in enumerate(parts)]
