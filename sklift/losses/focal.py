"""Focal loss."""

from __future__ import annotations

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._base import Loss, cross_entropy, keep_largest, positive
from ._recipe import LossRecipe

__all__ = ["Focal"]


class Focal(LossRecipe):
    r"""Cross-entropy that fades for samples which are already well classified.

    .. math:: l(z, y) = (1 - p_y)^\gamma \, (-\log p_y), \qquad p = \mathrm{softmax}(z)

    For gamma > 0 its minimum is not at the class probabilities but at flatter ones:
    `implied_prior`, the mix of the training data, is then an approximation.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing exponent, >= 0. 0 is the cross-entropy.
    top_fraction : float, default=1.0
        Fraction of each batch whose losses count, in (0, 1]: the largest ones.

    References
    ----------
    Lin, Goyal, Girshick, He, Dollar, "Focal Loss for Dense Object Detection", ICCV 2017,
    arXiv 1708.02002.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import Focal
    >>> loss = Focal(gamma=2.0).build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.1733)
    """

    def __init__(self, gamma: float = 2.0, top_fraction: float = 1.0) -> None:
        self.gamma = gamma
        self.top_fraction = top_fraction

    def build(self, class_counts, head=None) -> FocalLoss:
        """Return the loss module.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Training samples per class.
        head : ignored
            Present for the common interface.

        Returns
        -------
        loss : FocalLoss
            Called as ``loss(logits, target, sample_weight=None)``.

        Raises
        ------
        ValueError
            If `gamma` is negative or not finite.
        """
        return keep_largest(
            FocalLoss(class_counts, check_real(self.gamma, "gamma", minimum=0)), self.top_fraction
        )


class FocalLoss(Loss):
    """Module of `Focal`."""

    def __init__(self, class_counts, gamma: float) -> None:
        super().__init__(class_counts)
        self.gamma = gamma

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return ``(1 - p_y)^gamma CE(z, y)``, ``(B, K), (B,) -> (B,)``."""
        loss = cross_entropy(logits, target)
        # The slope of x^gamma at x = 0 is infinite for gamma < 1: a certain sample gave NaN.
        error = positive(-torch.expm1(-loss))
        return error**self.gamma * loss
