"""Cosine head in a space where the classes spread alike in all directions."""

from __future__ import annotations

from numbers import Real

import numpy as np
import torch
from scipy.linalg import eigh
from torch import Tensor
from torch.nn import functional as F

from .._classes._gaussian import shrunk_covariance
from .._classes._moments import ClassMoments
from .._core._lazy_rows import LazyRows
from .._core._recipes import check_real
from ._init import _check_samples, normalize
from .cosine import Cosine, CosineHead

__all__ = ["WhitenedCosine"]


class WhitenedCosine(Cosine):
    r"""Scaled cosine between whitened features and class weights.

    .. math:: z_k = s \left\langle \frac{g}{|g|}, \frac{w_k}{|w_k|} \right\rangle, \qquad
       g = \Sigma^{-1/2} (f - m)

    :math:`\Sigma` is the covariance of the frozen features within the classes, shrunk towards a
    multiple of the identity, and m the mean of the class means. Both are computed once, before
    training: from all pictures for ``init="linear_probe"``, else from at most 100 of each class.
    Sample weights count there as numbers of pictures: the larger they are, the less is shrunk. Only
    the ratios count of weights that are smaller, with a sum of 1 for instance.

    Directions in which pictures of one class differ count less, so that few pictures are enough to
    tell the classes apart: the class means (``init="class_mean"``) are a discriminant analysis at
    the start, and training goes on from there.

    Parameters
    ----------
    scale : float, default=25.0
        s, > 0: the logits lie in [-s, s].
    shrinkage : float in [0, 1] or "auto", default="auto"
        Share of the identity in the covariance; "auto" is the estimate of Ledoit and Wolf.

    References
    ----------
    Ledoit, Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", Journal
    of Multivariate Analysis 88(2), 2004; discriminant analysis of CLIP's features: Wang, Liang,
    Sheng, He, Wang, Tan, "A Hard-to-Beat Baseline for Training-Free CLIP-Based Adaptation",
    ICLR 2024, arXiv 2402.04087.

    Examples
    --------
    The second feature counts less, since pictures of one class differ in it:

    >>> import torch
    >>> from sklift.heads import WhitenedCosine
    >>> head = WhitenedCosine(shrinkage=0.1).build(n_features=2, n_classes=2)
    >>> features = torch.tensor([[1.0, 9.0], [1.0, -9.0], [3.0, 5.0], [3.0, -5.0], [3.0, 0.0]])
    >>> whitened = head.fit_features(features, torch.tensor([0, 0, 1, 1, 1]))
    >>> head.whitening.diagonal()
    tensor([0.6868, 0.1576])
    """

    def __init__(self, scale: float = 25.0, shrinkage: float | str = "auto") -> None:
        super().__init__(scale)
        self.shrinkage = shrinkage

    def build(self, n_features: int, n_classes: int) -> WhitenedCosineHead:
        """Return the head module, ``(B, n_features) -> (B, n_classes)``.

        Raises
        ------
        ValueError
            If ``scale`` is not positive and finite, or ``shrinkage`` is not in [0, 1].
        """
        scale = check_real(self.scale, "scale", minimum=0, include_boundaries="neither")
        shrinkage = self.shrinkage
        if isinstance(shrinkage, Real):
            shrinkage = check_real(shrinkage, "shrinkage", minimum=0, maximum=1)
        elif shrinkage != "auto":
            raise ValueError(f"shrinkage must be 'auto' or a number in [0, 1], got {shrinkage!r}")
        return WhitenedCosineHead(n_features, n_classes, scale, shrinkage)


class WhitenedCosineHead(CosineHead):
    """Module of :class:`WhitenedCosine`: without :meth:`fit_features`, a cosine head."""

    shift: Tensor
    whitening: Tensor

    def __init__(
        self, n_features: int, n_classes: int, scale: float, shrinkage: float | str
    ) -> None:
        super().__init__(n_features, n_classes, scale)
        self.shrinkage = shrinkage
        self.register_buffer("shift", torch.zeros(n_features))
        self.register_buffer("whitening", torch.eye(n_features))

    def fit_features(self, features, y, sample_weight=None) -> LazyRows:
        """Set the whitening from frozen features, and return these whitened.

        Parameters
        ----------
        features : array-like of shape (n_samples, n_features)
        y : array-like of shape (n_samples,)
            Class indices in 0..n_classes - 1.
        sample_weight : array-like of shape (n_samples,), default=None

        Returns
        -------
        whitened : LazyRows of shape (n_samples, n_features)
            They are computed when they are read.
        """
        rows, codes, weight = _check_samples(features, y, len(self.weight), sample_weight)
        moments = ClassMoments(*self.weight.shape)
        moments.update(rows, codes.numpy(), _as_pictures(weight.numpy()))
        shift, whitening = _whitening(moments, self.shrinkage)
        self.shift.copy_(torch.from_numpy(shift))
        self.whitening.copy_(torch.from_numpy(whitening))

        def read(index):
            return self.whiten(torch.from_numpy(rows[index]).to(self.shift)).detach().cpu().numpy()

        return LazyRows(rows.shape, self.shift.cpu().numpy().dtype, read)

    def whiten(self, features: Tensor) -> Tensor:
        """Return the whitened features, ``(B, n_features) -> (B, n_features)``."""
        return F.linear(features - self.shift, self.whitening)

    def prepared(self, features: Tensor) -> Tensor:
        """Return whitened features of length 1, ``(B, n_features) -> (B, n_features)``."""
        return normalize(self.whiten(features))


def _as_pictures(weight: np.ndarray) -> np.ndarray:
    """Weights, scaled up where they count for fewer pictures than they say as much as.

    The latter number is sum(w)^2 / sum(w^2), the effective sample size of Kish, "Survey Sampling",
    Wiley, 1965.
    """
    if not weight.any() or weight.min() == weight.max() >= 1:
        return weight
    scaled = weight / weight.max()  # squares of tiny weights would be zero
    effective = scaled.sum() ** 2 / np.sum(scaled**2)
    return scaled * (max(weight.sum(), effective) / scaled.sum())


def _whitening(moments: ClassMoments, shrinkage: float | str) -> tuple[np.ndarray, np.ndarray]:
    """The mean of the class means, and the root of the inverse of the shrunk covariance."""
    known, n = moments.count > 0, moments.count.sum()
    means, n_features = moments.mean[known], moments.mean.shape[1]
    if not n:
        return np.zeros(n_features), np.eye(n_features)
    average = np.trace(moments.scatter) / n / n_features
    # Where each class has one picture, or all of its pictures are the same, nothing is known.
    if average <= np.finfo(np.float32).eps * np.vdot(means, means) / means.size:
        return means.mean(0), np.eye(n_features)
    covariance, _ = shrunk_covariance(moments, shrinkage)
    values, vectors = eigh(covariance)
    values = values.clip(np.finfo(np.float32).eps * values[-1])  # without shrinkage, some are zero
    return means.mean(0), (vectors / np.sqrt(values)) @ vectors.T
