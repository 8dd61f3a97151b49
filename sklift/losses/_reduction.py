"""Reductions of the losses of a batch to one number."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ._numerics import positive

__all__ = ["LargestLosses", "SmoothedLargestLosses", "WeightedMean"]


class WeightedMean(nn.Module):
    r"""Weighted mean of all losses, :math:`\sum_i w_i l_i / \sum_i w_i`.

    Attributes
    ----------
    couples_samples : bool
        Whether the result is more than a weighted mean of terms of single samples. Only the
        gradient of such a mean can be put together from parts of a batch.
    """

    couples_samples = False

    def forward(self, losses: Tensor, weights: Tensor) -> Tensor:
        """Return the mean, ``(B,), (B,) -> ()``; zero if all weights are."""
        return (weights * losses).sum() / positive(weights.sum())


class LargestLosses(WeightedMean):
    """Weighted mean of the largest losses of a batch.

    Parameters
    ----------
    fraction : float
        Share of the samples that count, in (0, 1]; their number is rounded up.
    """

    couples_samples = True

    def __init__(self, fraction: float) -> None:
        super().__init__()
        self.fraction = fraction

    def forward(self, losses: Tensor, weights: Tensor) -> Tensor:
        """Return the mean of the largest losses, ``(B,), (B,) -> ()``."""
        # a sample without weight counts as absent: it must not take the place of another
        size = torch.where(weights > 0, losses.detach(), -torch.inf)
        kept = size.topk(math.ceil(self.fraction * len(size))).indices
        return super().forward(losses[kept], weights[kept])


class SmoothedLargestLosses(WeightedMean):
    r"""Mean of the losses above a trained threshold, which adapts to the largest ones.

    .. math::

        \frac{\sum_i w_i \, r(l_i - t)}{\sum_i w_i} + f t, \qquad
        r(x) = \tfrac{1}{2} \left(x + \sqrt{x^2 + d^2} - d\right)

    For d = 0, r is the hinge max(0, x), and the least value over t is f times the mean of the
    fraction f of largest losses. Given t, each sample has a term of its own: no batch need be
    sorted, nor be seen as a whole.

    Parameters
    ----------
    fraction : float
        f, the share of the weights whose losses are to be above the threshold, in (0, 1).
    width : float
        d, > 0: losses that are closer than this to the threshold count in part.

    Attributes
    ----------
    threshold : Parameter of shape ()
        t. It starts at 0, below all losses, so that training starts with all of them.
    """

    def __init__(self, fraction: float, width: float) -> None:
        super().__init__()
        self.fraction = fraction
        self.width = width
        self.threshold = nn.Parameter(torch.zeros(()))

    def forward(self, losses: Tensor, weights: Tensor) -> Tensor:
        """Return the sum of both terms, ``(B,), (B,) -> ()``; zero if all weights are."""
        excess = losses - self.threshold
        above = (excess + (excess**2 + self.width**2).sqrt() - self.width) / 2
        return super().forward(above + self.fraction * self.threshold, weights)
