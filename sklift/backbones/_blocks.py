"""Search for the blocks of a tower, with their sites."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from operator import attrgetter

from torch import nn

from . import _structure
from ._fast._attention import PackedAttention
from ._sites import AttentionBlock, Block, ConvBlock, SequenceBlock, Slot, TransformerBlock, Weight
from ._structure import LINEARS, ROWS, is_norm, share_of_weights
from ._towers import _open_clip, _resnet, _rows, _timm
from ._towers._names import BlockNames


def find_blocks(tower: nn.Module) -> list[Block]:
    """Return the blocks of a tower in order of depth; none where it has no layers of known kinds.

    Those of a transformer or residual network whose parts have known names, where the tower is one
    or wraps one; or else what stands in rows with known names; or what the structure shows.
    """
    trunk = getattr(tower, "trunk", tower)  # open_clip wraps timm's towers
    for module in dict.fromkeys((tower, trunk, *tower.modules())):
        blocks = _blocks_of_known_parts(module)
        if blocks and (module in (tower, trunk) or _are_all(blocks, tower)):
            return blocks
    rows = [b for b in map(_any_block, _rows.units_of(trunk)) if b and b.linears and b.norms]
    return rows or [b for b in map(_any_block, _structure.units_of(trunk)) if b]


def _are_all(blocks: list[Block], tower: nn.Module) -> bool:
    """Tell whether a tower has no more blocks of this kind, and little else than them."""
    units = {block.unit.get() for block in blocks}
    kinds = {type(unit) for unit in units}
    others = [m for m in tower.modules() if type(m) in kinds and m not in units]
    return not others and share_of_weights(units, tower) > 0.5


def _blocks_of_known_parts(tower: nn.Module) -> list[Block]:
    """Return the blocks of a transformer or residual network whose parts have known names."""
    try:
        return _transformer_blocks(tower) or [
            _conv_block(unit, Slot(stage, str(i)))
            for stage in _resnet.stages_of(tower)
            for i, unit in enumerate(stage)
        ]
    except (AttributeError, LookupError, StopIteration, TypeError):
        return []  # parts of a user's tower may have these names and yet be something else


def _transformer_blocks(tower: nn.Module) -> list[Block]:
    for units, names in (
        (_open_clip.blocks_of(tower), _open_clip.BLOCK),
        (_timm.blocks_of(tower), _timm.BLOCK),
    ):
        if isinstance(units, ROWS) and len(units) and all(names.all_in(unit) for unit in units):
            return [_transformer_block(u, Slot(units, str(i)), names) for i, u in enumerate(units)]
    return []


def _transformer_block(block: nn.Module, unit: Slot, names: BlockNames) -> TransformerBlock:
    """Return the sites of a block by the names of its parts, whatever their classes are."""
    out, fc1, fc2 = attrgetter(*names.linears)(block)
    owner, weight, bias = names.qkv
    norms, inner_norms = _split_norms(block, attrgetter(names.norm1, names.norm2)(block))
    attention = attrgetter(names.attention)(block)
    fixed = names is _timm.BLOCK and _timm.has_fixed_length(block)
    kind: Callable[..., TransformerBlock] = TransformerBlock if fixed else SequenceBlock
    if isinstance(attention, PackedAttention) or _timm.is_fused(attention):
        kind = partial(AttentionBlock, attention=attention)
    return kind(
        width=out.weight.shape[0],
        unit=unit,
        linears=(Weight(attrgetter(owner)(block), weight, bias), *map(Weight, (out, fc1, fc2))),
        norms=norms,
        inner_norms=inner_norms,
        norm2=Slot(block, names.norm2),
        mlp=Slot(block, names.mlp),
        scale2=Slot(block, names.scale2),
    )


def _conv_block(block: nn.Module, unit: Slot) -> ConvBlock:
    """Return the sites of a residual block of a CLIP or timm ResNet."""
    path = [m for n, m in block.named_modules() if not n.startswith(_resnet.SHORTCUT)]
    convs = [m for m in path if isinstance(m, nn.Conv2d)]
    norms, inner_norms = _split_norms(block, path)
    # The shortcut shows the input width and the stride of a block; its path may split the input
    # and pool in many ways. Without a shortcut neither changes.
    in_width, stride = convs[-1].out_channels, 1
    if (shortcut := getattr(block, _resnet.SHORTCUT, None)) is not None:
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


def _any_block(place: tuple[nn.Module, str]) -> Block | None:
    """Describe a block of any parts; None without matrices, convolutions or norms."""
    unit = Slot(*place)
    linears = [m for m in unit.get().modules() if isinstance(m, LINEARS)]
    sites = tuple(filter(None, map(_linear, linears)))
    norms, _ = _split_norms(unit.get(), unit.get().modules())
    if not (sites or norms):
        return None
    last = (sites or norms)[-1]
    width = getattr(last.owner, last.weight).shape[0]
    return Block(width, unit, linears=sites, norms=norms, inner_norms=())


def _linear(module: nn.Module) -> Weight | None:
    """Return the weight of a linear layer, a convolution, or queries, keys and values at once.

    None where it is no parameter of the module, as after ``spectral_norm``.
    """
    packed = isinstance(module, nn.MultiheadAttention)
    site = Weight(module, "in_proj_weight", "in_proj_bias") if packed else Weight(module)
    return site if site.weight in dict(module.named_parameters(recurse=False)) else None


def _split_norms(
    block: nn.Module, outer: Iterable[nn.Module]
) -> tuple[tuple[Weight, ...], tuple[Weight, ...]]:
    """Return the trainable norms of a block: those in ``outer``, in its order, and the others."""
    norms = {
        m: Weight(m, bias="bias" if hasattr(m, "bias") else None)
        for m in filter(is_norm, block.modules())
    }
    found = tuple(norms.pop(m) for m in outer if m in norms)
    return found, tuple(norms.values())


def _single(size: int | tuple[int, int]) -> int:
    return size if isinstance(size, int) else size[0]
