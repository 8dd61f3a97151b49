"""Columns and probabilities of labels in predictions, and names of labels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn.utils import check_consistent_length

from .._classes._names import resolve_names
from .._core._text import counted
from ..metrics._as_labels import as_labels


def label_probabilities(y_proba, y_true, y_pred, labels) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities of the true and of the predicted classes, each (n_samples,).

    Zeros, which keep the order, where ``y_proba`` is None.

    Raises
    ------
    ValueError
        If ``y_proba`` is not in [0, 1], or its columns do not fit the labels.
    """
    if y_proba is None:
        return np.zeros(len(y_true)), np.zeros(len(y_true))
    y_proba = np.asarray(y_proba)
    if y_proba.dtype.kind != "f":
        y_proba = y_proba.astype(float)
    if y_proba.ndim != 2 or y_proba.shape[1] != len(labels):
        raise ValueError(
            f"y_proba has shape {y_proba.shape}, for {counted(len(labels), 'label')}: give "
            "labels=, the class of each column, such as clf.classes_"
        )
    if y_proba.size and not (y_proba.min() >= 0 and y_proba.max() <= 1):  # NaN is neither
        raise ValueError(
            "y_proba must be probabilities in [0, 1]; got values in "
            f"[{y_proba.min():.3g}, {y_proba.max():.3g}]"
        )
    column = {label: k for k, label in enumerate(labels.tolist())}

    def of(classes):  # a class that the model does not know has no column and no probability
        codes = [column.get(label) for label in classes.tolist()]
        return np.array([0.0 if k is None else y_proba[i, k] for i, k in enumerate(codes)])

    return of(y_true), of(y_pred)


def codes_of(y, classes: np.ndarray, n_images: int) -> np.ndarray:
    """Columns of the classes ``y``, one for each of the pictures.

    Raises
    ------
    ValueError
        If they are not as many as the pictures, or some are none of ``classes``.
    """
    y = as_labels(y)
    check_consistent_length(np.empty(n_images), y)
    column = {label: k for k, label in enumerate(classes.tolist())}
    unknown = [label for label in y.tolist() if label not in column]
    if unknown:
        raise ValueError(f"y has classes that the classifier does not know: {unknown[:5]}")
    return np.array([column[label] for label in y.tolist()], dtype=np.int64)


def naming(class_names, labels):
    """Return a function that gives the name of a label."""
    names = None if class_names is None else resolve_names(class_names, labels)
    table = dict(zip(labels.tolist(), names, strict=True)) if names else {}
    return lambda label: table.get(label, str(label))


def rows_of(table: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """Rows of a table of columns, as plain values."""
    columns = [np.asarray(values).tolist() for values in table.values()]
    return [dict(zip(table, row, strict=True)) for row in zip(*columns, strict=True)]
