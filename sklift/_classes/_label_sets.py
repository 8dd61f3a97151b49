"""Labels of pictures that have any number of them: matrices of 0 and 1, and lists of labels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import chain
from typing import Any

import numpy as np
from scipy.sparse import csr_array, issparse

from ._labels import gather_labels, is_missing, listed_classes, plain_labels

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


def read_label_sets(y, classes=None) -> LabelSets:
    """Labels of pictures, of any form that a user has them in.

    Parameters
    ----------
    y : array-like, sparse matrix or DataFrame of shape (n_samples, n_labels), or list of lists
        0 and 1 (or False and True), or the labels of each picture as a list, tuple or set. Lists of
        lists of the same length that hold 0 and 1 alone are a matrix.
    classes : array-like of shape (n_labels,), optional
        All labels; for a matrix, those of the columns, in their order.

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
    if issparse(y):
        return LabelSets(_columns(y.shape, classes), _targets(y.toarray()), "sparse")
    if hasattr(y, "columns") and hasattr(y, "to_numpy"):
        names = list(y.columns) if classes is None else classes
        array = y.to_numpy()
        return LabelSets(_columns(array.shape, names), _targets(array), "matrix")
    rows = _rows(y)
    if isinstance(rows, np.ndarray):
        return LabelSets(_columns(rows.shape, classes), _targets(rows), "matrix")
    return _of_lists(rows, classes)


def as_given(targets: np.ndarray, classes: np.ndarray, form: str):
    """Predicted labels in the form of those of the training.

    Parameters
    ----------
    targets : ndarray of shape (n_samples, n_labels), bool
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
        return [tuple(classes[row].tolist()) for row in targets]
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
    if not hasattr(y, "__iter__") or isinstance(y, (str, bytes, dict)):
        raise ValueError(
            f"y is of type {type(y).__name__}: give a matrix of 0 and 1, or the labels of each "
            "picture in a list of lists"
        )
    rows = list(y)
    if not rows:
        raise ValueError("y is empty: at least one labelled picture is needed")
    rows = [row.tolist() if isinstance(row, np.ndarray) else row for row in rows]
    for i, row in enumerate(rows):
        if not isinstance(row, _SETS):
            what = "missing" if _is_none(row) else f"{row!r}, a single label"
            raise ValueError(
                f"y[{i}] is {what}: give a matrix of 0 and 1, or a list of labels for each picture"
                f"{_NONE} (for one label a picture there is LiftClassifier)"
            )
    return np.array(rows) if _is_matrix(rows) else rows


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
        numbers = array.astype(np.float64)
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


def _of_lists(rows: list, classes) -> LabelSets:
    for i, row in enumerate(rows):
        wrong = [v for v in row if _is_none(v) or isinstance(v, (*_SETS, bytes))]
        if wrong:
            raise ValueError(f"y[{i}] holds {wrong[0]!r}, which is no label{_NONE}")
    flat = list(chain.from_iterable(rows))
    labels = plain_labels(gather_labels(flat), "y") if flat else np.array([], dtype=str)
    if classes is None:
        if not flat:
            raise ValueError("no picture in y has a label: name the labels in classes")
        known = np.unique(labels)
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
