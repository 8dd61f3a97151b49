"""The attachment sites of a tower: the only place that knows towers' inner names.

A transformer block computes ``x1 = x + attn(norm1(x))`` and ``x2 = x1 + scale2(mlp(norm2(x1)))``;
a residual block of convolutions ``relu(convs(x) + shortcut(x))``. Adapters see their parts as slots
(a module that can be read and replaced) and weights (a weight and bias pair that can be
re-parametrised), whatever library the tower comes from.
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
    """A weight and its bias, by name in the module that owns them; rows are outputs."""

    owner: nn.Module
    weight: str = "weight"
    bias: str = "bias"


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
    """

    width: int
    unit: Slot
    linears: tuple[Weight, ...]
    norms: tuple[Weight, ...]


@dataclass(frozen=True)
class TransformerBlock(Block):
    """The sites of a transformer block, ``(n, tokens, width)`` -> the same.

    ``linears`` are (qkv, out, fc1, fc2); qkv holds query, key and value stacked along the rows.

    Attributes
    ----------
    norm2, mlp, scale2 : Slot
        The second norm, the feed-forward part, and what follows it before the residual sum.
    """

    norm2: Slot
    mlp: Slot
    scale2: Slot


@dataclass(frozen=True)
class ConvBlock(Block):
    """The sites of a residual block of convolutions, ``(n, c, h, w)`` -> ``(n, width, h', w')``.

    Attributes
    ----------
    in_width : int
        Channels of its input.
    stride : int
        Of its output against its input.
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
            return blocks if all(blocks) else []
    stages = [getattr(trunk, f"layer{i}", None) for i in (1, 2, 3, 4)]
    if all(isinstance(stage, nn.Sequential) for stage in stages):
        return [_conv_block(u, Slot(s, str(i))) for s in stages for i, u in enumerate(s)]
    return []


def _open_clip_block(block: nn.Module, unit: Slot) -> TransformerBlock | None:
    """A ``ResidualAttentionBlock`` of open_clip, whichever class its attention has."""
    if not all(hasattr(block, n) for n in ("ln_1", "ln_2", "attn", "mlp", "ls_2")):
        return None
    return TransformerBlock(
        width=block.attn.out_proj.weight.shape[0],
        unit=unit,
        linears=(
            Weight(block.attn, "in_proj_weight", "in_proj_bias"),
            Weight(block.attn.out_proj),
            Weight(block.mlp.c_fc),
            Weight(block.mlp.c_proj),
        ),
        norms=(Weight(block.ln_1), Weight(block.ln_2)),
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
    return TransformerBlock(
        width=block.attn.proj.weight.shape[0],
        unit=unit,
        linears=(
            Weight(block.attn.qkv),
            Weight(block.attn.proj),
            Weight(block.mlp.fc1),
            Weight(block.mlp.fc2),
        ),
        norms=(Weight(block.norm1), Weight(block.norm2)),
        norm2=Slot(block, "norm2"),
        mlp=Slot(block, "mlp"),
        scale2=Slot(block, "ls2"),
    )


def _conv_block(block: nn.Module, unit: Slot) -> ConvBlock:
    """A residual block of a CLIP or timm ResNet."""
    convs = [m for n, m in block.named_modules() if isinstance(m, nn.Conv2d) and _on_path(n)]
    norms = [m for n, m in block.named_modules() if isinstance(m, nn.BatchNorm2d) and _on_path(n)]
    # CLIP's ResNets halve the picture by average pooling, timm's by strided convolutions
    stride = max((m.stride[0] for m in convs), default=1)
    for module in block.modules():
        if isinstance(module, nn.AvgPool2d):
            stride = max(stride, _single(module.kernel_size))
    return ConvBlock(
        width=convs[-1].out_channels,
        unit=unit,
        linears=tuple(Weight(m) for m in convs),
        norms=tuple(Weight(m) for m in norms),
        in_width=convs[0].in_channels,
        stride=stride,
    )


def _on_path(name: str) -> bool:
    return not name.startswith("downsample")


def _single(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else size[0]
