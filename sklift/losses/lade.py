"""Label distribution disentangling loss."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .._core._recipes import check_real
from ._numerics import positive, precision
from ._recipe import LossRecipe
from .logit_adjusted import LogitAdjustedLoss

__all__ = ["LADE"]


@dataclass(repr=False, eq=False)
class LADE(LossRecipe):
    r"""Balanced softmax plus a term that takes the class prior out of the logits.

    .. math::

        L = \mathrm{CE}(z + \log \pi, y) + \alpha E, \qquad
        E = -\sum_k \pi_k (a_k - b_k - \lambda b_k^2)

        a_k = \frac{\sum_i w_i [y_i = k] z_{ik}}{\sum_i w_i [y_i = k]}, \qquad
        b_k = \log \frac{\sum_i w_i \, e^{z_{ik} - \log \pi_k - \log K}}{\sum_i w_i}

    E is the regularised Donsker-Varadhan estimate over the batch (a_k = 0 for a class that the
    batch lacks), with sample weights w, 1 by default; it couples the samples of a batch.
    ``implied_prior`` is uniform, as for the balanced softmax: exact for alpha = 0, and an
    approximation else, since E pulls the logits a little towards the training mix.

    Parameters
    ----------
    remine_weight : float, default=0.1
        lambda, the weight of the squared term, >= 0.
    estimation_weight : float, default=0.1
        alpha, the weight of E, >= 0. 0 is the balanced softmax.
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

    References
    ----------
    Hong, Han, Choi, Seo, Kim, Chang, "Disentangling Label Distribution for Long-tailed Visual
    Recognition", CVPR 2021, arXiv 2012.00321.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import LADE
    >>> loss = LADE().build([90, 10])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))
    tensor(1.1729)
    """

    remine_weight: float = 0.1
    estimation_weight: float = 0.1

    def _loss(self, class_counts, head) -> LADELoss:
        return LADELoss(
            class_counts,
            check_real(self.remine_weight, "remine_weight", minimum=0),
            check_real(self.estimation_weight, "estimation_weight", minimum=0),
        )


class LADELoss(LogitAdjustedLoss):
    """Module of :class:`LADE`."""

    def __init__(self, class_counts, remine_weight: float, estimation_weight: float) -> None:
        super().__init__(class_counts)
        self.remine_weight = remine_weight
        self.estimation_weight = estimation_weight

    @property
    def couples_samples(self) -> bool:
        """True: the estimate runs over the batch."""
        return True

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the loss of the batch, ``(B, n_classes), (B,), (B,) -> ()``."""
        loss = super().forward(logits, target, sample_weight)
        return loss + self.estimation_weight * self.estimation(logits, target, sample_weight)

    def estimation(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the term E of the batch, ``(B, n_classes), (B,), (B,) -> ()``."""
        logits = logits.to(precision(logits))
        weights = self.weights(target, sample_weight, logits.dtype)
        prior, n_classes = self.prior(logits.dtype), logits.shape[1]

        members = F.one_hot(target, n_classes) * weights[:, None]
        # The small constants are those of the authors: they keep empty classes finite.
        first = (members * logits).sum(0) / (members.sum(0) + 1e-8)
        balanced = logits - (prior + 1e-9).log() + math.log(1 / n_classes + 1e-9)
        log_weights = positive(weights).log()[:, None]
        second = (balanced + log_weights).logsumexp(0) - positive(weights.sum()).log()
        return -torch.sum(prior * (first - second - self.remine_weight * second**2))
