"""The attachment sites of a transformer block: the only place that knows towers' inner names.

A residual block computes ``x1 = x + attn(norm1(x))`` and ``x2 = x1 + scale2(mlp(norm2(x1)))``.
Adapters see its parts as slots (a module that can be read and replaced) and weights (a weight and
bias pair that can be re-parametrised), whatever library the tower comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Slot:
    """A named place in a parent module, that holds a module."""

    parent: nn.Module
    name: str

    def get(self) -> nn.Module:
        """The module in this place."""
        return getattr(self.parent, self.name)

    def set(self, module: nn.Module) -> None:
        """Put a module in this place."""
        setattr(self.parent, self.name, module)


@dataclass(frozen=True)
class Weight:
    """A weight matrix ``(out, in)`` or vector and its bias, by name in the module that owns them."""

    owner: nn.Module
    weight: str = "weight"
    bias: str = "bias"


@dataclass(frozen=True)
class Block:
    """The sites of one residual block.

    Attributes
    ----------
    width : int
        Channels of the residual stream.
    unit : Slot
        The whole block, ``(n, tokens, width)`` -> the same.
    norm1, norm2, mlp, scale2 : Slot
        Both norms, the feed-forward part, and what follows it before the residual sum.
    qkv, out, fc1, fc2 : Weight
        The linear maps (qkv: query, key and value stacked along the rows).
    """

    width: int
    unit: Slot
    norm1: Slot
    norm2: Slot
    mlp: Slot
    scale2: Slot
    qkv: Weight
    out: Weight
    fc1: Weight
    fc2: Weight

    @property
    def norms(self) -> tuple[Weight, Weight]:
        """Both norms' scale and shift."""
        return Weight(self.norm1.get()), Weight(self.norm2.get())


def open_clip_blocks(tower: nn.Module) -> list[Block]:
    """Blocks of an open_clip ``VisionTransformer`` (3.x, and its successor's own attention)."""
    blocks = tower.transformer.resblocks
    return [
        Block(
            width=block.attn.out_proj.weight.shape[0],
            unit=Slot(blocks, str(i)),
            norm1=Slot(block, "ln_1"),
            norm2=Slot(block, "ln_2"),
            mlp=Slot(block, "mlp"),
            scale2=Slot(block, "ls_2"),
            qkv=Weight(block.attn, "in_proj_weight", "in_proj_bias"),
            out=Weight(block.attn.out_proj),
            fc1=Weight(block.mlp.c_fc),
            fc2=Weight(block.mlp.c_proj),
        )
        for i, block in enumerate(blocks)
    ]


def timm_blocks(tower: nn.Module) -> list[Block]:
    """Blocks of a timm ``VisionTransformer``, or of open_clip's wrapper round one."""
    blocks = getattr(tower, "trunk", tower).blocks
    return [
        Block(
            width=block.attn.proj.weight.shape[0],
            unit=Slot(blocks, str(i)),
            norm1=Slot(block, "norm1"),
            norm2=Slot(block, "norm2"),
            mlp=Slot(block, "mlp"),
            scale2=Slot(block, "ls2"),
            qkv=Weight(block.attn.qkv),
            out=Weight(block.attn.proj),
            fc1=Weight(block.mlp.fc1),
            fc2=Weight(block.mlp.fc2),
        )
        for i, block in enumerate(blocks)
    ]


def find_blocks(tower: nn.Module) -> list[Block]:
    """The blocks of a tower, or an empty list where it has none of the known kinds."""
    trunk = getattr(tower, "trunk", tower)
    if hasattr(getattr(tower, "transformer", None), "resblocks"):
        first, finder = tower.transformer.resblocks[0], open_clip_blocks
        known = ("ln_1", "ln_2", "attn", "mlp", "ls_2")
    elif hasattr(trunk, "blocks") and len(trunk.blocks):
        first, finder = trunk.blocks[0], timm_blocks
        known = ("norm1", "norm2", "attn", "mlp", "ls2")
    else:
        return []
    return finder(tower) if all(hasattr(first, name) for name in known) else []
