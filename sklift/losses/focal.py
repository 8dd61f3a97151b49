"""Focal loss."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._base import Loss
from ._numerics import cross_entropy, positive
from ._recipe import LossRecipe

__all__ = ["Focal"]


@dataclass(repr=False, eq=False)
class Focal(LossRecipe):
    r"""Cross-entropy that fades for samples which are already well classified.

    .. math:: l(z, y) = (1 - p_y)^\gamma \, (-\log p_y), \qquad p = \mathrm{softmax}(z)

    For gamma > 0 its minimum is not at the class probabilities but at flatter ones:
    ``implied_prior``, the mix of the training data, is then an approximation.

    Parameters
    ----------
    gamma : float, default=2.0
        Focusing exponent, >= 0. 0 is the cross-entropy.
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

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

    gamma: float = 2.0

    def _loss(self, class_counts, head) -> FocalLoss:
        return FocalLoss(class_counts, check_real(self.gamma, "gamma", minimum=0))


class FocalLoss(Loss):
    """Module of :class:`Focal`."""

    def __init__(self, class_counts, gamma: float) -> None:
        super().__init__(class_counts)
        self.gamma = gamma

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return ``(1 - p_y)^gamma CE(z, y)``, ``(B, K), (B,) -> (B,)``."""
        loss = cross_entropy(logits, target)
        # The slope of x^gamma at x = 0 is infinite for gamma < 1: a certain sample gave NaN.
        error = positive(-torch.expm1(-loss))
        return error**self.gamma * loss
