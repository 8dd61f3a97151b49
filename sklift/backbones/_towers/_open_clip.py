"""Door to open_clip: the inner names of its towers, on which sites and speed-ups depend.

- ``_embeds`` and ``_pool`` of a vision transformer: what comes before and after its blocks. In
  public there is only the whole.
- The rest has no underscore, and is no less private: names of parts and settings.
"""

from __future__ import annotations

import torch
from open_clip.transformer import Attention, ResidualAttentionBlock, VisionTransformer
from torch import nn

from ._names import BlockNames

BLOCK = BlockNames(
    norm1="ln_1",
    norm2="ln_2",
    mlp="mlp",
    scale2="ls_2",
    qkv=("attn", "in_proj_weight", "in_proj_bias"),
    linears=("attn.out_proj", "mlp.c_fc", "mlp.c_proj"),
)


def blocks_of(tower: nn.Module) -> nn.Module | None:
    """The container of a tower's blocks."""
    return getattr(getattr(tower, "transformer", None), "resblocks", None)


def stages_of(tower: nn.Module) -> tuple | None:
    """Tokens of pixels, blocks, feature of tokens, and whether blocks are recomputed."""
    if type(tower) is not VisionTransformer or tower.output_tokens or tower.proj is not None:
        return None
    inner, pool = tower.transformer, tower._pool
    if not getattr(inner, "batch_first", True):  # newer ones have it always
        return None
    return tower._embeds, inner.resblocks, lambda x: pool(x)[0], inner.grad_checkpointing


def last_block_of(tower: nn.Module) -> tuple[nn.Module, type[nn.Module]] | None:
    """The last block, if it makes the feature of its first token, and its class for that alone.

    Raises
    ------
    TypeError
        If its attention is not torch's, as in a later open_clip.
    """
    if type(tower) is not VisionTransformer or tower.attn_pool is not None:
        return None
    last = tower.transformer.resblocks[-1]
    if type(last) is not ResidualAttentionBlock or tower.pool_type != "tok" or tower.output_tokens:
        return None
    if isinstance(last.attn, Attention):
        raise TypeError("the attention of a block takes as many queries as keys")
    return (last, FirstTokenBlock) if isinstance(last.attn, nn.MultiheadAttention) else None


class FirstTokenBlock(ResidualAttentionBlock):
    """open_clip's block; ``(n, tokens, width)`` -> ``(n, 1, width)``."""

    def ln_1_kv(self, x: torch.Tensor) -> torch.Tensor:
        """What keys and values are made of is normalised already."""
        return x

    def forward(self, q_x, k_x=None, v_x=None, attn_mask=None):
        """The first token gathers from all."""
        tokens = self.ln_1(q_x)
        return super().forward(q_x[:, :1], tokens, tokens)
