"""Gradient of a cross-entropy in closed form."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ._base import Loss
from ._reduction import WeightedMean

__all__ = ["ClosedGradient", "has_closed_gradient"]


def has_closed_gradient(loss: nn.Module) -> bool:
    """Return whether a loss is a weighted mean of cross-entropies of shifted logits.

    One with trained parameters is not.
    """
    if not isinstance(loss, Loss) or any(True for _ in loss.parameters()):
        return False
    ours = (Loss.forward, Loss.per_sample)
    methods = (getattr(method, "__func__", None) for method in (loss.forward, loss.per_sample))
    return tuple(methods) == ours and type(loss.reduction) is WeightedMean


class ClosedGradient:
    r"""Value and gradient of a loss, without a graph.

    With weights w and logits z + a, where a is the shift of the loss, the gradient is
    :math:`w_i \, (\mathrm{softmax}(z_i + a)_k - [k = y_i]) / \sum_j w_j`.

    Parameters
    ----------
    loss : Loss
        One for which :func:`has_closed_gradient` is true, and which does not change.
    dtype : torch.dtype
        The type of the logits, float32 or float64.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import CrossEntropy
    >>> from sklift.losses._gradient import ClosedGradient
    >>> closed = ClosedGradient(CrossEntropy().build([1, 1]), torch.float32)
    >>> closed(torch.tensor([[0.0, 1.0]]), torch.tensor([1]))
    (0.3132..., tensor([[ 0.2689, -0.2689]]))
    """

    def __init__(self, loss: Loss, dtype: torch.dtype) -> None:
        self._loss, self._dtype = loss, dtype
        self._shift = loss.shift(dtype)
        self._is_plain_mean = loss.is_plain_mean()

    def __call__(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> tuple[float, Tensor]:
        """Return the loss of a batch, and the gradient of the logits.

        Parameters
        ----------
        logits, target, sample_weight
            See :meth:`Loss.forward`.
        """
        shifted = logits if self._shift is None else logits + self._shift
        gradient = shifted.log_softmax(1)
        at_target = target[:, None]
        known = gradient.gather(1, at_target)  # log-probabilities of the labels
        share: Tensor | float
        if sample_weight is None and self._is_plain_mean:
            share = 1 / max(1, known.shape[0])
            value = -known.sum().item() * share
        else:
            weights = self._loss.weights(target, sample_weight, self._dtype)[:, None]
            share = weights / weights.sum().clamp_min(torch.finfo(torch.float32).tiny)
            value = -(share * known).sum().item()
        gradient.exp_().scatter_(1, at_target, known.expm1_()).mul_(share)
        return value, gradient
