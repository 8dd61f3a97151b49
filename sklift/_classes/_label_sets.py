"""Labels of pictures that have any number of them: matrices of 0 and 1, and lists of labels."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from ._labels import is_missing, listed_classes, plain_labels
from ._look_alikes import warn_of_look_alikes

_SETS = (list, tuple, set, frozenset)
_NONE = "; a picture without labels has an empty list, or a row of zeros"


@dataclass(frozen=True)
class LabelSets:
    """Labels of pictures, validated.

    Attributes
    ----------
    classes : ndarray of shape (n_labels,)
        The labels, in the order of the columns.
    targets : ndarray of shape (n_samples, n_labels), uint8
        1 where a picture has a label, else 0.
    form : {"matrix", "sparse", "lists"}
        What the user gave.
    """

    classes: np.ndarray
    targets: np.ndarray
    form: str


def read_label_sets(y, classes=None, form=None) -> LabelSets:
    """Labels of pictures, of any form that a user has them in.

    Parameters
    ----------
    y : array-like, sparse matrix or DataFrame of shape (n_samples, n_labels), or list of lists
        0 and 1 (or False and True), or the labels of each picture as a list, tuple or set. Lists of
        lists of the same length that hold 0 and 1 alone are a matrix.
    classes : array-like of shape (n_labels,), optional
        All labels; for a matrix, those of the columns, in their order. A table whose columns have
        these names may have them in another order.
    form : {"matrix", "sparse", "lists"}, optional
        What the training was given. After lists of numbers, lists that hold 0 and 1 alone are
        lists of labels too.

    Raises
    ------
    ValueError
        If ``y`` is neither, or holds something else; the message names the first picture.

    Examples
    --------
    >>> from sklift._classes._label_sets import read_label_sets
    >>> sets = read_label_sets([["fox", "owl"], [], ["owl"]])
    >>> sets.classes, sets.targets.tolist()
    (array(['fox', 'owl'], dtype='<U3'), [[1, 1], [0, 0], [0, 1]])
    """
    if y is None:
        raise ValueError("MultilabelClassifier requires y to be passed, but the target y is None")
    if np.ma.is_masked(y):
        place = np.argwhere(np.ma.getmaskarray(y))[0].tolist()
        raise ValueError(f"y{place} is masked: leave out pictures whose labels are not known")
    if issparse(y):
        return LabelSets(_columns(y.shape, classes), _targets(y.toarray()), "sparse")
    if hasattr(y, "columns") and hasattr(y, "to_numpy"):
        array, names = y.to_numpy(), list(y.columns)
        if classes is not None:
            array, names = _by_name(array, names, listed_classes(classes).tolist()), classes
        return LabelSets(_columns(array.shape, names), _targets(array), "matrix")
    rows = _rows(y)
    of_numbers = form == "lists" and np.asarray(classes).dtype.kind in "biuf"
    if isinstance(rows, np.ndarray) or (not of_numbers and _is_matrix(rows)):
        array = np.asarray(rows)
        return LabelSets(_columns(array.shape, classes), _targets(array), "matrix")
    return _of_lists(rows, classes)


def as_given(targets: np.ndarray, classes: np.ndarray, form: str):
    """Labels of pictures in the form of those of the training.

    Parameters
    ----------
    targets : ndarray of shape (n_samples, n_labels), bool, or of zeros and ones
        Which labels each picture has.
    classes : ndarray of shape (n_labels,)
        The labels.
    form : {"matrix", "sparse", "lists"}
        The form, see :class:`LabelSets`.

    Returns
    -------
    labels : ndarray or csr_array of int, or list of tuples
        As from scikit-learn's ``MultiLabelBinarizer.inverse_transform`` for lists.
    """
    if form == "lists":
        return [tuple(classes[row].tolist()) for row in targets.astype(bool)]
    return csr_array(targets.astype(np.int64)) if form == "sparse" else targets.astype(np.int64)


def _rows(y) -> np.ndarray | list:
    """A matrix, or a list with a collection of labels for each picture."""
    if hasattr(y, "detach"):  # a tensor
        y = y.detach().cpu().numpy()
    if not isinstance(y, _SETS) and hasattr(y, "__array__"):
        array = np.asarray(y)
        if array.ndim != 1:
            return array
        y = array.tolist()
    if not hasattr(y, "__iter__") or isinstance(y, (str, bytes, dict, set, frozenset)):
        raise ValueError(
            f"y is of type {type(y).__name__}: give a matrix of 0 and 1, or the labels of each "
            "picture in a list of lists"
        )
    rows = list(y)
    if not rows:
        raise ValueError("y is empty: at least one labelled picture is needed")
    rows = [row.tolist() if hasattr(row, "tolist") else row for row in rows]  # also of tensors
    for i, row in enumerate(rows):
        if not isinstance(row, _SETS):
            one = isinstance(row, str) or not isinstance(row, Iterable)
            what = f"{row!r}, a single label" if one else f"of type {type(row).__name__}"
            what = "missing" if _is_none(row) else what
            raise ValueError(
                f"y[{i}] is {what}: give a matrix of 0 and 1, or a list of labels for each picture"
                f"{_NONE} (for one label a picture there is LiftClassifier)"
            )
    return rows


def _is_matrix(rows: list) -> bool:
    """Return whether lists or tuples are the rows of a matrix, of 0 and 1 alone."""
    if len({len(row) for row in rows}) > 1 or not rows[0]:
        return False
    if any(isinstance(row, (set, frozenset)) for row in rows):
        return False
    return all(_is_number(v) and v in (0, 1) for row in rows for v in row)


def _is_none(value: Any) -> bool:
    return not isinstance(value, Collection) and is_missing(value)


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float, np.number, np.bool_))


def _targets(array: np.ndarray) -> np.ndarray:
    """The matrix as zeros and ones of one byte, validated."""
    if array.ndim != 2:
        raise ValueError(
            f"y has shape {array.shape}, expected (n_samples, n_labels): a matrix of 0 and 1"
        )
    if not array.size:
        raise ValueError(f"y has shape {array.shape}: at least one picture and label are needed")
    try:
        numbers = _floats(array)
    except (TypeError, ValueError):
        raise ValueError(
            f"y is a matrix of {array.dtype}, expected 0 and 1; labels are given as a list of "
            "lists, one for each picture"
        ) from None
    wrong = np.argwhere((numbers != 0) & (numbers != 1))
    if len(wrong):
        i, k = wrong[0].tolist()
        value = numbers[i, k]
        hint = "is not known" if np.isnan(value) else f"= {value:g}"
        if not np.isnan(value) and value % 1:
            hint += ", as in a continuous target"
        raise ValueError(
            f"y[{i}, {k}] {hint}: each entry must be 1 (the picture has the label) or 0 (it has "
            f"not); {len(wrong)} are neither"
        )
    return numbers.astype(np.uint8)


def _floats(array: np.ndarray) -> np.ndarray:
    """The entries as floats, NaN where one is missing."""
    if array.dtype.kind == "O":  # pandas.NA is no float
        array = np.where(np.frompyfunc(_is_none, 1, 1)(array).astype(bool), np.nan, array)
    if array.dtype.kind in "cmMV":  # casts would drop the imaginary part, or count days
        raise TypeError
    return array.astype(np.float64)


def _by_name(array: np.ndarray, names: list, labels: list) -> np.ndarray:
    """The columns of a table in the order of the labels, where they have the labels' names."""
    place = {name: k for k, name in enumerate(names)}
    lost = [label for label in labels if label not in place]
    if len(lost) == len(labels):  # other names: the columns are in order
        return array
    if lost or len(names) > len(labels):
        new = [name for name in place if name not in labels]
        raise ValueError(
            f"y must have a column for each of the {len(labels)} labels, and no other: {lost[:5]} "
            f"are missing, {new[:5]} are new"
        )
    return array[:, [place[label] for label in labels]]


