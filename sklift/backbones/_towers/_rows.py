"""Door to towers of other kinds: the names under which families of timm keep their blocks."""

from __future__ import annotations

from torch import nn

# Of ConvNeXt and most others; of Swin; of EfficientNet, and of transformers with other parts.
ROWS = ("stages", "layers", "blocks")
REGNET = ("s1", "s2", "s3", "s4")


def units_of(trunk: nn.Module) -> list[tuple[nn.Module, str]]:
    """List the blocks in order of depth, as parents and names in them."""
    if all(hasattr(trunk, name) for name in REGNET):
        return [unit for name in REGNET for unit in _children(getattr(trunk, name))]
    rows = (getattr(trunk, name, None) for name in ROWS)
    stages = next(filter(_is_row, rows), nn.ModuleList())
    return [unit for stage in _children(stages) for unit in _units(*stage)]


def _units(parent: nn.Module, name: str) -> list[tuple[nn.Module, str]]:
    """List the blocks of a stage, or the stage where it is a block itself."""
    stage = getattr(parent, name)
    inner = getattr(stage, "blocks", stage)
    return _children(inner) if _is_row(inner) else [(parent, name)]


def _children(module: nn.Module) -> list[tuple[nn.Module, str]]:
    return [(module, name) for name, _ in module.named_children()]


def _is_row(module: nn.Module | None) -> bool:
    return isinstance(module, (nn.Sequential, nn.ModuleList))
