"""Faster parts of timm's vision transformers: the same numbers from the same tensors."""

from __future__ import annotations

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block

from ..._compute._micro_batches import enough_rows
from .._fast._attend import attend, require_no_prefix, with_prefix


class FusedAttention(Attention):
    """Self-attention of timm's vision transformers."""

    def forward(self, x, attn_mask=None, **kwargs):
        """Return the output of the attention, ``(n, tokens, width) -> (n, tokens, width)``."""
        if attn_mask is not None or any(kwargs.values()) or self.training:
            require_no_prefix(self)
            return super().forward(x, attn_mask, **kwargs)
        return self.of_first(x, x.shape[1])

    def of_first(self, x: torch.Tensor, n_tokens: int) -> torch.Tensor:
        """Return the output of the first tokens, which attend to all, ``(n, n_tokens, width)``."""
        qkv = self.qkv(x).unflatten(2, (3, self.num_heads, -1)).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        q, k = self.q_norm(q[:, :, :n_tokens]), self.k_norm(k)
        k, v = with_prefix(self, k.to(v.dtype), v)
        y = attend(q.to(v.dtype), k, v).transpose(1, 2).flatten(2)
        y = self.norm(y)
        if getattr(self, "gate", None) is not None:
            y = y * self.gate(x[:, :n_tokens]).sigmoid()
        return self.proj(y)


class FirstTokenTimmBlock(Block):
    """Block of timm for the first token only, ``(n, tokens, width) -> (n, 1, width)``."""

    def forward(self, x, *args, **kwargs):
        """Return the first token, which attends to all."""
        tokens = enough_rows(x)
        gathered = self.ls1(self.attn.of_first(self.norm1(tokens), 1))
        first = tokens[:, :1] + gathered
        first = first + self.ls2(self.mlp(self.norm2(first)))
        return first if tokens is x else first[: len(x)]
