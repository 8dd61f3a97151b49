"""Door to timm: the inner names of its towers, on which sites and speed-ups depend.

- ``_pos_embed`` of a vision transformer: it adds positions and the class token. The public method
  computes all at once.
- Names of parts and settings, which have no underscore but may change as well.
"""

from __future__ import annotations

import torch
from timm.layers.attention import Attention
from timm.models.vision_transformer import Block, VisionTransformer
from torch import nn

from ..._compute._micro_batches import enough_rows
from .._fast._attend import attend, require_no_prefix, with_prefix
from ._names import BlockNames

BLOCK = BlockNames(
    norm1="norm1",
    norm2="norm2",
    mlp="mlp",
    scale2="ls2",
    attention="attn",
    qkv=("attn.qkv", "weight", "bias"),
    linears=("attn.proj", "mlp.fc1", "mlp.fc2"),
)
# Attributes of attentions with windows, or with a table of relative positions.
_FIXED_LENGTH = ("rel_pos", "use_rel_pos", "q_stride", "q_pool")


def blocks_of(trunk: nn.Module) -> nn.Module | None:
    """Return the container of a tower's blocks, or None."""
    return getattr(trunk, "blocks", None)


def has_fixed_length(block: nn.Module) -> bool:
    """Tell whether a block takes only as many tokens as its tower makes."""
    return any(hasattr(block.attn, name) for name in _FIXED_LENGTH)


def stages_of(tower: nn.Module) -> tuple | None:
    """Return functions to tokens and to the feature, the blocks, and whether these recompute.

    In the order of the fields of ``Stages``; None for another tower.
    """
    if type(tower) is not VisionTransformer:
        return None
    patches, add_positions = tower.patch_embed, tower._pos_embed
    drop, norm_pre, norm, head = tower.patch_drop, tower.norm_pre, tower.norm, tower.forward_head
    return (
        lambda x: norm_pre(drop(add_positions(patches(x)))),
        tower.blocks,
        lambda tokens: head(norm(tokens)),
        tower.grad_checkpointing,
    )


def last_block_of(tower: nn.Module) -> tuple[nn.Module, type[nn.Module]] | None:
    """Return the last block and its class for the first token alone, if that is the feature."""
    if type(tower) is not VisionTransformer or tower.attn_pool is not None:
        return None
    last = tower.blocks[-1]
    if type(last) is not Block or tower.global_pool != "token":
        return None
    return (last, FirstTokenTimmBlock) if isinstance(last.attn, FusedAttention) else None


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
