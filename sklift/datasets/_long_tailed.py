"""Subsets with an exponential long tail."""

from __future__ import annotations

from bisect import bisect_left
from numbers import Integral, Real

import numpy as np
from sklearn.utils import check_random_state, indexable

from .._classes._labels import check_labels
from .._core._sklearn import take_rows


def make_long_tailed(
    X, y, imbalance_ratio: float = 100, *, n_max: int | None = None, random_state=None
) -> tuple:
    r"""Draw a long-tailed subset, with class sizes that fall exponentially.

    The classes are ranked by their size in ``y``, the largest first and equal ones in sorted order.
    The class of rank c = 0, ..., C - 1 keeps

    .. math:: n_c = \max(1, \lfloor n_{max} \, \rho^{-c / (C - 1)} \rfloor)

    random samples, where :math:`\rho` is ``imbalance_ratio``: the profile of CIFAR-100-LT.

    Parameters
    ----------
    X : indexable of length n_samples
        Array, list, DataFrame, :class:`~sklift.images.ImageSequence`, ...: anything that
        scikit-learn can index. Items that are not drawn are not looked at. For the row numbers of
        the subset, give ``np.arange(n_samples)``.
    y : array-like of shape (n_samples,)
        Labels.
    imbalance_ratio : float, default=100
        Size of the largest class over that of the smallest, before rounding; at least 1.
    n_max : int or None, default=None
        Size of the largest class. None: the largest for which no class lacks samples; the size of
        a class where all are of one size.
    random_state : int, RandomState instance or None, default=None
        Which samples are drawn. For one int and one ``n_max``, the subset of a higher ratio is part
        of that of a lower one.

    Returns
    -------
    X : of the kind of ``X``, length sum of n_c
        The samples drawn, in their original order.
    y : of the kind of ``y``, length sum of n_c
        Their labels.

    Raises
    ------
    ValueError
        If a parameter is out of range, a class is too small for ``n_max``, or ``X`` and ``y``
        differ in length.

    See Also
    --------
    load_cifar_lt : the published subsets of CIFAR.

    References
    ----------
    Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples",
    CVPR 2019, arXiv 1901.05555.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.datasets import make_long_tailed
    >>> paths = [f"{i}.jpg" for i in range(300)]
    >>> labels = np.repeat(["cat", "dog", "emu"], 100)
    >>> X, y = make_long_tailed(paths, labels, imbalance_ratio=25, random_state=0)
    >>> np.unique(y, return_counts=True)[1]
    array([100,  20,   4])
    """
    X, y = indexable(X, y)
    check_imbalance_ratio(imbalance_ratio)
    classes, codes, sizes = np.unique(check_labels(y), return_inverse=True, return_counts=True)
    order = np.argsort(-sizes, kind="stable")
    ranked = sizes[order]

    def too_large(n: float) -> np.ndarray:
        return profile(len(classes), n, imbalance_ratio) > ranked

    # Sizes grow with n, so the first n that is too large for some class can be bisected.
    candidates = range(1, ranked[0] + 2)
    most = bisect_left(candidates, True, key=lambda n: bool(too_large(n).any()))
    if n_max is None:
        n_max = most
    elif not isinstance(n_max, Integral) or isinstance(n_max, bool) or n_max < 1:
        raise ValueError(f"n_max must be None or an integer of at least 1; got {n_max!r}")
    counts = profile(len(classes), n_max, imbalance_ratio)
    if n_max > most:
        c = int(np.flatnonzero(too_large(n_max))[0])
        raise ValueError(
            f"n_max={n_max} asks for {counts[c]} samples of class {classes.tolist()[order[c]]!r}, "
            f"which has {ranked[c]}; the most that these classes allow is n_max={most}"
        )
    by_class = np.empty_like(counts)
    by_class[order] = counts
    rows = np.sort(draw(codes, by_class, check_random_state(random_state)))
    return take_rows(X, rows), take_rows(y, rows)


def profile(n_classes: int, n_max: float, imbalance_ratio: float) -> np.ndarray:
    """Class sizes of the exponential long tail, the largest first, of shape (n_classes,)."""
    # Python's floats: numpy's powers may round differently on another processor.
    steps = max(n_classes - 1, 1)
    sizes = [int(n_max * (1 / imbalance_ratio) ** (c / steps)) for c in range(n_classes)]
    return np.maximum(sizes, 1)


def draw(codes: np.ndarray, counts: np.ndarray, rng: np.random.RandomState) -> np.ndarray:
    """Rows of ``counts[k]`` random samples of each class k, class by class, in the order drawn."""
    rows = np.argsort(codes, kind="stable")
    ends = np.cumsum(np.bincount(codes, minlength=len(counts)))
    drawn = []
    for start, end, n in zip([0, *ends[:-1]], ends, counts, strict=True):
        of_class = rows[start:end]
        rng.shuffle(of_class)
        drawn.append(of_class[:n])
    return np.concatenate(drawn)


def check_imbalance_ratio(value) -> None:
    """Raise ValueError unless it is a finite number of at least 1."""
    if not isinstance(value, Real) or isinstance(value, bool) or value < 1 or not value < np.inf:
        raise ValueError(f"imbalance_ratio must be a number of at least 1; got {value!r}")
