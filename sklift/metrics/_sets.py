"""Scores of sets of labels, and of the search for samples of no class."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length

from ._as_labels import as_labels


def per_class_coverage(y_true: ArrayLike, y_set: ArrayLike, labels: ArrayLike) -> np.ndarray:
    """Share of the samples of each class whose set holds the true label.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_set : array-like of shape (n_samples, n_classes), bool
        Sets of labels, such as those of :meth:`sklift.ConformalClassifier.predict_set`.
    labels : array-like of shape (n_classes,)
        The class of each column, such as ``clf.classes_``.

    Returns
    -------
    coverage : ndarray of shape (n_classes,), in [0, 1]
        NaN for a class that ``y_true`` lacks.

    Examples
    --------
    >>> from sklift.metrics import per_class_coverage
    >>> y_set = [[True, True], [True, False], [True, False]]
    >>> per_class_coverage(["ant", "ant", "bee"], y_set, labels=["ant", "bee"])
    array([1., 0.])
    """
    covered, codes, n_classes = _covered(y_true, y_set, labels)
    known = codes >= 0
    counts = np.bincount(codes[known], minlength=n_classes)
    hits = np.bincount(codes[known], covered[known], n_classes)
    return np.divide(hits, counts, out=np.full(n_classes, np.nan), where=counts > 0)


def prediction_set_scores(
    y_true: ArrayLike, y_set: ArrayLike, labels: ArrayLike
) -> dict[str, float]:
    """Coverage and size of sets of labels.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels. The sets of labels that have no column never hold them.
    y_set : array-like of shape (n_samples, n_classes), bool
        Sets of labels, such as those of :meth:`sklift.ConformalClassifier.predict_set`.
    labels : array-like of shape (n_classes,)
        The class of each column, such as ``clf.classes_``.

    Returns
    -------
    scores : dict of str to float
        "coverage", the share of samples whose set holds the true label; "macro_coverage", its mean
        over the classes of ``y_true`` that have a column; "mean_size", the labels in a set; and
        "empty", the share of sets without a label.

    See Also
    --------
    per_class_coverage : Coverage of each class.

    Examples
    --------
    >>> from sklift.metrics import prediction_set_scores
    >>> y_set = [[True, True], [True, False], [False, False]]
    >>> scores = prediction_set_scores(["ant", "ant", "bee"], y_set, labels=["ant", "bee"])
    >>> {name: round(score, 2) for name, score in scores.items()}
    {'coverage': 0.67, 'macro_coverage': 0.5, 'mean_size': 1.0, 'empty': 0.33}
    """
    covered, _, _ = _covered(y_true, y_set, labels)
    sizes = np.asarray(y_set).sum(axis=1)
    per_class = per_class_coverage(y_true, y_set, labels)
    return {
        "coverage": float(covered.mean()),
        "macro_coverage": float(np.nanmean(per_class)),
        "mean_size": float(sizes.mean()),
        "empty": float((sizes == 0).mean()),
    }


def _covered(y_true, y_set, labels) -> tuple[np.ndarray, np.ndarray, int]:
    """Whether each set holds its true label, and the column of that, -1 where it has none."""
    y_true, y_set, labels = (
        as_labels(y_true, "y_true"),
        np.asarray(y_set),
        as_labels(labels, "labels"),
    )
    if y_set.dtype != bool or y_set.ndim != 2 or y_set.shape[1] != len(labels):
        raise ValueError(
            f"y_set must be bool of shape (n_samples, {len(labels)}), a column for each of labels; "
            f"got {y_set.dtype} of shape {y_set.shape}"
        )
    check_consistent_length(y_true, y_set)
    if not len(y_true):
        raise ValueError("y_true is empty: there is no sample to score")
    column = {label: k for k, label in enumerate(labels.tolist())}
    codes = np.array([column.get(label, -1) for label in y_true.tolist()])
    return y_set[np.arange(len(codes)), codes] & (codes >= 0), codes, len(labels)
