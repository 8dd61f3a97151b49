"""Faster attention with the weights of the towers: the same numbers from the same tensors."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.nn import functional as F

from ..._compute._speed_up import change_class, optional
from ..._compute._torch import is_packed
from .._towers import _timm
from ._attend import attend, require_no_prefix, with_prefix

_SLOWER = "the tower's attention is computed by its own modules, which may take longer"


def use_fast_attention(tower: nn.Module) -> None:
    """Change the plain attentions of a tower to the faster ones."""
    for module in tower.modules():
        with optional(_SLOWER):
            if type(module) is nn.MultiheadAttention and _is_plain(module):
                change_class(module, PackedAttention, partial(_outputs_of_all_and_first, module))
            elif _timm.is_attention(module) and module.fused_attn:
                change_class(module, _timm.fused_attention(), module)


class PackedAttention(nn.MultiheadAttention):
    """Self-attention from one product with the packed weight, as open_clip's blocks call it.

    torch's module multiplies with a transposed view: where a gradient flows, it copies the weight
    once for every token.
    """

    def forward(
        self,
        query,
        key,
        value,
        key_padding_mask=None,
        need_weights=True,
        attn_mask=None,
        **kwargs,
    ):
        """Return the output ``(n, tokens, width)``, and None; queries may be some tokens."""
        masks = (key_padding_mask, attn_mask)
        is_plain = masks == (None, None) and not kwargs and query.ndim == 3 and key is value
        if need_weights or not is_plain:
            require_no_prefix(self)
            return super().forward(
                query, key, value, key_padding_mask, need_weights, attn_mask, **kwargs
            )
        (weight, bias), width = self.packed(query), query.shape[-1]
        if query is key:
            q, k, v = self._heads(F.linear(query, weight, bias), 3)
        else:
            of_query, rest = (None, None) if bias is None else bias.split([width, 2 * width])
            (q,) = self._heads(F.linear(query, weight[:width], of_query), 1)
            k, v = self._heads(F.linear(key, weight[width:], rest), 2)
        x = attend(q, *with_prefix(self, k, v)).transpose(1, 2).flatten(2)
        return self.out_proj(x), None

    def packed(self, x: torch.Tensor):
        """Return weight and bias of queries, keys and values, to compute with ``x``."""
        return self.in_proj_weight, self.in_proj_bias

    def _heads(self, x: torch.Tensor, n: int) -> tuple[torch.Tensor, ...]:
        """Split ``(b, tokens, n * width)`` into n tensors ``(b, heads, tokens, d)``."""
        return x.unflatten(2, (n, self.num_heads, -1)).permute(2, 0, 3, 1, 4).unbind(0)


def _outputs_of_all_and_first(attention: nn.MultiheadAttention, x: torch.Tensor) -> torch.Tensor:
    """Outputs of an attention for all tokens as queries, then for the first one alone."""
    return torch.cat([attention(q, x, x, need_weights=False)[0] for q in (x, x[:, :1])], 1)


def _is_plain(attention: nn.MultiheadAttention) -> bool:
    return (
        attention.batch_first
        and is_packed(attention)
        and attention.bias_k is None
        and not attention.add_zero_attn
        and not attention.dropout
    )
