"""Cross-entropy weighted by a power of the class prior."""

from __future__ import annotations

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._base import Loss, keep_largest
from ._recipe import LossRecipe

__all__ = ["GeneralizedReweight"]


class GeneralizedReweight(LossRecipe):
    r"""Cross-entropy weighted by a power of the inverse class prior.

    .. math:: c_k \propto \pi_k^{-\rho}

    divided by their mean. The batch mean is weighted: ``sum_i c_yi l_i / sum_i c_yi``.

    Parameters
    ----------
    rho : float, default=1.0
        Exponent, >= 0. 0 is the cross-entropy, 1 the inverse frequency.
    top_fraction : float, default=1.0
        Fraction of each batch whose losses count, in (0, 1]: the largest ones.

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

    def __init__(self, rho: float = 1.0, top_fraction: float = 1.0) -> None:
        self.rho = rho
        self.top_fraction = top_fraction

    def build(self, class_counts, head=None) -> GeneralizedReweightLoss:
        """Return the loss module.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Training samples per class.
        head : ignored
            Present for the common interface.

        Returns
        -------
        loss : GeneralizedReweightLoss
            Called as ``loss(logits, target, sample_weight=None)``.

        Raises
        ------
        ValueError
            If `rho` is negative or not finite.
        """
        return keep_largest(
            GeneralizedReweightLoss(class_counts, check_real(self.rho, "rho", minimum=0)),
            self.top_fraction,
        )


class GeneralizedReweightLoss(Loss):
    """Module of `GeneralizedReweight`."""

    def __init__(self, class_counts, rho: float) -> None:
        super().__init__(class_counts)
        self.rho = rho

    def class_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weights, of mean 1 over the classes that have samples, ``(n_classes,)``."""
        counts = self.counts_of_present(dtype)
        # Relative to the rarest class, no power overflows; the mean cancels the constant.
        return self.divide_by_mean((counts.min() / counts) ** self.rho)
