"""Cross-entropy."""

from __future__ import annotations

from dataclasses import dataclass

from ._base import Loss
from ._recipe import LossRecipe

__all__ = ["CrossEntropy"]


@dataclass(repr=False, eq=False)
class CrossEntropy(LossRecipe):
    r"""Cross-entropy, blind to the class frequencies: the baseline.

    .. math:: l(z, y) = -\log \frac{e^{z_y}}{\sum_k e^{z_k}}

    Parameters
    ----------
    top_fraction, top_smoothing : float
        Which losses of a batch count: all by default, see :class:`LossRecipe`.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import CrossEntropy
    >>> loss = CrossEntropy().build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """

    def _loss(self, class_counts, head) -> Loss:
        return Loss(class_counts)
