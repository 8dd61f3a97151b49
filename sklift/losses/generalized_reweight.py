"""Cross-entropy weighted by a power of the class prior."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._base import Loss
from ._recipe import LossRecipe

__all__ = ["GeneralizedReweight"]


@dataclass(repr=False, eq=False)
class GeneralizedReweight(LossRecipe):
    r"""Cross-entropy weighted by a power of the inverse class prior.

    .. math:: c_k \propto \pi_k^{-\rho}

    divided by their mean. The batch mean is weighted: ``sum_i c_yi l_i / sum_i c_yi``.

    Parameters
    ----------
    rho : float, default=1.0
        Exponent, >= 0. 0 is the cross-entropy, 1 the inverse frequency.
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

    References
    ----------
    Zhang, Li, Yan, He, Sun, "Distribution Alignment: A Unified Framework for Long-tail Visual
    Recognition", CVPR 2021, arXiv 2103.16370.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import GeneralizedReweight
    >>> loss = GeneralizedReweight(rho=1.0).build([90, 10])
    >>> loss.class_weight(torch.float32)
    tensor([0.2000, 1.8000])
    """

    rho: float = 1.0

    def _loss(self, class_counts, head) -> GeneralizedReweightLoss:
        return GeneralizedReweightLoss(class_counts, check_real(self.rho, "rho", minimum=0))


class GeneralizedReweightLoss(Loss):
    """Module of :class:`GeneralizedReweight`."""

    def __init__(self, class_counts, rho: float) -> None:
        super().__init__(class_counts)
        self.rho = rho

    def class_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weights, of mean 1 over the classes that have samples, ``(n_classes,)``."""
        counts = self.counts_of_present(dtype)
        # Relative to the rarest class, no power overflows; the mean cancels the constant.
        return self.divide_by_mean((counts.min() / counts) ** self.rho)
