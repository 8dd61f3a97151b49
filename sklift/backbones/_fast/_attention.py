"""Attention of the towers' own weights, computed faster: the same numbers from the same tensors."""

from __future__ import annotations

import torch
from timm.layers.attention import Attention
from torch import nn
from torch.nn import functional as F


def use_fast_attention(tower: nn.Module) -> None:
    """Let the attentions of a tower compute as here, those that have nothing unusual."""
    for module in tower.modules():
        if type(module) is nn.MultiheadAttention and _is_plain(module):
            module.__class__ = PackedAttention
        elif type(module) is Attention and module.fused_attn:
            module.__class__ = FusedAttention


def attend(q: torch.Tensor, k: torch.Tensor, v: torch.Tensor) -> torch.Tensor:
    """Scaled dot-product attention of ``(n, heads, tokens, d)``."""
    if q.device.type == "cpu" and q.dtype == torch.bfloat16:
        return _Attend.apply(q, k, v)
    return F.scaled_dot_product_attention(q, k, v)


class _Attend(torch.autograd.Function):
    """torch's own forward, and a backward that is made of matrix products.

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
        scores = torch._softmax_backward_data(grad_weights, weights, -1, weights.dtype)
        grad_q = torch.bmm(scores, k) * q.shape[-1] ** -0.5
        grad_k = torch.bmm(scores.transpose(1, 2), q)
        return tuple(g.unflatten(0, shape) for g in (grad_q, grad_k, grad_v))


class PackedAttention(nn.MultiheadAttention):
    """Self-attention from one product with the packed weight, as open_clip's blocks call it.

    torch's own hands that product a transposed view, for which it copies the weight once for every
    token where a gradient flows.
    """

    def forward(self, query, key, value, need_weights=False, attn_mask=None, **kwargs):
        """``(n, tokens, width)`` -> (the same, None); queries may be the first tokens only."""
        if need_weights or attn_mask is not None or kwargs or key is not value:
            arguments = {"need_weights": need_weights, "attn_mask": attn_mask, **kwargs}
            return super().forward(query, key, value, **arguments)
        (weight, bias), width = self.packed(query), query.shape[-1]
        if query is key:
            q, k, v = self._heads(F.linear(query, weight, bias), 3)
        else:
            of_query, rest = (None, None) if bias is None else bias.split([width, 2 * width])
            (q,) = self._heads(F.linear(query, weight[:width], of_query), 1)
            k, v = self._heads(F.linear(key, weight[width:], rest), 2)
        x = attend(q, k, v).transpose(1, 2).flatten(2)
        return self.out_proj(x), None

    def packed(self, x: torch.Tensor):
        """Weight and bias of queries, keys and values, to compute with ``x``."""
        return self.in_proj_weight, self.in_proj_bias

    def _heads(self, x: torch.Tensor, n: int) -> tuple[torch.Tensor, ...]:
        """(n_images, tokens, n * width) -> n tensors (n_images, heads, tokens, d)."""
        return x.unflatten(2, (n, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


class FusedAttention(Attention):
    """Self-attention of timm's vision transformers."""

    def forward(self, x, attn_mask=None, **kwargs):
        """``(n, tokens, width)`` -> the same."""
        if attn_mask is not None or any(kwargs.values()) or self.training:
            return super().forward(x, attn_mask, **kwargs)
        return self.of_first(x, x.shape[1])

    def of_first(self, x: torch.Tensor, n_tokens: int) -> torch.Tensor:
        """What the first tokens gather from all, ``(n, n_tokens, width)``."""
        qkv = self.qkv(x).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.q_norm(q[:, :, :n_tokens]), self.k_norm(k)
        y = attend(q.to(v.dtype), k.to(v.dtype), v).transpose(1, 2).flatten(2)
        y = self.norm(y)
        if getattr(self, "gate", None) is not None:
            y = y * self.gate(x[:, :n_tokens]).sigmoid()
        return self.proj(y)


def _is_plain(attention: nn.MultiheadAttention) -> bool:
    return (
        attention.batch_first
        and attention._qkv_same_embed_dim
        and attention.bias_k is None
        and not attention.add_zero_attn
        and not attention.dropout
    )
