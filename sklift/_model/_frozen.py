"""What an adapter has left of a tower as the backbone has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import nn

from ..backbones import Backbone


def own_parts(tower: nn.Module) -> dict[nn.Module, tuple]:
    """Of each module its class, and the tensors that it holds itself."""
    return {module: _own(module) for module in tower.modules()}


def touched_modules(tower: nn.Module, before: dict[nn.Module, tuple]) -> set[nn.Module]:
    """The modules that are new, hold other tensors than before, or train some."""
    return {
        module
        for module in tower.modules()
        if before.get(module) != _own(module)
        or any(p.requires_grad for p in module.parameters(recurse=False))
    }


def n_blocks_before(touched: set[nn.Module], blocks: Sequence[nn.Module]) -> int:
    """The number of leading blocks that hold no module of these; 0 if one is outside of blocks."""
    inside = [set(block.modules()) & touched for block in blocks]
    if touched - set().union(*inside):
        return 0
    return next((i for i, some in enumerate(inside) if some), 0)


@torch.no_grad()
def computes_alike(one: Callable, other: Callable, backbone: Backbone, device) -> bool:
    """Whether two functions make the same of a view.

    A hook, a setting of a module or another order of blocks is seen here alone.
    """
    size = backbone.preprocess.size
    generator = torch.Generator().manual_seed(0)
    view = torch.randn(1, 3, size, size, generator=generator).to(device)
    with torch.autocast(view.device.type, enabled=False):
        return torch.equal(one(view), other(view))


def _own(module: nn.Module) -> tuple:
    tensors = (
        *module.named_parameters(recurse=False, remove_duplicate=False),
        *module.named_buffers(recurse=False, remove_duplicate=False),
    )
    return type(module), *((name, id(tensor)) for name, tensor in tensors)
