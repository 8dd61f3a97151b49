"""Labels and the list of classes."""

from __future__ import annotations

from enum import Enum

import numpy as np
from sklearn.utils import column_or_1d
from sklearn.utils.multiclass import check_classification_targets

from ._look_alikes import warn_of_look_alikes

_EXACT = 1 << 53  # up to here, floats hold each whole number
_AT_ONCE = 1 << 16  # labels


def check_labels(y, name: str = "y") -> np.ndarray:
    """Labels ``y`` as a 1-D array, wherever they come from.

    Columns of pandas, polars and pyarrow, categories, nullable kinds, numpy's StringDType, and
    enumerations of texts or numbers are taken.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels: all text, or all numbers.
    name : str, default="y"
        What errors call them.

    Raises
    ------
    ValueError
        If ``y`` is missing, not 1-D, continuous, multilabel, of mixed kinds or of bytes, or holds a
        missing value.
    """
    if y is None:
        raise ValueError("LiftClassifier requires y to be passed, but the target y is None")
    y = plain_labels(y, name, warn=True)
    if len(y) == 0:
        raise ValueError(f"{name} is empty: at least one labelled picture is needed")
    if y.dtype.kind != "U":  # text is of classes, and of names alone each may be there once
        check_classification_targets(y)
    return y


def plain_labels(y, name: str, *, warn: bool = False) -> np.ndarray:
    """Labels of any library as a 1-D array of numbers or text, with none missing.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    name : str
        What errors call them.
    warn : bool, default=False
        Warn of shape (n_samples, 1).
    """
    y, listed = _column(y, name, warn=warn)
    if nested := [i for i, v in enumerate(y) if isinstance(v, (list, tuple, np.ndarray))]:
        kind = type(y[nested[0]]).__name__
        raise ValueError(
            f"{name}[{nested[0]}] is a {kind}: give one label for each picture (for several there "
            "is MultilabelClassifier)"
        )
    missing = [i for i, v in enumerate(y) if is_missing(v)] if y.dtype.kind in "fOmM" else []
    if missing:
        raise ValueError(
            f"{name}[{missing[0]}] is missing ({y[missing].tolist()[0]!r}; {len(missing)} in all): "
            "leave such pictures out or label them"
        )
    return _plain(y, name, listed)


def gather_labels(labels) -> np.ndarray:
    """Labels as a 1-D array that makes no text of a number or a missing value beside texts.

    Examples
    --------
    >>> from sklift._classes._labels import gather_labels
    >>> gather_labels(["fox", None]).tolist(), gather_labels([3, 5]).dtype.kind
    (['fox', None], 'i')
    """
    labels = list(labels)
    plain = all(type(v) in (str, np.str_) for v in labels)
    if plain or not any(isinstance(v, (str, bytes)) for v in labels):
        array = np.asarray(labels)
        if array.ndim == 1:
            return array
    array = np.empty(len(labels), dtype=object)
    array[:] = labels
    return array


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
        classes = _distinct(y)
        codes = _places(classes, y)
    else:
        given = listed_classes(classes)
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
                f"they must be of one kind{if_numbered(y, way_round)}"
            )
        codes = _places(classes, y).clip(max=len(classes) - 1)
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
    warn_of_look_alikes(classes)
    return classes, codes


def _distinct(y: np.ndarray) -> np.ndarray:
    """The sorted labels, each once; sorting all at once would take several times as much as y."""
    parts = [np.unique(y[start : start + _AT_ONCE]) for start in range(0, len(y), _AT_ONCE)]
    return np.unique(np.concatenate(parts))


