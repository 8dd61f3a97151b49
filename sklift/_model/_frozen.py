"""Detection of the parts of a tower that an adapter has not touched."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from ..backbones import Backbone


def tensors_by_module(tower: nn.Module) -> dict[nn.Module, tuple]:
    """Class and own tensors of each module, to compare the tower with later."""
    return {module: _class_and_tensors(module) for module in tower.modules()}


def touched_modules(tower: nn.Module, before: dict[nn.Module, tuple]) -> set[nn.Module]:
    """Modules that are new, hold other tensors than ``before``, or have trained parameters."""
    return {
        module
        for module in tower.modules()
        if before.get(module) != _class_and_tensors(module)
        or any(p.requires_grad for p in module.parameters(recurse=False))
    }


def n_untouched_blocks(touched: set[nn.Module], blocks: Sequence[nn.Module]) -> int:
    """Number of leading blocks without touched modules; 0 if one is outside of all blocks."""
    inside = [set(block.modules()) & touched for block in blocks]
    if touched - set().union(*inside):
        return 0
    return next((i for i, part in enumerate(inside) if part), 0)


@torch.no_grad()
def computes_alike(function: Callable, other: Callable, backbone: Backbone, device) -> bool:
    """Return whether two functions have the same output for a random view.

    Only this test detects a hook, a changed setting of a module, or another order of blocks.
    """
    size = backbone.preprocess.size
    generator = torch.Generator().manual_seed(0)
    view = torch.randn(1, 3, size, size, generator=generator).to(device)
    with torch.autocast(view.device.type, enabled=False):
        return torch.equal(function(view), other(view))


def _class_and_tensors(module: nn.Module) -> tuple:
    tensors = (
        *module.named_parameters(recurse=False, remove_duplicate=False),
        *module.named_buffers(recurse=False, remove_duplicate=False),
    )
    return type(module), *((name, id(tensor)) for name, tensor in tensors)
