"""Calibration: is a prediction with a confidence of 80 % right in 80 % of the cases?"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_array, check_consistent_length

from .._core._text import counted
from ._as_labels import as_labels

ROW_SUM_TOLERANCE = 0.01  # passes half precision, catches logits


def expected_calibration_error(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    n_bins: int = 15,
) -> float:
    """Mean gap between confidence and accuracy (ECE) of the most probable class.

    ``sum_b |B_b| / n * |accuracy(B_b) - confidence(B_b)|`` over ``n_bins`` bins of equal width, as
    in :func:`reliability_curve`.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_proba : array-like of shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities; one-dimensional: those of the second of two classes.
    labels : array-like of shape (n_classes,) or None, default=None
        The class of each column, such as ``clf.classes_``. None: the sorted classes of ``y_true``.
    n_bins : int, default=15
        Number of bins.

    Returns
    -------
    error : float in [0, 1]
        0 is perfect.

    Raises
    ------
    ValueError
        As :func:`reliability_curve`.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
    arXiv 1706.04599.

    Examples
    --------
    >>> from sklift.metrics import expected_calibration_error
    >>> round(expected_calibration_error([0, 0, 1, 1], [[0.9, 0.1]] * 4), 3)
    0.4
    """
    confidence, accuracy, weight = reliability_curve(y_true, y_proba, labels=labels, n_bins=n_bins)
    return float(np.sum(weight * np.abs(accuracy - confidence)))


def reliability_curve(
    y_true: ArrayLike,
    y_proba: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    n_bins: int = 15,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Accuracy against confidence, the probability of the most probable class.

    Samples fall into ``n_bins`` bins by confidence: ``((b - 1) / n_bins, b / n_bins]``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels. One that ``labels`` lacks (a class that a fold did not train on) is never
        predicted right.
    y_proba : array-like of shape (n_samples, n_classes) or (n_samples,)
        Predicted probabilities; one-dimensional: those of the second of two classes.
    labels : array-like of shape (n_classes,) or None, default=None
        The class of each column, such as ``clf.classes_``. None: the sorted classes of ``y_true``.
    n_bins : int, default=15
        Number of bins.

    Returns
    -------
    confidence : ndarray of shape (n_filled,), in (0, 1]
        Mean confidence in each bin that holds a sample, ascending.
    accuracy : ndarray of shape (n_filled,), in [0, 1]
        Share of right predictions in the bin.
    weight : ndarray of shape (n_filled,), in (0, 1]
        Share of the samples that are in the bin; sums to 1.

    Raises
    ------
    ValueError
        If ``n_bins`` is below 1; if ``y_proba`` is not finite, not in [0, 1], or has rows that do
        not sum to 1; if its columns do not fit the labels, or no sample is of one of ``labels``.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
    arXiv 1706.04599.

    Examples
    --------
    >>> from sklift.metrics import reliability_curve
    >>> confidence, accuracy, weight = reliability_curve([0, 1, 1], [0.1, 0.9, 0.4], n_bins=5)
    >>> confidence, accuracy
    (array([0.6, 0.9]), array([0., 1.]))
    """
    if n_bins < 1:
        raise ValueError(f"n_bins must be at least 1; got {n_bins!r}")
    y_true = as_labels(y_true, "y_true")
    y_proba = _check_proba(y_proba)
    check_consistent_length(y_true, y_proba)
    labels = np.unique(y_true) if labels is None else as_labels(labels, "labels")
    if y_proba.shape[1] != len(labels):
        raise ValueError(
            f"y_proba tells of {counted(y_proba.shape[1], 'class')}, for "
            f"{counted(len(labels), 'label')}: "
            "give labels=, the class of each column, such as clf.classes_"
        )
    # By hash, not by ==: numpy would take the text "1" and the number 1 for the same label.
    column = {label: k for k, label in enumerate(labels.tolist())}
    codes = np.array([column.get(label, -1) for label in y_true.tolist()])
    if (codes < 0).all():
        raise ValueError(
            f"y_true holds none of the labels: y_true starts with {y_true[:3].tolist()}, "
            f"labels with {labels[:3].tolist()}"
        )

    top = y_proba.max(axis=1)
    hit = y_proba.argmax(axis=1) == codes
    # Left: a confidence on an edge belongs to the bin below it.
    bins = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], top, side="left")
    size = np.bincount(bins, minlength=n_bins)
    filled = size > 0
    mean_top, mean_hit = (
        np.bincount(bins, weights=values, minlength=n_bins)[filled] / size[filled]
        for values in (top, hit)
    )
    return mean_top, mean_hit, size[filled] / len(top)


def _check_proba(y_proba: ArrayLike) -> np.ndarray:
    """The probabilities, one column per class."""
    if hasattr(y_proba, "detach"):  # a tensor, which may be on a device
        y_proba = y_proba.detach().cpu()
    y_proba = check_array(
        np.asarray(y_proba), ensure_2d=False, dtype=[np.float64, np.float32], input_name="y_proba"
    )
    if y_proba.min() < 0 or y_proba.max() > 1:
        raise ValueError(
            "y_proba must be probabilities in [0, 1]; got values in "
            f"[{y_proba.min():.3g}, {y_proba.max():.3g}]"
        )
    if y_proba.ndim == 1:
        return np.column_stack([1 - y_proba, y_proba])
    off = np.abs(y_proba.sum(axis=1) - 1)
    if off.max() > ROW_SUM_TOLERANCE:
        row = int(off.argmax())
        raise ValueError(
            f"the rows of y_proba must sum to 1; row {row} sums to {y_proba[row].sum():.3g}"
        )
    return y_proba
