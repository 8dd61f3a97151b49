"""Cross-entropy."""

from __future__ import annotations

from ._base import Loss, keep_largest
from ._recipe import LossRecipe

__all__ = ["CrossEntropy"]


class CrossEntropy(LossRecipe):
    r"""Cross-entropy, blind to the class frequencies: the baseline.

    .. math:: l(z, y) = -\log \frac{e^{z_y}}{\sum_k e^{z_k}}

    Parameters
    ----------
    top_fraction : float, default=1.0
        Fraction of each batch whose losses count, in (0, 1]: the largest ones.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import CrossEntropy
    >>> loss = CrossEntropy().build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """

    def __init__(self, top_fraction: float = 1.0) -> None:
        self.top_fraction = top_fraction

    def build(self, class_counts, head=None) -> Loss:
        """Return the loss module.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Training samples per class.
        head : ignored
            Present for the common interface.

        Returns
        -------
        loss : Loss
            Called as ``loss(logits, target, sample_weight=None)``.
        """
        return keep_largest(Loss(class_counts), self.top_fraction)
