"""Door to timm: the inner names of its towers, on which sites and speed-ups depend.

- ``_pos_embed`` of a vision transformer: it adds positions and the class token. The public method
  computes all at once.
- Names of parts and settings, which have no underscore but may change as well.
"""

from __future__ import annotations

from types import ModuleType

from torch import nn

from ._loaded import loaded
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


def is_attention(module: nn.Module) -> bool:
    """Tell whether a module is the plain attention of a vision transformer."""
    library = loaded("timm.layers.attention")
    return library is not None and type(module) is library.Attention


def is_fused(module: nn.Module) -> bool:
    """Tell whether a module is the faster attention of this package."""
    return loaded("timm") is not None and isinstance(module, _modules().FusedAttention)


def fused_attention() -> type[nn.Module]:
    """Return the class of the faster attention."""
    return _modules().FusedAttention


def stages_of(tower: nn.Module) -> tuple | None:
    """Return functions to tokens and to the feature, the blocks, and whether these recompute.

    In the order of the fields of ``Stages``; None for another tower.
    """
    library = _library(tower)
    if library is None:
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
    library = _library(tower)
    if library is None or tower.attn_pool is not None:
        return None
    last = tower.blocks[-1]
    if type(last) is not library.Block or tower.global_pool != "token":
        return None
    return (last, _modules().FirstTokenTimmBlock) if is_fused(last.attn) else None


def _library(tower: nn.Module) -> ModuleType | None:
    """Return the module of timm's vision transformer if a tower is one."""
    library = loaded("timm.models.vision_transformer")
    return library if library is not None and type(tower) is library.VisionTransformer else None


def _modules() -> ModuleType:
    """Return the module of subclasses, which needs the library."""
    from . import _timm_modules

    return _timm_modules
