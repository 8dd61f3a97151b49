"""Samplers: the probabilities with which samples are drawn in training."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .._core._recipes import check_real

__all__ = ["Balanced", "Power", "SquareRoot"]


def _by_inverse_power(codes: ArrayLike, class_counts: ArrayLike, power: float) -> np.ndarray:
    """Probabilities ``(n_samples,)`` proportional to ``n_class ** -power``."""
    weight = np.asarray(class_counts)[np.asarray(codes)] ** -power
    return weight / weight.sum()


class Power(BaseEstimator):
    r"""Sampler between the mix of the training data and equal shares of the classes.

    .. math:: p_i \propto n_{y_i}^{-a}, \qquad P(\text{class } k) \propto n_k^{1 - a}

    Parameters
    ----------
    power : float, default=0.5
        The exponent a, >= 0. 0 keeps the mix of the data, 0.5 is :class:`SquareRoot`, 1 is
        :class:`Balanced`; above 1, rare classes are drawn more often than frequent ones.

    References
    ----------
    Kang, Xie, Rohrbach, Yan, Gordo, Feng, Kalantidis, "Decoupling Representation and Classifier for
    Long-Tailed Recognition", ICLR 2020, arXiv 1910.09217.

    Examples
    --------
    >>> from sklift.training import Power
    >>> Power(power=0.5).probabilities([0, 0, 0, 0, 1], class_counts=[4, 1]).round(3)
    array([0.167, 0.167, 0.167, 0.167, 0.333])

    Your own sampler is any object with a method ``probabilities``. This one draws no class more
    than ten times as often as it occurs:

    >>> import numpy as np
    >>> from sklearn.base import BaseEstimator
    >>> from sklift import LiftClassifier
    >>> class Capped(BaseEstimator):
    ...     def __init__(self, most=10.0):
    ...         self.most = most
    ...     def probabilities(self, codes, class_counts):
    ...         factor = np.minimum(self.most, class_counts.max() / class_counts)
    ...         return factor[codes] / factor[codes].sum()
    >>> LiftClassifier(sampler=Capped()).get_params()["sampler__most"]
    10.0
    """

    def __init__(self, power: float = 0.5) -> None:
        self.power = power

    def check(self) -> None:
        """Raise an error for a power that is negative or not finite."""
        check_real(self.power, "sampler__power", minimum=0)

    def probabilities(self, codes: ArrayLike, class_counts: ArrayLike) -> np.ndarray:
        """Return the probability of each sample at each draw.

        Parameters
        ----------
        codes : array-like of shape (n_samples,)
            The class of each training sample, 0..n_classes - 1.
        class_counts : array-like of shape (n_classes,)
            Training samples per class; may have zeros.

        Returns
        -------
        probabilities : ndarray of shape (n_samples,)
            Not negative; sums to 1.
        """
        self.check()
        return _by_inverse_power(codes, class_counts, float(self.power))


class Balanced(BaseEstimator):
    """Sampler that draws every class equally often.

    Examples
    --------
    >>> from sklift.training import Balanced
    >>> Balanced().probabilities([0, 0, 0, 0, 1], class_counts=[4, 1])
    array([0.125, 0.125, 0.125, 0.125, 0.5  ])
    """

    def probabilities(self, codes: ArrayLike, class_counts: ArrayLike) -> np.ndarray:
        """Return the probability of each sample at each draw, see :meth:`Power.probabilities`."""
        return _by_inverse_power(codes, class_counts, 1.0)


class SquareRoot(BaseEstimator):
    """Sampler that draws a class in proportion to the root of its size.

    References
    ----------
    Mahajan, Girshick, Ramanathan, He, Paluri, Li, Bharambe, van der Maaten, "Exploring the Limits
    of Weakly Supervised Pretraining", ECCV 2018, arXiv 1805.00932.

    Examples
    --------
    >>> from sklift.training import SquareRoot
    >>> SquareRoot().probabilities([0, 0, 0, 0, 1], class_counts=[4, 1]).round(3)
    array([0.167, 0.167, 0.167, 0.167, 0.333])
    """

    def probabilities(self, codes: ArrayLike, class_counts: ArrayLike) -> np.ndarray:
        """Return the probability of each sample at each draw, see :meth:`Power.probabilities`."""
        return _by_inverse_power(codes, class_counts, 0.5)
