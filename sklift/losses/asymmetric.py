"""Asymmetric loss of each label."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from .._core._recipes import check_real
from ._multilabel import MultilabelLoss, MultilabelLossRecipe
from ._numerics import positive

__all__ = ["Asymmetric"]


@dataclass(repr=False, eq=False)
class Asymmetric(MultilabelLossRecipe):
    r"""Focal loss that fades faster for absent labels than for present ones.

    .. math::

        l(z, y) = -y \, (1 - p)^{\gamma_+} \log p - (1 - y) \, p_m^{\gamma_-} \log (1 - p_m),
        \qquad p = \sigma(z), \quad p_m = \max(p - m, 0)

    Most labels are absent from most pictures: those with a probability below m count nothing, and
    those slightly above it little. The minimum is not at the probabilities of the labels but above
    them, so that ``thresholds`` should be chosen for it.

    Parameters
    ----------
    gamma_negative : float, default=4.0
        Focusing exponent of absent labels, >= 0.
    gamma_positive : float, default=0.0
        Focusing exponent of present labels, >= 0. The authors' code has 1.
    margin : float, default=0.05
        m, in [0, 1): the probability below which an absent label does not count.

    References
    ----------
    Ridnik, Ben-Baruch, Zamir, Noy, Friedman, Protter, Zelnik-Manor, "Asymmetric Loss For
    Multi-Label Classification", ICCV 2021, arXiv 2009.14119.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import Asymmetric
    >>> loss = Asymmetric().build([50, 10], n_samples=100)
    >>> loss(torch.tensor([[0.0, -3.0]]), torch.tensor([[1, 0]]))  # the second is below m
    tensor(0.6931)
    """

    gamma_negative: float = 4.0
    gamma_positive: float = 0.0
    margin: float = 0.05

    def build(self, label_counts, n_samples, head=None) -> AsymmetricLoss:
        """Return the loss module, see :meth:`MultilabelLossRecipe.build`."""
        return AsymmetricLoss(
            label_counts,
            n_samples,
            check_real(self.gamma_negative, "gamma_negative", minimum=0),
            check_real(self.gamma_positive, "gamma_positive", minimum=0),
            check_real(self.margin, "margin", minimum=0, maximum=1, include_boundaries="left"),
        )


class AsymmetricLoss(MultilabelLoss):
    """Module of :class:`Asymmetric`."""

    def __init__(
        self, label_counts, n_samples, gamma_negative: float, gamma_positive: float, margin: float
    ) -> None:
        super().__init__(label_counts, n_samples)
        self.gamma_negative = gamma_negative
        self.gamma_positive = gamma_positive
        self.margin = margin

    def per_label(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the focal loss with both exponents, ``(B, K), (B, K) -> (B, K)``."""
        absent = logits.neg().sigmoid()
        present = -F.logsigmoid(logits)
        # The slope of x^gamma at x = 0 is infinite for gamma < 1: a certain label gave NaN.
        present = _power(absent, self.gamma_positive) * present
        if not self.margin:
            missing = _power(logits.sigmoid(), self.gamma_negative) * F.softplus(logits)
        else:
            left = (absent + self.margin).clamp_max(1)  # 1 - p_m, exact where p is about 1
            missing = _power(1 - left, self.gamma_negative) * -left.log()
        return target * present + (1 - target) * missing


def _power(values: Tensor, gamma: float) -> Tensor | float:
    return positive(values) ** gamma if gamma else 1.0