def _places(classes: np.ndarray, y: np.ndarray) -> np.ndarray:
    """The place of each label in the sorted classes, int64."""
    places = np.empty(len(y), np.int64)
    for start in range(0, len(y), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        places[some] = np.searchsorted(classes, y[some])
    return places


def listed_classes(classes) -> np.ndarray:
    """The class list in the order that a user gave it, as plain values of one kind."""
    given, listed = _column(classes, "classes")
    if any(map(is_missing, given.tolist())):
        raise ValueError("classes has a missing value: leave it out")
    return _plain(given, "classes", listed)


def if_numbered(labels: np.ndarray, way_round: str) -> str:
    """A hint for labels that may be numbers only because a meta-estimator made them so."""
    if labels.dtype.kind not in "iu":
        return ""
    return (
        "; scikit-learn numbers the labels in ensembles and for cross_val_predict of "
        f"probabilities: give {way_round} there"
    )


def _is_text(labels: np.ndarray) -> bool:
    return all(isinstance(v, str) for v in labels)


def _column(labels, name: str, *, warn: bool = False) -> tuple[np.ndarray, bool]:
    """Labels as a 1-D array, with None where one is masked; and whether their type is free."""
    if isinstance(labels, np.ma.MaskedArray):
        masked, labels = np.ma.getmaskarray(labels), labels.data
        if masked.any():
            labels = labels.astype(object)  # a copy
            labels[masked] = None
    listed = isinstance(labels, (list, tuple))
    if listed:  # NumPy would turn a NaN among strings into the text 'nan'
        labels = np.array(labels, dtype=object)
    array = np.asarray(labels)
    if array.ndim == 0:
        kind = type(labels).__name__
        raise ValueError(f"{name} is of type {kind}: give the labels in a list or a 1d array")
    if array.ndim > 1 and array.shape[1:] != (1,):
        one_hot = (
            "; of rows with a column for each class, give argmax(axis=1); for several labels a "
            "picture there is MultilabelClassifier"
        )
        raise ValueError(
            f"{name} should be a 1d array, got an array of shape {array.shape} instead"
            f"{one_hot if array.ndim == 2 and array.dtype.kind in 'biuf' else ''}"
        )
    if array.dtype.kind == "T":  # numpy's StringDType, which scikit-learn doesn't know
        array, listed = array.astype(object), True
    return column_or_1d(array, warn=warn), listed


def _plain(y: np.ndarray, name: str, listed: bool) -> np.ndarray:
    """Labels of one kind, and of an array's own type if they were ``listed``, or are numbers."""
    if y.dtype.kind == "S" or (y.dtype.kind == "O" and any(isinstance(v, bytes) for v in y)):
        raise ValueError(f"{name} has labels of bytes: decode them, [v.decode() for v in labels]")
    if y.dtype.kind != "O":
        return y
    y = _members(y, name)
    if not _is_text(y):
        return _numbers(y, name)
    for i, v in enumerate(y):
        if v.endswith("\0"):  # an array cuts them off, and would merge what differs by them
            raise ValueError(
                f"{name}[{i}] = {v!r} ends with a zero character: strip them off, "
                "[v.rstrip('\\0') for v in labels]"
            )
    return y.astype(str) if listed else y


def _numbers(y: np.ndarray, name: str) -> np.ndarray:
    """Numbers that came as objects, from a list or a table."""
    values = y.tolist()
    array = np.array(values)
    for i, v in enumerate(values):
        if array.dtype.kind == "O" and np.asarray(v).dtype.kind in "OmM":
            what = f"{v}, too large" if isinstance(v, int) else f"a {type(v).__name__} ({v})"
            raise ValueError(
                f"{name}[{i}] is {what}: labels are text, or numbers of 64 bits at most; "
                "make them text, [str(v) for v in labels]"
            )
        if array.dtype.kind == "f" and isinstance(v, int) and abs(v) > _EXACT:
            raise ValueError(
                f"{name}[{i}] = {v} can't be told from its neighbours as a float, which other "
                "labels make of it: make all of them text, [str(v) for v in labels]"
            )
    return array


def _members(y: np.ndarray, name: str) -> np.ndarray:
    """Labels of one kind; members of enumerations as the plain values that they are.

    numpy would cut the text of ``Kind.CAT`` to the length of its value.
    """
    _refuse_mixed(y, name)
    if not any(isinstance(v, Enum) or (isinstance(v, str) and type(v) is not str) for v in y):
        return y
    for i, v in enumerate(y):
        if isinstance(v, Enum) and not isinstance(v, (str, int)):
            raise ValueError(
                f"{name}[{i}] is {v}, a member of an enumeration: give names, [v.name for v in "
                f"labels], or values, [v.value for v in labels]"
            )
    plain = np.empty_like(y)
    plain[:] = [
        str.__str__(v) if isinstance(v, str) else v.value if isinstance(v, Enum) else v for v in y
    ]
    return plain


def _refuse_mixed(y: np.ndarray, name: str) -> None:
    kinds = {type(v) for v in y}
    if any(issubclass(kind, str) for kind in kinds) and not _is_text(y):
        names = sorted(kind.__name__ for kind in kinds)
        raise ValueError(f"{name} mixes kinds of labels: {names}; make them all str or all int")


def is_missing(value) -> bool:
    """Tell whether a label is None, NaN, NaT or pandas' NA."""
    try:
        return value is None or bool(value != value)
    except TypeError:  # pandas.NA: the comparison has no truth value
        return True
