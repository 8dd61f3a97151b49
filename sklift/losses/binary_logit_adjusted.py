"""Logit-adjusted binary cross-entropy of each label."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._multilabel import MultilabelLoss, MultilabelLossRecipe, binary_cross_entropy

__all__ = ["BinaryLogitAdjusted"]


@dataclass(repr=False, eq=False)
class BinaryLogitAdjusted(MultilabelLossRecipe):
    r"""Binary cross-entropy of logits shifted by the log-odds of their labels.

    .. math:: l(z_k, y_k) = \mathrm{BCE}\!\left(
        z_k + \tau \log \frac{\pi_k}{1 - \pi_k}, \; y_k\right)

    with :math:`\pi_k` the share of the training pictures that have label k. The logit adjustment of
    the softmax, label by label: with tau = 1, z by itself is the evidence for a label that half of
    the pictures have, and a rare label need not be learned against its rarity.

    Parameters
    ----------
    tau : float, default=1.0
        Strength of the adjustment, >= 0. 0 is the binary cross-entropy.

    References
    ----------
    Menon, Jayasumana, Rawat, Jain, Veit, Kumar, "Long-Tail Learning via Logit Adjustment",
    ICLR 2021, arXiv 2007.07314, for one label a picture.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import BinaryLogitAdjusted
    >>> loss = BinaryLogitAdjusted(tau=1.0).build([50, 10], n_samples=100)
    >>> loss.adjustment()
    tensor([ 0.0000, -2.1972])
    >>> loss(torch.zeros(1, 2), torch.tensor([[1, 1]]))  # -log(0.5) - log(0.1)
    tensor(2.9957)
    """

    tau: float = 1.0

    def build(self, label_counts, n_samples, head=None) -> BinaryLogitAdjustedLoss:
        """Return the loss module, see :meth:`MultilabelLossRecipe.build`."""
        tau = check_real(self.tau, "tau", minimum=0)
        return BinaryLogitAdjustedLoss(label_counts, n_samples, tau)


class BinaryLogitAdjustedLoss(MultilabelLoss):
    """Module of :class:`BinaryLogitAdjusted`."""

    def __init__(self, label_counts, n_samples, tau: float) -> None:
        super().__init__(label_counts, n_samples)
        self.tau = tau

    def per_label(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return ``BCE(z + tau log-odds, y)``, ``(B, K), (B, K) -> (B, K)``."""
        return binary_cross_entropy(logits + self.adjustment(logits.dtype), target)

    def adjustment(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return tau times the log-odds, ``(n_labels,)``."""
        return self.tau * self.log_odds(dtype)
