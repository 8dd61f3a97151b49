"""Binary cross-entropy of each label."""

from __future__ import annotations

from dataclasses import dataclass

from ._multilabel import MultilabelLoss, MultilabelLossRecipe

__all__ = ["BinaryCrossEntropy"]


@dataclass(repr=False, eq=False)
class BinaryCrossEntropy(MultilabelLossRecipe):
    r"""Binary cross-entropy of each label, blind to their frequencies: the baseline.

    .. math:: l(z, y) = -y \log \sigma(z) - (1 - y) \log \sigma(-z)

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import BinaryCrossEntropy
    >>> loss = BinaryCrossEntropy().build([50, 10], n_samples=100)
    >>> loss(torch.zeros(1, 2), torch.tensor([[1, 0]]))
    tensor(1.3863)
    """

    def build(self, label_counts, n_samples, head=None) -> MultilabelLoss:
        """Return the loss module, see :meth:`MultilabelLossRecipe.build`."""
        return MultilabelLoss(label_counts, n_samples)
