"""Scores of how badly a label fits a sample, and the thresholds that keep a promised coverage."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

TINY = np.finfo(np.float64).tiny
# Of RAPS: ranks without a penalty, and the penalty of each further one.
FREE_RANKS, PENALTY = 5, 0.01

Score = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]


def lac(proba: np.ndarray, assumed: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """``1 - p_k``, of least ambiguous classifiers (Sadinle et al., 2019).

    Parameters
    ----------
    proba : ndarray of shape (n_samples, n_classes)
        Probabilities.
    assumed : ndarray of shape (n_classes,)
        The mix of classes that the probabilities assume.
    prior : ndarray of shape (n_classes,)
        The mix of classes of the samples.

    Returns
    -------
    scores : ndarray of shape (n_samples, n_classes)
        The larger, the worse a label fits.
    """
    return 1 - proba


def aps(proba: np.ndarray, assumed: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """Sum of the probabilities that are at least ``p_k``, minus 1 (Romano et al., 2020).

    Parameters and result are those of :func:`lac`. There is no random part.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._conformity import aps
    >>> aps(np.array([[0.7, 0.1, 0.2]]), None, None).round(2)
    array([[-0.3, -0. , -0.1]])
    """
    order, _ = _ranked(proba)
    # the sum of those below: it has more digits than 1 minus itself
    below = np.cumsum(np.take_along_axis(proba, order, axis=1)[:, ::-1], axis=1)[:, ::-1]
    below = np.pad(below[:, 1:], [(0, 0), (0, 1)])
    scores = np.empty_like(proba)
    np.put_along_axis(scores, order, -below, axis=1)
    return scores


def raps(proba: np.ndarray, assumed: np.ndarray, prior: np.ndarray) -> np.ndarray:
    """:func:`aps` and 0.01 for each rank beyond the fifth (Angelopoulos et al., 2021).

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._conformity import raps
    >>> raps(np.array([[0.4, 0.2, 0.15, 0.1, 0.08, 0.05, 0.02]]), None, None)[0, -2:].round(2)
    array([-0.01,  0.02])
    """
    _, ranks = _ranked(proba)
    return aps(proba, assumed, prior) + PENALTY * np.maximum(ranks - FREE_RANKS + 1, 0)


def pas(proba: np.ndarray, assumed: np.ndarray, prior: np.ndarray) -> np.ndarray:
    r"""Prevalence-adjusted softmax, :math:`-p(k|x) / p(k)` (Ding et al., 2025).

    The posterior is that in the mix ``prior``: :math:`-l_k / \sum_j \pi_j l_j` with
    :math:`l_k = p_k / a_k`, where a is the mix that the probabilities assume. Parameters and result
    are those of :func:`lac`. A class with an assumed share of 0 fits no sample.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._conformity import pas
    >>> mix = np.array([0.8, 0.2])
    >>> pas(np.array([[0.8, 0.2]]), mix, mix)
    array([[-1., -1.]])
    """
    likelihood = proba / np.maximum(assumed, TINY)
    likelihood[:, assumed <= 0] = 0
    scores = -likelihood / np.maximum(likelihood @ prior, TINY)[:, None]
    scores[:, assumed <= 0] = np.inf
    return scores


SCORES: dict[str, Score] = {"lac": lac, "aps": aps, "raps": raps, "pas": pas}


def upper_quantile(scores: np.ndarray, coverage: float) -> float:
    r"""Smallest threshold that a new score exceeds with probability ``1 - coverage`` at most.

    It is the :math:`\lceil (n + 1) c \rceil`-th smallest score, and infinite if n is too small. A
    new score stays below it with the probability c or more, if all n + 1 are exchangeable.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._conformity import upper_quantile
    >>> upper_quantile(np.arange(9.0), 0.9), upper_quantile(np.arange(8.0), 0.9)
    (8.0, inf)
    """
    rank = math.ceil((len(scores) + 1) * coverage - 1e-9)  # 100 * 0.07 is more than 7
    return float(np.partition(scores, rank - 1)[rank - 1]) if rank <= len(scores) else np.inf


def fewest_samples(coverage: float) -> int:
    """Number of samples from which on :func:`upper_quantile` is finite."""
    return math.ceil(coverage / (1 - coverage) * (1 - 1e-9))  # 1 - 0.9999 is not exact


def class_thresholds(
    scores: np.ndarray, codes: np.ndarray, n_classes: int, coverage: float, conditional: float
) -> np.ndarray:
    """A threshold for each class, between one for all and those of the classes alone.

    Parameters
    ----------
    scores : ndarray of shape (n_samples,)
        Scores of the true labels.
    codes : ndarray of shape (n_samples,)
        The true labels, as indices of classes; -1 for one that is none of them.
    n_classes : int
        Number of classes.
    coverage : float in (0, 1)
        Wanted share of new samples below the threshold.
    conditional : float in [0, 1]
        Weight of the thresholds of single classes. Classes with too few samples for one are taken
        together, and, if these are too few as well, or fit no class, have the one for all.

    Returns
    -------
    thresholds : ndarray of shape (n_classes,)
        Infinite only if the one for all is.
    """
    everyone = upper_quantile(scores, coverage)
    counts = np.bincount(codes[codes >= 0], minlength=n_classes)
    rare = counts < fewest_samples(coverage)
    own = np.full(n_classes, everyone)
    own[rare] = upper_quantile(scores[rare[codes] | (codes < 0)], coverage)
    for k in np.flatnonzero(~rare):
        own[k] = upper_quantile(scores[codes == k], coverage)
    own[np.isinf(own)] = everyone
    if conditional in (0, 1) or np.isinf(everyone):  # infinity has no weighted mean
        return own if conditional == 1 else np.full(n_classes, everyone)
    return (1 - conditional) * everyone + conditional * own


def _ranked(proba: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Classes by falling probability, and the rank of each class from 0."""
    order = np.argsort(-proba, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(proba.shape[1])[None], axis=1)
    return order, ranks
