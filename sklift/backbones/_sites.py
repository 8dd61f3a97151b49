"""The attachment sites of a tower: the only place that knows towers' inner names.

A transformer block computes ``x1 = x + attn(norm1(x))`` and ``x2 = x1 + scale2(mlp(norm2(x1)))``;
a residual block of convolutions ``relu(convs(x) + shortcut(x))``. Adapters see their parts as slots
(a module that can be read and replaced) and weights (a weight and bias pair that can be
re-parametrised), whatever library the tower comes from.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from torch import nn

# what attentions with windows, or with a table of relative positions, have
_FIXED_LENGTH = ("rel_pos", "use_rel_pos", "q_stride", "q_pool")


@dataclass(frozen=True)
class Slot:
    """A named place in a parent module, that holds a module.

    Examples
    --------
    >>> from torch import nn
    >>> from sklift.backbones import Slot
    >>> parent = nn.ModuleDict({"mlp": nn.Linear(4, 4)})
    >>> Slot(parent, "mlp").set(nn.Identity())
    >>> Slot(parent, "mlp").get()
    Identity()
    """

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
    """A weight and its bias, by name in the module that owns them; rows are outputs.

    ``bias`` is None where the module knows no bias, as a norm by the root mean square alone.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> block = load_backbone("emoji-tiny").open().blocks[0]
    >>> [weight.weight for weight in block.linears]
    ['in_proj_weight', 'weight', 'weight', 'weight']
    """

    owner: nn.Module
    weight: str = "weight"
    bias: str | None = "bias"


@dataclass(frozen=True)
class Block:
    """What every residual block has.

    Attributes
    ----------
    width : int
        Channels of the block's output.
    unit : Slot
        The whole block.
    linears : tuple of Weight
        Its matrices or convolutions, in order of depth.
    norms : tuple of Weight
        The scale and shift of its norms, in order of depth.
    inner_norms : tuple of Weight
        Those of further norms: of queries and keys, inside the feed-forward part, of a shortcut.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> block = load_backbone("emoji-tiny").open().blocks[0]
    >>> block.width, len(block.linears), len(block.norms)
    (192, 4, 2)
    """

    width: int
    unit: Slot
    linears: tuple[Weight, ...]
    norms: tuple[Weight, ...]
    inner_norms: tuple[Weight, ...]


@dataclass(frozen=True)
class TransformerBlock(Block):
    """The sites of a transformer block, ``(n, tokens, width)`` -> the same.

    ``linears`` are (qkv, out, fc1, fc2); qkv holds query, key and value stacked along the rows.

    Attributes
    ----------
    norm2, mlp, scale2 : Slot
        The second norm, the feed-forward part, and what follows it before the residual sum.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> block = load_backbone("emoji-tiny").open().blocks[0]
    >>> type(block.norm2.get()).__name__
    'LayerNorm'
    """

    norm2: Slot
    mlp: Slot
    scale2: Slot


@dataclass(frozen=True)
class SequenceBlock(TransformerBlock):
    """A transformer block that takes any number of tokens, as prompts need.

    Examples
    --------
    >>> from sklift.backbones import SequenceBlock, load_backbone
    >>> isinstance(load_backbone("emoji-tiny").open().blocks[0], SequenceBlock)
    True
    """


@dataclass(frozen=True)
class ConvBlock(Block):
    """The sites of a residual block of convolutions, ``(n, c, h, w)`` -> ``(n, width, h', w')``.

    Attributes
    ----------
    in_width : int
        Channels of its input.
    stride : int
        Of its output against its input.

    Examples
    --------
    >>> from timm import create_model
    >>> from sklift.backbones._sites import find_blocks
    >>> block = find_blocks(create_model("resnet18", pretrained=False))[2]
    >>> block.in_width, block.width, block.stride
    (64, 128, 2)
    """

    in_width: int
    stride: int


def find_blocks(tower: nn.Module) -> list[Block]:
    """The residual blocks of a tower in order of depth; empty where it has none of known kinds."""
    trunk = getattr(tower, "trunk", tower)  # open_clip wraps timm's towers
    for units, build in (
        (getattr(getattr(tower, "transformer", None), "resblocks", None), _open_clip_block),
        (getattr(trunk, "blocks", None), _timm_block),
    ):
        if units is not None and len(units):
            blocks = [build(unit, Slot(units, str(i))) for i, unit in enumerate(units)]
            known: list[Block] = [block for block in blocks if block is not None]
            return known if len(known) == len(blocks) else []
    stages: list[Any] = [getattr(trunk, f"layer{i}", None) for i in (1, 2, 3, 4)]
    if all(isinstance(stage, nn.Sequential) for stage in stages):
        return [_conv_block(u, Slot(s, str(i))) for s in stages for i, u in enumerate(s)]
    return []


def _open_clip_block(block: nn.Module, unit: Slot) -> SequenceBlock | None:
    """A ``ResidualAttentionBlock`` of open_clip, whichever class its attention has."""
    if not all(hasattr(block, n) for n in ("ln_1", "ln_2", "attn", "mlp", "ls_2")):
        return None
    norms, inner_norms = _split_norms(block, (block.ln_1, block.ln_2))
    return SequenceBlock(
        width=block.attn.out_proj.weight.shape[0],
        unit=unit,
        linears=(
            Weight(block.attn, "in_proj_weight", "in_proj_bias"),
            Weight(block.attn.out_proj),
            Weight(block.mlp.c_fc),
            Weight(block.mlp.c_proj),
        ),
        norms=norms,
        inner_norms=inner_norms,
        norm2=Slot(block, "ln_2"),
        mlp=Slot(block, "mlp"),
        scale2=Slot(block, "ls_2"),
    )


def _timm_block(block: nn.Module, unit: Slot) -> TransformerBlock | None:
    """A ``Block`` of timm's vision transformers."""
    if not all(hasattr(block, n) for n in ("norm1", "norm2", "attn", "mlp", "ls2")):
        return None
    if not all(hasattr(block.attn, n) for n in ("qkv", "proj")):
        return None
    if not all(hasattr(block.mlp, n) for n in ("fc1", "fc2")):
        return None
    norms, inner_norms = _split_norms(block, (block.norm1, block.norm2))
    fixed = any(hasattr(block.attn, n) for n in _FIXED_LENGTH)
    return (TransformerBlock if fixed else SequenceBlock)(
        width=block.attn.proj.weight.shape[0],
        unit=unit,
        linears=(
            Weight(block.attn.qkv),
            Weight(block.attn.proj),
            Weight(block.mlp.fc1),
            Weight(block.mlp.fc2),
        ),
        norms=norms,
        inner_norms=inner_norms,
        norm2=Slot(block, "norm2"),
        mlp=Slot(block, "mlp"),
        scale2=Slot(block, "ls2"),
    )


