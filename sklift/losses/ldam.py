"""Label-distribution-aware margin loss."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from .._core._recipes import check_real
from ._base import Loss
from ._numerics import cross_entropy, precision
from ._recipe import LossRecipe

__all__ = ["LDAM"]


@dataclass(repr=False, eq=False)
class LDAM(LossRecipe):
    r"""Cross-entropy with a margin that is larger for rarer classes.

    .. math:: l(z, y) = \mathrm{CE}(z - s \, m_y e_y, \; y), \qquad m_k \propto n_k^{-1/4}

    with e_y the unit vector of the true class. The logits already carry the scale s of a cosine
    head, so only the margin is multiplied by it. The margin keeps the softmax from being the class
    probabilities: ``implied_prior``, the mix of the training data, is an approximation.

    Parameters
    ----------
    max_margin : float, default=0.5
        Margin of the rarest class, as a difference of cosines, >= 0. 0 is the cross-entropy.
    scale : float, default=None
        s, > 0. None takes the ``scale`` of the head's recipe, and 1 for a head without one.
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

    References
    ----------
    Cao, Wei, Gaidon, Arechiga, Ma, "Learning Imbalanced Datasets with Label-Distribution-Aware
    Margin Loss", NeurIPS 2019, arXiv 1906.07413.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import LDAM
    >>> loss = LDAM(max_margin=0.5, scale=25).build([160, 10])
    >>> loss.margins(torch.float32)
    tensor([ 6.2500, 12.5000])
    """

    max_margin: float = 0.5
    scale: float | None = None

    def _loss(self, class_counts, head) -> LDAMLoss:
        max_margin = check_real(self.max_margin, "max_margin", minimum=0)
        scale = float(getattr(head, "scale", 1.0)) if self.scale is None else self.scale
        scale = check_real(scale, "scale", minimum=0, include_boundaries="neither")
        return LDAMLoss(class_counts, max_margin * scale)


class LDAMLoss(Loss):
    """Module of :class:`LDAM`; ``max_margin`` here includes the scale."""

    def __init__(self, class_counts, max_margin: float) -> None:
        super().__init__(class_counts)
        self.max_margin = max_margin

    def margins(self, dtype) -> Tensor:
        """Return the margin of each class, in units of the logits, ``(n_classes,)``."""
        counts = self.counts_of_present(dtype)
        return self.max_margin * (counts.min() / counts) ** 0.25

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return ``CE(z - margin of y at y, y)``, ``(B, K), (B,) -> (B,)``."""
        margins = self.margins(precision(logits))
        return cross_entropy(logits - F.one_hot(target, len(margins)) * margins, target)
