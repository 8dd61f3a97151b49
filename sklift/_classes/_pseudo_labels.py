"""Pseudo-labels: what a Gaussian classifier makes of pictures without labels."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from scipy.special import log_softmax

from ._gaussian import ShrunkGaussian, shrunk_gaussian
from ._moments import BLOCK, ClassMoments

N_ROUNDS = 4  # later ones change little
N_FOLDS = 5
LEAST = 0.02  # a class that is less probable than this doesn't count
WORTH = 0.25  # of a pseudo-label that is right, in labels


class PseudoLabels(NamedTuple):
    """Classes of pictures without labels, and how much each counts in training.

    Attributes
    ----------
    codes : ndarray of shape (n_unlabeled,)
        The most probable classes, as indices.
    weights : ndarray of shape (n_unlabeled,)
        Non-negative weights, where a label counts 1.
    """

    codes: np.ndarray
    weights: np.ndarray


def pseudo_labels(
    features: np.ndarray,
    codes: np.ndarray,
    weights: np.ndarray,
    unlabeled: np.ndarray,
    n_classes: int,
) -> PseudoLabels:
    r"""Pseudo-labels by expectation maximisation of Gaussians with one shrunk covariance.

    In each round the classes of the unlabeled rows are estimated, with the mix of classes that the
    round before found among them (labelled ones have another mix, as a rule), and then the
    Gaussians are fitted to all rows, the unlabeled ones with a quarter of the weight. In training a
    pseudo-label of probability p counts :math:`p a / 4`, where a is the accuracy of the Gaussians
    on labelled rows that they have not seen: so little is lost where they know little.

    Parameters
    ----------
    features : ndarray of shape (n_labelled, n_features)
        Rows with labels.
    codes, weights : ndarray of shape (n_labelled,)
        Their classes, as indices, and their weights.
    unlabeled : ndarray of shape (n_unlabeled, n_features)
        Rows without labels.
    n_classes : int
        Number of classes.

    Examples
    --------
    >>> import numpy as np
    >>> rows = np.array([[0.0], [0.2], [5.0], [5.2]])
    >>> found = pseudo_labels(rows, np.array([0, 0, 1, 1]), np.ones(4), np.array([[0.1], [5.1]]), 2)
    >>> found.codes.tolist(), found.weights.round(2).tolist()
    ([0, 1], [0.25, 0.25])
    """
    labelled = (features, codes, weights)
    moments = _moments(n_classes, labelled)
    known = moments.count > 0  # of a class without labels nothing is known
    mix = equal = known / known.sum()
    for _ in range(N_ROUNDS):
        gaussian = shrunk_gaussian(moments, "auto", "auto")
        rows, members, shares, mix = _expect(gaussian, unlabeled, mix)
        mix = 0.9 * mix + 0.1 * equal  # no class is ruled out because it was not found yet
        moments = _moments(n_classes, labelled, (unlabeled[rows], members, WORTH * shares))
    best = np.zeros(len(unlabeled), dtype=np.intp)
    probability = np.zeros(len(unlabeled))
    order = np.argsort(shares, kind="stable")
    best[rows[order]], probability[rows[order]] = members[order], shares[order]
    return PseudoLabels(best, WORTH * _accuracy(*labelled, n_classes) * probability)


def _moments(n_classes: int, *parts) -> ClassMoments:
    moments = ClassMoments(n_classes, parts[0][0].shape[1])
    for features, codes, weights in parts:
        if len(codes):
            moments.update(features, codes, weights)
    return moments


def _expect(gaussian: ShrunkGaussian, X: np.ndarray, mix: np.ndarray):
    """Rows, classes and probabilities of all pairs that count, and the mix of classes."""
    found, total = [], np.zeros(len(mix))
    with np.errstate(divide="ignore"):
        log_mix = np.log(mix)
    size = max(1, 8 * BLOCK // len(mix))
    for start in range(0, len(X), size):
        logits = X[start : start + size] @ gaussian.coef.T + gaussian.intercept + log_mix
        shares = np.exp(log_softmax(logits, axis=1))
        total += shares.sum(axis=0)
        rows, members = np.nonzero(shares >= np.minimum(LEAST, shares.max(axis=1, keepdims=True)))
        found.append((rows + start, members, shares[rows, members]))
    return *map(np.concatenate, zip(*found, strict=True)), total / len(X)


def _accuracy(X: np.ndarray, codes: np.ndarray, weights: np.ndarray, n_classes: int) -> float:
    """Accuracy on rows left out of the fit, a fifth at a time; 1 where no class has two rows."""
    fold = np.empty(len(codes), dtype=int)
    fold[np.argsort(codes, kind="stable")] = np.arange(len(codes)) % N_FOLDS  # in each class alike
    right = seen = 0.0
    for k in range(N_FOLDS):
        used, left_out = np.flatnonzero(fold != k), np.flatnonzero(fold == k)
        moments = _moments(n_classes, (X[used], codes[used], weights[used]))
        known = left_out[moments.count[codes[left_out]] > 0]
        if not len(known):
            continue
        gaussian = shrunk_gaussian(moments, "auto", "auto")
        best, size = np.empty(len(known), dtype=int), max(1, 8 * BLOCK // n_classes)
        for start in range(0, len(known), size):
            block = slice(start, start + size)
            best[block] = (X[known[block]] @ gaussian.coef.T + gaussian.intercept).argmax(axis=1)
        right += weights[known[best == codes[known]]].sum()
        seen += weights[known].sum()
    return right / seen if seen else 1.0
