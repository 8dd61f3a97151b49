"""A plain function as a loss."""

from __future__ import annotations

from collections.abc import Callable

from ._function import FunctionLoss
from ._recipe import LossRecipe

__all__ = ["CallableLoss"]


class CallableLoss(LossRecipe):
    """Recipe around a function of logits and targets.

    The mix of classes that the function assumes is not known: ``implied_prior`` is the mix of the
    training data, as for the cross-entropy. The function sees the batch as a whole, so it has no
    ``top_fraction``.

    Parameters
    ----------
    function : callable
        ``function(logits, target) -> scalar``, with logits (B, n_classes) in at least float32 and
        target (B,). Sample weights are passed on if it has a parameter ``sample_weight``.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import CallableLoss
    >>> loss = CallableLoss(torch.nn.functional.cross_entropy).build([90, 10])
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))
    tensor(0.6931)
    """

    def __init__(self, function: Callable) -> None:
        self.function = function

    def _loss(self, class_counts, head) -> FunctionLoss:
        return FunctionLoss(class_counts, self.function)
