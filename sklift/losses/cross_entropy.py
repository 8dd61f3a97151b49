"""Cross-entropy."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from ._base import Loss

__all__ = ["CrossEntropy"]


class CrossEntropy(BaseEstimator):
    r"""Cross-entropy, blind to the class frequencies: the baseline.

    .. math:: l(z, y) = -\log \frac{e^{z_y}}{\sum_k e^{z_k}}

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import CrossEntropy
    >>> loss = CrossEntropy().build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """

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
        return Loss(class_counts)
