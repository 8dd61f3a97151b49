"""Gradient of a cross-entropy in closed form."""

from __future__ import annotations

import torch
from torch import Tensor

from ._base import Loss
from ._numerics import positive, precision
from ._reduction import WeightedMean

__all__ = ["has_closed_gradient", "loss_and_gradient"]


def has_closed_gradient(loss: Loss) -> bool:
    """Return whether a loss is a weighted mean of cross-entropies of shifted logits."""
    ours = (Loss.forward, Loss.per_sample)
    methods = (getattr(method, "__func__", None) for method in (loss.forward, loss.per_sample))
    return tuple(methods) == ours and type(loss.reduction) is WeightedMean


def loss_and_gradient(
    loss: Loss, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    r"""Return a loss and its gradient, without a graph.

    With weights w and logits z + a, of the shift a, the gradient is
    :math:`w_i \, (\mathrm{softmax}(z_i + a)_k - [k = y_i]) / \sum_j w_j`.

    Parameters
    ----------
    loss : Loss
        One for which :func:`has_closed_gradient` is true.
    logits, target, sample_weight
        See :meth:`Loss.forward`.

    Returns
    -------
    value : Tensor of shape ()
        The loss.
    gradient : Tensor of shape (B, n_classes)
        That of the logits.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import CrossEntropy
    >>> from sklift.losses._gradient import loss_and_gradient
    >>> loss_and_gradient(CrossEntropy().build([1, 1]), torch.zeros(1, 2), torch.tensor([0]))
    (tensor(0.6931), tensor([[-0.5000,  0.5000]]))
    """
    dtype = precision(logits)
    shift = loss.shift(dtype)
    logs = torch.log_softmax(logits.to(dtype) if shift is None else logits + shift, 1)
    at_target = target[:, None]
    known = logs.gather(1, at_target)  # log-probabilities of the labels
    if sample_weight is None and loss.is_plain_mean():
        share: Tensor | float = 1 / max(1, len(target))
        value = -known.sum() / max(1, len(target))
    else:
        weights = loss.weights(target, sample_weight, dtype)[:, None]
        total = positive(weights.sum())
        share = weights / total
        value = -(weights * known).sum() / total
    gradient = logs.exp_().mul_(share)
    gradient.scatter_(1, at_target, known.expm1_().mul_(share))  # p - 1, without cancellation
    return value, gradient.to(logits.dtype)
