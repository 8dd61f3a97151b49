"""Distribution-balanced loss of each label."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from .._core._recipes import check_real
from ._multilabel import MultilabelLoss, MultilabelLossRecipe

__all__ = ["DistributionBalanced"]


@dataclass(repr=False, eq=False)
class DistributionBalanced(MultilabelLossRecipe):
    r"""Binary cross-entropy, weighted against frequent company and lenient with absent labels.

    .. math::

        l(z_k, y_k) = \hat{r}_k \left[ y_k \log(1 + e^{-u_k}) + \frac{1 - y_k}{\lambda}
        \log(1 + e^{\lambda u_k}) \right], \qquad
        u_k = z_k + \kappa \log \frac{\pi_k}{1 - \pi_k}

        \hat{r}_k = \alpha + \sigma(\beta (r_k - \mu)), \qquad
        r_k = \frac{1 / n_k}{\sum_{j: y_j = 1} 1 / n_j}

    r is the chance to draw a picture for its label k alone, by that for any of its labels, if every
    label is drawn equally often. The map to :math:`\hat{r}` keeps it within :math:`\alpha` and
    :math:`\alpha + 1`. A picture without labels is weighted as one whose only label is k. With
    :math:`\lambda > 1`, an absent label with a low logit counts less, so that the many absent ones
    do not push the rare labels down.

    Parameters
    ----------
    alpha : float, default=0.1
        Least weight, >= 0.
    beta : float, default=10.0
        Steepness of the map of the weights, > 0.
    mu : float, default=0.2
        The r in the middle of the map. The authors have 0.2 for COCO and 0.3 for VOC.
    negative_scale : float, default=2.0
        :math:`\lambda`, > 0. 1 is the binary cross-entropy.
    kappa : float, default=0.05
        Strength of the logit adjustment, >= 0.

    References
    ----------
    Wu, Huang, Liu, Wang, Lin, "Distribution-Balanced Loss for Multi-Label Classification in
    Long-Tailed Datasets", ECCV 2020, arXiv 2007.09654.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import DistributionBalanced
    >>> loss = DistributionBalanced().build([50, 10], n_samples=100)
    >>> loss.rebalancing(torch.tensor([[1.0, 0.0], [1.0, 1.0]]))
    tensor([[1.0997, 1.1000],
            [0.5174, 1.0982]])
    """

    alpha: float = 0.1
    beta: float = 10.0
    mu: float = 0.2
    negative_scale: float = 2.0
    kappa: float = 0.05

    def build(self, label_counts, n_samples, head=None) -> DistributionBalancedLoss:
        """Return the loss module, see :meth:`MultilabelLossRecipe.build`."""
        loss = DistributionBalancedLoss(label_counts, n_samples)
        loss.alpha = check_real(self.alpha, "alpha", minimum=0)
        loss.beta = check_real(self.beta, "beta", minimum=0, include_boundaries="neither")
        loss.mu = check_real(self.mu, "mu", minimum=0)
        loss.negative_scale = check_real(
            self.negative_scale, "negative_scale", minimum=0, include_boundaries="neither"
        )
        loss.kappa = check_real(self.kappa, "kappa", minimum=0)
        return loss


class DistributionBalancedLoss(MultilabelLoss):
    """Module of :class:`DistributionBalanced`."""

    alpha: float
    beta: float
    mu: float
    negative_scale: float
    kappa: float

    def per_label(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the weighted loss, ``(B, K), (B, K) -> (B, K)``."""
        adjusted, scale = logits + self.adjustment(logits.dtype), self.negative_scale
        present, absent = F.softplus(-adjusted), F.softplus(scale * adjusted) / scale
        return self.rebalancing(target) * (target * present + (1 - target) * absent)

    def rebalancing(self, target: Tensor) -> Tensor:
        """Return the weight of each label of each picture, ``(B, K) -> (B, K)``."""
        drawn = 1 / self.label_counts.to(target.dtype).clamp_min(0.5)
        together = target @ drawn
        together = torch.where(together > 0, together, 1)[:, None]
        ratio = torch.where((target > 0).any(1, keepdim=True), drawn / together, 1)
        return self.alpha + (self.beta * (ratio - self.mu)).sigmoid()

    def adjustment(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return kappa times the log-odds, ``(n_labels,)``."""
        return self.kappa * self.log_odds(dtype)
