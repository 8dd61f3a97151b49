"""Thresholds of labels, chosen on probabilities of pictures whose labels are known."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit, logit

from .._core._recipes import check_real
from ._label_arrays import check_scores

_COMMON = expit(np.linspace(-6, 6, 121))  # candidates for the threshold of all labels
_LEAST = 1e-6
_LOWEST = logit(_LEAST)


def f1_thresholds(y_true: ArrayLike, y_proba: ArrayLike, *, pictures: float = 30) -> np.ndarray:
    r"""Threshold of each label with a high F1 score, also of labels with few pictures.

    The threshold with the highest F1 score of a label with n pictures is drawn towards the one
    with the highest macro F1 of all labels, in units of logits: it counts n / (n + ``pictures``).
    Five pictures tell little about the best threshold of their label.

    Probabilities must be of pictures that the model was not trained on, or thresholds are far too
    high.

    Parameters
    ----------
    y_true : array-like or sparse matrix of shape (n_samples, n_labels)
        1 where a picture has a label, else 0.
    y_proba : array-like of shape (n_samples, n_labels)
        Probabilities of the labels.
    pictures : float, default=30
        Number of pictures that weigh as much as what all labels have in common, >= 0. 0: each label
        by itself.

    Returns
    -------
    thresholds : ndarray of shape (n_labels,)
        In (0, 1): a picture has the label if its probability is above. A label that no picture has
        takes the threshold of all.

    Raises
    ------
    ValueError
        If the arrays do not fit each other, or are no labels and probabilities.

    References
    ----------
    Lipton, Elkan, Narayanaswamy, "Optimal Thresholding of Classifiers to Maximize F1 Measure",
    ECML PKDD 2014, arXiv 1402.1892, for the threshold of one label.

    Examples
    --------
    >>> from sklift.metrics import f1_thresholds
    >>> y_true, y_proba = [[0], [0], [1], [1]], [[0.1], [0.2], [0.4], [0.9]]
    >>> f1_thresholds(y_true, y_proba, pictures=0).round(2)
    array([0.29])
    """
    pictures = check_real(pictures, "pictures", minimum=0)
    targets, scores = check_scores(y_true, y_proba)
    if scores.min() < 0 or scores.max() > 1:
        raise ValueError(
            f"y_proba must be probabilities in [0, 1], got values in [{scores.min():.3g}, "
            f"{scores.max():.3g}]"
        )
    counts = targets.sum(axis=0)
    logits = logit(np.clip(scores.astype(np.float64), _LEAST, 1 - _LEAST))
    common = _common(targets, logits)
    own = [
        _best(target, column) if target.any() else common
        for target, column in zip(targets.T, logits.T, strict=True)
    ]
    share = counts / np.maximum(counts + pictures, _LEAST)
    return expit(share * np.array(own) + (1 - share) * common)


def _best(target: np.ndarray, score: np.ndarray) -> float:
    """The score in the middle between two that has the highest F1 score."""
    order = np.argsort(-score, kind="stable")
    hits, ranked = np.cumsum(target[order]), score[order]
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + target.sum())
    below = np.append(ranked[1:], ranked[-1] - 1)
    f1[ranked == below] = -1  # equal scores are on one side
    f1[ranked <= _LOWEST] = -1  # thresholds are above 0, so that such pictures never are
    best = int(f1.argmax())
    return float((ranked[best] + below[best]) / 2)


def _common(targets: np.ndarray, logits: np.ndarray) -> float:
    """The threshold of all labels with the highest macro F1, over labels that pictures have."""
    cuts = logit(_COMMON)
    f1 = np.zeros(len(cuts))
    for target, score in zip(targets.T, logits.T, strict=True):
        if target.any():
            n_found = len(score) - np.searchsorted(np.sort(score), cuts, "right")
            hits = target.sum() - np.searchsorted(np.sort(score[target]), cuts, "right")
            f1 += 2 * hits / (n_found + target.sum())
    best = np.flatnonzero(f1 >= f1.max() - 1e-12)
    return float(cuts[best[len(best) // 2]])
