"""Logit-adjusted cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from .._core._recipes import check_real
from ._base import Loss
from ._numerics import normalised
from ._recipe import LossRecipe

__all__ = ["LogitAdjusted", "LogitAdjustedLoss"]


@dataclass(repr=False, eq=False)
class LogitAdjusted(LossRecipe):
    r"""Cross-entropy of logits shifted by the log class prior.

    .. math:: l(z, y) = \mathrm{CE}(z + \tau \log \pi, \; y)

    With tau = 1, softmax(z + log prior) is fitted to the long-tailed training data, so that z by
    itself estimates the class probabilities under a uniform prior. The shift exists in training
    only: prediction uses z.

    Parameters
    ----------
    tau : float, default=1.0
        Strength of the adjustment, >= 0. 0 is the cross-entropy.
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

    References
    ----------
    Menon, Jayasumana, Rawat, Jain, Veit, Kumar, "Long-Tail Learning via Logit Adjustment",
    ICLR 2021, arXiv 2007.07314.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import LogitAdjusted
    >>> loss = LogitAdjusted(tau=1.0).build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(2.3026)
    """

    tau: float = 1.0

    def _loss(self, class_counts, head) -> LogitAdjustedLoss:
        return LogitAdjustedLoss(class_counts, check_real(self.tau, "tau", minimum=0))


class LogitAdjustedLoss(Loss):
    """Module of :class:`LogitAdjusted`."""

    def __init__(self, class_counts, tau: float = 1.0) -> None:
        super().__init__(class_counts)
        self.tau = tau

    def shift(self, dtype: torch.dtype) -> Tensor:
        """Return ``tau log prior``, ``(n_classes,)``."""
        return self.tau * self.log_prior(dtype)

    def implied_prior(self, dtype: torch.dtype = torch.float32) -> Tensor:
        r"""Return :math:`q_k \propto \pi_k^{1 - \tau}`, ``(n_classes,)``: uniform for tau = 1.

        Exact; approximate with a ``top_fraction`` below 1. See :meth:`Loss.implied_prior`.
        """
        # As a softmax, no power overflows.
        return normalised(((1 - self.tau) * self.counts_of_present(dtype).log()).softmax(0))
