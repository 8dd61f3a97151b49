"""Balanced softmax."""

from __future__ import annotations

from dataclasses import dataclass

from ._recipe import LossRecipe
from .logit_adjusted import LogitAdjustedLoss

__all__ = ["BalancedSoftmax"]


@dataclass(repr=False, eq=False)
class BalancedSoftmax(LossRecipe):
    r"""Cross-entropy of a softmax weighted by the class counts.

    .. math:: l(z, y) = -\log \frac{n_y e^{z_y}}{\sum_k n_k e^{z_k}} = \mathrm{CE}(z + \log \pi, y)

    The same loss as ``LogitAdjusted(tau=1)``, under the name of the paper that derived it from
    Bayes' rule.

    Parameters
    ----------
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

    References
    ----------
    Ren, Yu, Sheng, Ma, Zhao, Yi, Li, "Balanced Meta-Softmax for Long-Tailed Visual Recognition",
    NeurIPS 2020, arXiv 2007.10740.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import BalancedSoftmax
    >>> loss = BalancedSoftmax().build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(2.3026)
    """

    def _loss(self, class_counts, head) -> LogitAdjustedLoss:
        return LogitAdjustedLoss(class_counts)
