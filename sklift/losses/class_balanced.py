"""Class-balanced cross-entropy."""

from __future__ import annotations

import math

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._base import Loss, keep_largest
from ._recipe import LossRecipe

__all__ = ["ClassBalanced"]


class ClassBalanced(LossRecipe):
    r"""Cross-entropy weighted by the inverse effective number of samples.

    .. math:: c_k \propto \frac{1 - \beta}{1 - \beta^{n_k}}

    divided by their mean. The batch mean is weighted: ``sum_i c_yi l_i / sum_i c_yi``.

    Parameters
    ----------
    beta : float, default=0.9999
        In [0, 1). 0 is the cross-entropy; towards 1, the weights tend to 1 / n_k.
    top_fraction : float, default=1.0
        Fraction of each batch whose losses count, in (0, 1]: the largest ones.

    References
    ----------
    Cui, Jia, Lin, Song, Belongie, "Class-Balanced Loss Based on Effective Number of Samples",
    CVPR 2019, arXiv 1901.05555.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import ClassBalanced
    >>> loss = ClassBalanced(beta=0.9).build([90, 10])
    >>> loss.class_weight(torch.float32)
    tensor([0.7889, 1.2111])
    """

    def __init__(self, beta: float = 0.9999, top_fraction: float = 1.0) -> None:
        self.beta = beta
        self.top_fraction = top_fraction

    def build(self, class_counts, head=None) -> ClassBalancedLoss:
        """Return the loss module.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Training samples per class.
        head : ignored
            Present for the common interface.

        Returns
        -------
        loss : ClassBalancedLoss
            Called as ``loss(logits, target, sample_weight=None)``.

        Raises
        ------
        ValueError
            If `beta` is not in [0, 1).
        """
        beta = check_real(self.beta, "beta", minimum=0, maximum=1, include_boundaries="left")
        return keep_largest(ClassBalancedLoss(class_counts, beta), self.top_fraction)


class ClassBalancedLoss(Loss):
    """Module of `ClassBalanced`."""

    def __init__(self, class_counts, beta: float) -> None:
        super().__init__(class_counts)
        self.beta = beta

    def class_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weights, of mean 1 over the classes that have samples, ``(n_classes,)``."""
        log_beta = math.log(self.beta) if self.beta else -math.inf
        # expm1, because 1 - beta^n loses its digits in float32 when n is small
        effective_number = -torch.expm1(self.counts_of_present(dtype) * log_beta)
        return self.divide_by_mean((1 - self.beta) / effective_number)
