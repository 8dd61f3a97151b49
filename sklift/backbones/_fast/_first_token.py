"""A last block that computes the class token only, where the feature is made of nothing else."""

from __future__ import annotations

import torch
from open_clip.transformer import ResidualAttentionBlock, VisionTransformer
from timm.models import vision_transformer as timm_vit
from torch import nn

from ._attention import FusedAttention, PackedAttention


def compute_first_token_only(tower: nn.Module) -> None:
    """Let the last block leave out what the feature doesn't need; adapters must be in place.

    Towers that pool otherwise stay as they are, and blocks that an adapter has wrapped.
    """
    trunk = getattr(tower, "trunk", tower)
    if type(trunk) is VisionTransformer:
        last, block = trunk.transformer.resblocks[-1], ResidualAttentionBlock
        attention, instead = PackedAttention, FirstTokenBlock
        pools_first = trunk.pool_type == "tok" and not trunk.output_tokens
    elif type(trunk) is timm_vit.VisionTransformer:
        last, block = trunk.blocks[-1], timm_vit.Block
        attention, instead = FusedAttention, FirstTokenTimmBlock
        pools_first = trunk.global_pool == "token"
    else:
        return
    is_plain = type(last) is block and isinstance(last.attn, attention)
    if is_plain and pools_first and trunk.attn_pool is None:
        last.__class__ = instead


class FirstTokenBlock(ResidualAttentionBlock):
    """open_clip's block; ``(n, tokens, width)`` -> ``(n, 1, width)``."""

    def ln_1_kv(self, x: torch.Tensor) -> torch.Tensor:
        """What keys and values are made of is normalised already."""
        return x

    def forward(self, q_x, k_x=None, v_x=None, attn_mask=None):
        """The first token gathers from all."""
        tokens = self.ln_1(q_x)
        return super().forward(q_x[:, :1], tokens, tokens)


class FirstTokenTimmBlock(timm_vit.Block):
    """timm's block; ``(n, tokens, width)`` -> ``(n, 1, width)``."""

    def forward(self, x, *args, **kwargs):
        """The first token gathers from all."""
        gathered = self.ls1(self.attn.of_first(self.norm1(x), 1))
        x = x[:, :1] + gathered
        return x + self.ls2(self.mlp(self.norm2(x)))
