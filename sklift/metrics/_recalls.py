"""Per-class recalls, and the means of them that a failing tail class pulls down."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import recall_score

from ._as_labels import as_labels

FLOOR = 1e-5  # 0.001 %, as in the LIFT evaluation


def per_class_recall(
    y_true: ArrayLike, y_pred: ArrayLike, labels: ArrayLike | None = None
) -> np.ndarray:
    """Recall (accuracy) of each class.

    ``r_k = #(y_true = k and y_pred = k) / #(y_true = k)``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like of shape (n_classes,) or None, default=None
        The classes, in the order wanted. None: the sorted classes of ``y_true``.

    Returns
    -------
    recalls : ndarray of shape (n_classes,), in [0, 1]
        NaN for a class that ``y_true`` lacks.

    Examples
    --------
    >>> from sklift.metrics import per_class_recall
    >>> per_class_recall(["ant", "ant", "cat"], ["ant", "cat", "cat"], labels=["ant", "bee", "cat"])
    array([0.5, nan, 1. ])
    """
    y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    labels = np.unique(y_true) if labels is None else as_labels(labels, "labels")
    return recall_score(y_true, y_pred, labels=labels, average=None, zero_division=np.nan)


def harmonic_mean_recall(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Harmonic mean of the per-class recalls, over the classes of ``y_true``.

    ``1 / mean_k(1 / max(r_k, 1e-5))``: recalls are floored at 0.001 %, so that one class that is
    never found leaves a small score instead of an undefined one.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.

    Returns
    -------
    score : float in [0, 1]

    References
    ----------
    Shi et al., "Long-Tail Learning with Foundation Model: Heavy Fine-Tuning Hurts", ICML 2024,
    arXiv 2309.10019.

    Examples
    --------
    >>> from sklift.metrics import harmonic_mean_recall
    >>> round(harmonic_mean_recall([0, 0, 1], [0, 1, 1]), 4)
    0.6667
    """
    recalls = np.maximum(per_class_recall(y_true, y_pred), FLOOR)
    return float(1 / np.mean(1 / recalls))


def geometric_mean_recall(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Geometric mean of the per-class recalls, over the classes of ``y_true``.

    ``(prod_k r_k)^(1 / K)``: 0 as soon as one class is never found.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.

    Returns
    -------
    score : float in [0, 1]

    References
    ----------
    Kubat and Matwin, "Addressing the Curse of Imbalanced Training Sets", ICML 1997.

    Examples
    --------
    >>> from sklift.metrics import geometric_mean_recall
    >>> round(geometric_mean_recall([0, 0, 1], [0, 1, 1]), 4)
    0.7071
    """
    with np.errstate(divide="ignore"):  # log 0 = -inf gives the 0 that is right
        # The sum of logs, since a product over thousands of classes underflows.
        return float(np.exp(np.mean(np.log(per_class_recall(y_true, y_pred)))))


def worst_class_recall(y_true: ArrayLike, y_pred: ArrayLike) -> float:
    """Smallest of the per-class recalls, over the classes of ``y_true``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.

    Returns
    -------
    score : float in [0, 1]

    Examples
    --------
    >>> from sklift.metrics import worst_class_recall
    >>> worst_class_recall([0, 0, 1], [0, 1, 1])
    0.5
    """
    return float(np.min(per_class_recall(y_true, y_pred)))
