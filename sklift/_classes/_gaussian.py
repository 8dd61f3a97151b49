"""Closed form of a classifier by Gaussians of one shrunk covariance and shrunk means."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import eigh

from ._moments import LARGEST, ClassMoments

# Variance that rounding may have, by the size of the numbers and at least.
ROUNDING, SMALLEST = (100 * np.finfo(np.float64).eps) ** 2, LARGEST**-4


@dataclass(frozen=True)
class ShrunkGaussian:
    """Parameters of the Gaussians, and the linear logits that follow from them.

    Parameters
    ----------
    means : ndarray of shape (n_classes, n_features)
        Shrunk towards the overall mean.
    covariance : ndarray of shape (n_features, n_features)
        Shrunk towards a multiple of the identity.
    shrinkage, mean_shrinkage : float
        How much both were shrunk.
    coef : ndarray of shape (n_classes, n_features)
        Weights of the logits.
    intercept : ndarray of shape (n_classes,)
        Constants of the logits, for equal priors.
    """

    means: np.ndarray
    covariance: np.ndarray
    shrinkage: float
    mean_shrinkage: float
    coef: np.ndarray
    intercept: np.ndarray


def shrunk_gaussian(
    moments: ClassMoments, shrinkage: float | str, mean_shrinkage: float | str
) -> ShrunkGaussian:
    """Gaussians from the moments of samples.

    The formulas are in `sklift.ShrunkGaussianClassifier`.

    Parameters
    ----------
    moments : ClassMoments
        Of at least one sample.
    shrinkage : "auto" or float in [0, 1]
        Of the covariance.
    mean_shrinkage : "auto" or non-negative float
        Of the means, in samples.

    Returns
    -------
    gaussian : ShrunkGaussian

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._gaussian import shrunk_gaussian
    >>> from sklift._classes._moments import ClassMoments
    >>> moments = ClassMoments(2, 1)
    >>> moments.update(np.array([[0.0], [2.0], [5.0]]), np.array([0, 0, 1]), np.ones(3))
    >>> shrunk_gaussian(moments, 0.0, 1.0).means.ravel().round(3).tolist()
    [1.444, 3.667]
    """
    count, n, width = moments.count, moments.count.sum(), moments.mean.shape[1]
    overall = count / n @ moments.mean
    apart = moments.mean - overall
    within, between = _spreads(moments, overall, apart)
    covariance, shrinkage = shrunk_covariance(moments, shrinkage)
    if isinstance(mean_shrinkage, str):
        mean_shrinkage = within / between if between > 0 else np.inf if within > 0 else 0.0
    if within == 0:  # nothing is known but that no class varies more than all together
        covariance = np.eye(width) * (between / width)
    # a class without samples is shrunk completely, also by 0
    kept = np.divide(count, count + mean_shrinkage, out=np.zeros_like(count), where=count > 0)
    apart *= kept[:, None]
    coef = apart @ _inverse(covariance)
    intercept = -0.5 * np.einsum("ij,ij->i", coef, apart) - coef @ overall
    return ShrunkGaussian(
        overall + apart, covariance, shrinkage, float(mean_shrinkage), coef, intercept
    )


def shrunk_covariance(moments: ClassMoments, shrinkage: float | str) -> tuple[np.ndarray, float]:
    """Covariance within classes, shrunk towards a multiple of the identity, and by how much.

    The parameters are those of :func:`shrunk_gaussian`.
    """
    n = moments.count.sum()
    covariance = moments.scatter / n
    if isinstance(shrinkage, str):  # "auto"
        shrinkage = _ledoit_wolf(covariance, moments.fourth / n, n)
    target = np.trace(covariance) / len(covariance)
    covariance *= 1 - shrinkage
    covariance.flat[:: len(covariance) + 1] += shrinkage * target
    return covariance, float(shrinkage)


def _spreads(moments: ClassMoments, overall: np.ndarray, apart: np.ndarray) -> tuple[float, float]:
    """Variance within classes and variance of their means, each summed over features.

    What may be rounding counts as none.
    """
    n = moments.count.sum()
    within = np.diag(moments.scatter) / n
    between = moments.count / n @ apart**2
    rounding = ROUNDING * (within + between + overall**2) + SMALLEST
    return float(within[within > rounding].sum()), float(between[between > rounding].sum())


def _ledoit_wolf(covariance: np.ndarray, fourth: float, n: float) -> float:
    """Coefficient of Ledoit and Wolf (2004), from the mean fourth power of the rows' norms."""
    width = len(covariance)
    squares = float(np.sum(covariance**2))
    distance = squares - np.trace(covariance) ** 2 / width  # from a multiple of the identity
    if width == 1 or distance <= 0:
        return 0.0
    return float(np.clip((fourth - squares) / n / distance, 0, 1))


def _inverse(covariance: np.ndarray) -> np.ndarray:
    """Inverse; of a singular matrix, on the directions that it has."""
    values, vectors = eigh(covariance)
    kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
    return vectors[:, kept] / values[kept] @ vectors[:, kept].T
