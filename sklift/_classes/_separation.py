"""How well texts tell classes apart: the area under the ROC curve of each text and class."""

from __future__ import annotations

import numpy as np


def separation(similarities: np.ndarray, codes: np.ndarray, n_classes: int) -> np.ndarray:
    """Area under the ROC curve of each column of scores, for each class against all others.

    The probability that a picture of the class has a larger score than a picture of another class,
    which is drawn first; a tie counts half. All other classes count the same, whatever their size.

    Parameters
    ----------
    similarities : ndarray of shape (n_samples, n_texts)
        Scores of pictures, larger for those that a text is about.
    codes : ndarray of int, shape (n_samples,)
        The classes of the pictures, each of 0 to ``n_classes - 1`` at least once.
    n_classes : int
        Number of classes, at least 2.

    Returns
    -------
    areas : ndarray of shape (n_classes, n_texts)
        In [0, 1]; 0.5 if a text says nothing about a class.

    Examples
    --------
    >>> separation(np.array([[3.0], [2.0], [1.0]]), np.array([0, 0, 1]), 2)
    array([[1.],
           [0.]])
    """
    counts = np.bincount(codes, minlength=n_classes)
    weights = 1 / counts[codes]
    areas = np.empty((n_classes, similarities.shape[1]))
    for j, scores in enumerate(similarities.T):
        order = np.argsort(scores)
        below = np.concatenate([[0], np.cumsum(weights[order])])
        left, right = (np.searchsorted(scores[order], scores, side) for side in ("left", "right"))
        beaten = (below[left] + below[right]) / 2  # classes, in parts, with ties for a half
        areas[:, j] = np.bincount(codes, weights * beaten, n_classes)
    # Of all pairs within a class, half are won. Sums of parts leave ties apart by a last digit.
    return ((areas - 0.5) / (n_classes - 1)).round(12)
