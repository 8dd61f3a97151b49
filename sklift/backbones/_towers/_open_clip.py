"""Door to open_clip: the inner names of its towers, on which sites and speed-ups depend.

- ``_embeds`` and ``_pool`` of a vision transformer: the steps in front of its blocks and behind
  them. The public method computes all at once.
- Names of parts and settings, which have no underscore but may change as well.
"""

from __future__ import annotations

import torch
from open_clip.transformer import Attention, ResidualAttentionBlock, VisionTransformer
from torch import nn

from ..._compute._micro_batches import enough_rows
from ._names import BlockNames

BLOCK = BlockNames(
    norm1="ln_1",
    norm2="ln_2",
    mlp="mlp",
    scale2="ls_2",
    attention="attn",
    qkv=("attn", "in_proj_weight", "in_proj_bias"),
    linears=("attn.out_proj", "mlp.c_fc", "mlp.c_proj"),
)


def blocks_of(tower: nn.Module) -> nn.Module | None:
    """Return the container of a tower's blocks, or None."""
    return getattr(getattr(tower, "transformer", None), "resblocks", None)


def stages_of(tower: nn.Module) -> tuple | None:
    """Return functions to tokens and to the feature, the blocks, and whether these recompute.

    In the order of the fields of ``Stages``; None for another tower.
    """
    if type(tower) is not VisionTransformer or tower.output_tokens or tower.proj is not None:
        return None
    inner, pool = tower.transformer, tower._pool
    if not getattr(inner, "batch_first", True):  # newer versions are always batch first
        return None
    return tower._embeds, inner.resblocks, lambda x: pool(x)[0], inner.grad_checkpointing


def last_block_of(tower: nn.Module) -> tuple[nn.Module, type[nn.Module]] | None:
    """Return the last block and its class for the first token alone, if that is the feature.

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
    """Block of open_clip for the first token only, ``(n, tokens, width) -> (n, 1, width)``."""

    def ln_1_kv(self, x: torch.Tensor) -> torch.Tensor:
        """Return the input of keys and values as it is: it is normalised already."""
        return x

    def forward(self, q_x, k_x=None, v_x=None, attn_mask=None):
        """Return the first token, which attends to all."""
        x = enough_rows(q_x)
        tokens = self.ln_1(x)
        first = super().forward(x[:, :1], tokens, tokens)
        return first if x is q_x else first[: len(q_x)]
