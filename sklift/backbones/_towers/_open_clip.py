"""Door to open_clip: the inner names of its towers, on which sites and speed-ups depend.

- ``_embeds`` and ``_pool`` of a vision transformer: the steps in front of its blocks and behind
  them. The public method computes all at once.
- Names of parts and settings, which have no underscore but may change as well.
"""

from __future__ import annotations

from types import ModuleType

from torch import nn

from ._loaded import loaded
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
    if _library(tower) is None or tower.output_tokens or tower.proj is not None:
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
    library = _library(tower)
    if library is None or tower.attn_pool is not None:
        return None
    last = tower.transformer.resblocks[-1]
    is_plain = type(last) is library.ResidualAttentionBlock
    if not is_plain or tower.pool_type != "tok" or tower.output_tokens:
        return None
    if isinstance(last.attn, library.Attention):
        raise TypeError("the attention of a block takes as many queries as keys")
    if not isinstance(last.attn, nn.MultiheadAttention):
        return None
    from ._open_clip_modules import FirstTokenBlock

    return last, FirstTokenBlock


def is_timm_model(tower: nn.Module) -> bool:
    """Tell whether a tower is one of timm, wrapped by open_clip."""
    library = loaded("open_clip.timm_model")
    return library is not None and type(tower) is library.TimmModel


def _library(tower: nn.Module) -> ModuleType | None:
    """Return the module of open_clip's vision transformer if a tower is one."""
    library = loaded("open_clip.transformer")
    return library if library is not None and type(tower) is library.VisionTransformer else None