def _conv_block(block: nn.Module, unit: Slot) -> ConvBlock:
    """A residual block of a CLIP or timm ResNet."""
    path = [m for n, m in block.named_modules() if not n.startswith("downsample")]
    convs = [m for m in path if isinstance(m, nn.Conv2d)]
    norms, inner_norms = _split_norms(block, path)
    # What a block takes and by how much it shrinks a picture is plain in its shortcut: the path
    # itself may split its input, and pool in many ways. Without a shortcut nothing changes.
    in_width, stride = convs[-1].out_channels, 1
    if (shortcut := getattr(block, "downsample", None)) is not None:
        in_width = next(m for m in shortcut.modules() if isinstance(m, nn.Conv2d)).in_channels
        for module in shortcut.modules():
            if isinstance(module, (nn.Conv2d, nn.AvgPool2d)):
                stride *= _single(module.stride)
    return ConvBlock(
        width=convs[-1].out_channels,
        unit=unit,
        linears=tuple(Weight(m) for m in convs),
        norms=norms,
        inner_norms=inner_norms,
        in_width=in_width,
        stride=stride,
    )


def _split_norms(
    block: nn.Module, outer: Iterable[nn.Module]
) -> tuple[tuple[Weight, ...], tuple[Weight, ...]]:
    """The trainable norms of a block: those among ``outer``, in its order, and the others."""
    # by name: open_clip and timm have norms of their own, not all of them torch's subclasses
    norms = {
        m: Weight(m, bias="bias" if hasattr(m, "bias") else None)
        for m in block.modules()
        if "Norm" in type(m).__name__ and m._parameters.get("weight") is not None
    }
    found = tuple(norms.pop(m) for m in outer if m in norms)
    return found, tuple(norms.values())


def _single(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else size[0]
