"""Class-balanced cross-entropy."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._base import Loss
from ._recipe import LossRecipe

__all__ = ["ClassBalanced"]


@dataclass(repr=False, eq=False)
class ClassBalanced(LossRecipe):
    r"""Cross-entropy weighted by the inverse effective number of samples.

    .. math:: c_k \propto \frac{1 - \beta}{1 - \beta^{n_k}}

    divided by their mean. The batch mean is weighted: ``sum_i c_yi l_i / sum_i c_yi``.

    Parameters
    ----------
    beta : float, default=0.9999
        In [0, 1). 0 is the cross-entropy; towards 1, the weights tend to 1 / n_k.
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

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

    beta: float = 0.9999

    def _loss(self, class_counts, head) -> ClassBalancedLoss:
        beta = check_real(self.beta, "beta", minimum=0, maximum=1, include_boundaries="left")
        return ClassBalancedLoss(class_counts, beta)


class ClassBalancedLoss(Loss):
    """Module of :class:`ClassBalanced`."""

    def __init__(self, class_counts, beta: float) -> None:
        super().__init__(class_counts)
        self.beta = beta

    def class_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weights, of mean 1 over the classes that have samples, ``(n_classes,)``."""
        log_beta = math.log(self.beta) if self.beta else -math.inf
        # expm1, because 1 - beta^n loses its digits in float32 when n is small
        effective_number = -torch.expm1(self.counts_of_present(dtype) * log_beta)
        return self.divide_by_mean((1 - self.beta) / effective_number)
