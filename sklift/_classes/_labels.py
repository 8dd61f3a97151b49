"""Labels, classes and their names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Integral

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from .._core._warn import warn


def check_labels(y) -> np.ndarray:
    """Labels ``y`` as a 1-D array.

    Raises
    ------
    ValueError
        If ``y`` is missing, not 1-D, continuous, multilabel, or holds a missing value.
    """
    if y is None:
        raise ValueError("LiftClassifier requires y to be passed, but the target y is None")
    listed = isinstance(y, (list, tuple))
    if listed:  # NumPy would turn a NaN among strings into the text 'nan'
        y = np.array(y, dtype=object)
    y = column_or_1d(np.asarray(y), warn=True)
    if len(y) == 0:
        raise ValueError("y is empty: at least one labelled picture is needed")
    if nested := [i for i, v in enumerate(y) if isinstance(v, (list, tuple, np.ndarray))]:
        kind = type(y[nested[0]]).__name__
        raise ValueError(f"y[{nested[0]}] is a {kind}: give one label for each picture")
    missing = [i for i, v in enumerate(y) if _is_missing(v)] if y.dtype.kind in "fO" else []
    if missing:
        raise ValueError(
            f"y[{missing[0]}] is missing ({y[missing].tolist()[0]!r}; {len(missing)} in all): "
            "leave such pictures out or label them"
        )
    if y.dtype.kind == "O" and not _is_text(y):
        if any(isinstance(v, str) for v in y):
            kinds = sorted({type(v).__name__ for v in y})
            raise ValueError(f"y mixes kinds of labels: {kinds}; make them all str or all int")
        y = np.array(y.tolist())  # numbers with dtype object, for instance from a table
    elif listed:
        y = y.astype(str)
    check_classification_targets(y)
    return y


def encode_labels(y: np.ndarray, classes=None) -> tuple[np.ndarray, np.ndarray]:
    """The sorted class list, and the labels ``y`` as indices into it.

    Parameters
    ----------
    y : ndarray of shape (n_samples,)
        Labels.
    classes : array-like of shape (n_classes,), optional
        The class list, in any order. It may hold classes that ``y`` lacks.

    Returns
    -------
    classes : ndarray of shape (n_classes,)
        Sorted.
    codes : ndarray of shape (n_samples,), int64

    Raises
    ------
    ValueError
        If fewer than two classes are left, or ``y`` has a label that ``classes`` lacks.
    """
    if classes is None:
        classes, codes = np.unique(y, return_inverse=True)
    else:
        given = column_or_1d(np.asarray(classes))
        if any(map(_is_missing, given.tolist())):
            raise ValueError("classes has a missing value: leave it out")
        classes, repeats = np.unique(given, return_counts=True)
        if len(classes) < len(given):
            twice = classes[repeats > 1].tolist()[0]
            raise ValueError(f"classes must be distinct, {twice!r} is there more than once")
        if len(classes) == 0:
            raise ValueError("classes is empty: name at least 2 classes")
        if _is_text(classes) != _is_text(y):
            way_round = f"classes=range({len(classes)}) and a list as class_names"
            raise ValueError(
                f"classes are of type {classes.dtype}, the labels in y of type {y.dtype}: "
                f"they must be of one kind{_if_numbered(y, way_round)}"
            )
        codes = np.searchsorted(classes, y).clip(max=len(classes) - 1)
        wrong = classes[codes] != y
        if wrong.any():
            i = int(np.flatnonzero(wrong)[0])
            label = y[[i]].tolist()[0]
            raise ValueError(f"y[{i}] = {label!r} is not among classes ({len(classes)} given)")
    if len(classes) < 2:
        raise ValueError(
            f"This classifier needs samples of at least 2 classes in the data; the data contains "
            f"only one class: {classes.tolist()[0]!r}; add samples of another, or name all classes "
            "in the parameter classes"
        )
    return classes, codes.astype(np.int64)


def resolve_names(class_names, classes: np.ndarray) -> list[str] | None:
    """The name of every class, or None if neither names nor string labels are given.

    Parameters
    ----------
    class_names : dict, sequence of str or None
        A dict label -> name (extra names are allowed), a list in the order of ``classes``, or, for
        integer labels below its length, a list indexed by label. The last one also works in
        meta-estimators and in folds that lack a class.
    classes : ndarray of shape (n_classes,)
        Sorted labels.

    Raises
    ------
    ValueError
        If a class has no name.
    TypeError
        If ``class_names`` or one of the names has another type.
    """
    labels = classes.tolist()
    if class_names is None:
        return list(labels) if all(isinstance(v, str) for v in labels) else None
    if isinstance(class_names, Mapping):
        # NumPy scalars and bools hash like the equal int: a plain look-up finds them.
        lost = [v for v in labels if v not in class_names]
        if lost:
            raise ValueError(
                f"class_names has no name for {len(lost)} classes, the first is {lost[0]!r}"
                f"{_if_numbered(classes, 'a list') if lost == labels else ''}"
            )
        names = [class_names[v] for v in labels]
    elif isinstance(class_names, str) or not isinstance(class_names, (Sequence, np.ndarray)):
        raise TypeError(
            f"class_names must be a dict or a list of str, got {type(class_names).__name__}"
        )
    else:
        given = list(class_names)
        indexed = all(isinstance(v, Integral) and not isinstance(v, bool) for v in labels)
        if len(given) == len(labels):
            names = given
        elif indexed and all(0 <= v < len(given) for v in labels):
            names = [given[v] for v in labels]
            if 0 not in labels:
                warn(
                    f"{len(given)} class_names for {len(labels)} labels from {labels[0]} on: they "
                    "are taken as indexed by label, the first for label 0; give a dict label -> "
                    "name to be sure"
                )
        else:
            raise ValueError(
                f"class_names has {len(given)} names for {len(labels)} classes; give one for each, "
                "in the order of the sorted labels, or a dict label -> name"
            )
    for label, name in zip(labels, names, strict=True):
        if not isinstance(name, str) or not name.strip():
            raise TypeError(f"the name of class {label!r} must be a non-empty str, got {name!r}")
    return [str(name) for name in names]


def _if_numbered(labels: np.ndarray, way_round: str) -> str:
    """A hint for the case that a meta-estimator has replaced the labels by numbers."""
    if labels.dtype.kind not in "iu":
        return ""
    return (
        "; scikit-learn numbers the labels in ensembles and for cross_val_predict of "
        f"probabilities: give {way_round} there"
    )


def _is_text(labels: np.ndarray) -> bool:
    return all(isinstance(v, str) for v in labels)


def _is_missing(value) -> bool:
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA: the comparison has no truth value
        return True
