"""Thresholds of labels, chosen on scores of pictures whose labels are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ._label_arrays import check_scores


def f1_thresholds(y_true: ArrayLike, y_score: ArrayLike, *, default: float = 0.5) -> np.ndarray:
    """Threshold of each label with the highest F1 score.

    Each lies in the middle between two scores. Scores must be of pictures that the model was not
    trained on, or thresholds are far too high.

    Parameters
    ----------
    y_true : array-like or sparse matrix of shape (n_samples, n_labels)
        1 where a picture has a label, else 0.
    y_score : array-like of shape (n_samples, n_labels)
        Scores, such as probabilities.
    default : float, default=0.5
        The threshold of a label that no picture has.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        A picture has the label if its score is above the threshold.

    References
    ----------
    Lipton, Elkan, Narayanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure",
    ECML PKDD 2014, arXiv 1402.1892.

    Examples
    --------
    >>> from sklift.metrics import f1_thresholds
    >>> f1_thresholds([[0], [0], [1], [1]], [[0.1], [0.2], [0.4], [0.9]]).round(2)
    array([0.3])
    """
    targets, scores = check_scores(y_true, y_score)
    found = [_threshold(t, s, default) for t, s in zip(targets.T, scores.T, strict=True)]
    return np.array(found)


def _threshold(target: np.ndarray, score: np.ndarray, default: float) -> float:
    if not target.any():
        return default
    order = np.argsort(-score, kind="stable")
    hits, ranked = np.cumsum(target[order]), score[order]
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + target.sum())
    below = np.append(ranked[1:], min(0.0, ranked[-1] - 1e-9))
    f1[ranked == below] = -1  # equal scores are on one side
    best = int(f1.argmax())
    return float((ranked[best] + below[best]) / 2)
