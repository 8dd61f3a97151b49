"""Scaled dot-product attention, with a backward for CPUs."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn import functional as F

from ..._compute._torch import softmax_backward


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Scaled dot-product attention of ``(n, heads, tokens, d)``."""
    if q.device.type == "cpu" and q.dtype == torch.bfloat16:
        return _Attend.apply(q, k, v)
    return F.scaled_dot_product_attention(q, k, v)


def with_prefix(
    attention: nn.Module, k: torch.Tensor, v: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return keys and values, with those of the attention's module ``prefix`` if it has one."""
    return attention.prefix(k, v) if hasattr(attention, "prefix") else (k, v)


def require_no_prefix(attention: nn.Module) -> None:
    """Raise if an attention has a prefix, where it is about to be computed by another library.

    Raises
    ------
    ValueError
        If it has one, which would be lost.
    """
    if hasattr(attention, "prefix"):
        raise ValueError("an attention with a Prefix takes no mask, and gives no weights")


class _Attend(torch.autograd.Function):
    """Attention with the forward of torch, and a backward that is made of matrix products.

    In bfloat16 on CPUs torch's fused backward converts every tile to float32, which takes
    about twice as long as to compute the attention weights again and multiply in bfloat16.
    """

    @staticmethod
    def forward(ctx, q, k, v):
        ctx.save_for_backward(q, k, v)
        return F.scaled_dot_product_attention(q, k, v)

    @staticmethod
    def backward(ctx, gradient):
        q, k, v = (t.flatten(0, 1) for t in ctx.saved_tensors)
        shape, gradient = gradient.shape[:2], gradient.flatten(0, 1)
        q = q * q.shape[-1] ** -0.5
        weights = torch.bmm(q, k.transpose(1, 2)).softmax(-1)
        grad_v = torch.bmm(weights.transpose(1, 2), gradient)
        grad_weights = torch.bmm(gradient, v.transpose(1, 2))
        scores = softmax_backward(grad_weights, weights)
        grad_q = torch.bmm(scores, k) * q.shape[-1] ** -0.5
        grad_k = torch.bmm(scores.transpose(1, 2), q)
        return tuple(g.unflatten(0, shape) for g in (grad_q, grad_k, grad_v))