def _columns(shape: tuple[int, ...], classes) -> np.ndarray:
    """The labels of the columns of a matrix; without names they are numbered."""
    n_labels = shape[1] if len(shape) == 2 else 0
    if classes is None:
        return np.arange(n_labels)
    given = _distinct(listed_classes(classes))
    if len(shape) == 2 and len(given) != n_labels:
        raise ValueError(
            f"y has {n_labels} columns, classes has {len(given)} labels: give the label of each "
            "column"
        )
    return given


def _distinct(classes: np.ndarray) -> np.ndarray:
    labels, repeats = np.unique(classes, return_counts=True)
    if len(labels) < len(classes):
        twice = labels[repeats > 1].tolist()[0]
        raise ValueError(f"classes must be distinct, {twice!r} is there more than once")
    return classes


def _plain(flat: list, rows: list) -> np.ndarray:
    """The labels of all pictures, one after another; errors name the picture."""
    try:
        return plain_labels(flat, "y")
    except ValueError:
        for i, row in enumerate(rows):
            plain_labels(list(row), f"y[{i}]")
        raise


def _of_lists(rows: list, classes) -> LabelSets:
    for i, row in enumerate(rows):
        wrong = [v for v in row if _is_none(v) or isinstance(v, (*_SETS, bytes))]
        if wrong:
            raise ValueError(f"y[{i}] holds {wrong[0]!r}, which is no label{_NONE}")
    flat = list(chain.from_iterable(rows))
    labels = _plain(flat, rows) if flat else np.array([], dtype=str)
    if classes is None:
        if not flat:
            raise ValueError("no picture in y has a label: name the labels in classes")
        known = np.unique(labels)
        warn_of_look_alikes(known)
    else:
        known = _distinct(listed_classes(classes))
    place = {label: k for k, label in enumerate(known.tolist())}
    targets = np.zeros((len(rows), len(known)), np.uint8)
    owner = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    for i, label in zip(owner.tolist(), labels.tolist(), strict=True):
        if label not in place:
            raise ValueError(f"y[{i}] has the label {label!r}, which is not among classes")
        targets[i, place[label]] = 1
    return LabelSets(known, targets, "lists")
