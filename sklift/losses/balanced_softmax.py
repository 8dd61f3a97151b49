"""Balanced softmax."""

from __future__ import annotations

from ._base import keep_largest
from ._recipe import LossRecipe
from .logit_adjusted import LogitAdjustedLoss

__all__ = ["BalancedSoftmax"]


class BalancedSoftmax(LossRecipe):
    r"""Cross-entropy of a softmax weighted by the class counts.

    .. math:: l(z, y) = -\log \frac{n_y e^{z_y}}{\sum_k n_k e^{z_k}} = \mathrm{CE}(z + \log \pi, y)

    The same loss as ``LogitAdjusted(tau=1)``, under the name of the paper that derived it from
    Bayes' rule.

    Parameters
    ----------
    top_fraction : float, default=1.0
        Fraction of each batch whose losses count, in (0, 1]: the largest ones.

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

    def __init__(self, top_fraction: float = 1.0) -> None:
        self.top_fraction = top_fraction

    def build(self, class_counts, head=None) -> LogitAdjustedLoss:
        """Return the loss module.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Training samples per class.
        head : ignored
            Present for the common interface.

        Returns
        -------
        loss : LogitAdjustedLoss
            Called as ``loss(logits, target, sample_weight=None)``.
        """
        return keep_largest(LogitAdjustedLoss(class_counts), self.top_fraction)
