"""Blocks of a tower of any make, found by how its modules are nested and repeated."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator

import torch
from torch import nn

ROWS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
LINEARS = (nn.Linear, nn.Conv2d, nn.MultiheadAttention)  # the last holds a matrix of its own

Place = tuple[nn.Module, str]  # a parent, and the name of the module in it


def is_norm(module: nn.Module) -> bool:
    """Tell whether a module is a norm with a scale.

    By the name of its class: libraries of towers have norms of their own, not all of them
    subclasses of torch's.
    """
    own = dict(module.named_parameters(recurse=False))
    return "Norm" in type(module).__name__ and "weight" in own


def units_of(tower: nn.Module) -> list[Place]:
    """List the blocks of a tower in the order of its modules, as parents and names in them.

    A block is a module with at least two matrices or convolutions, and a norm if the tower has any,
    of a class that the tower repeats. Where such modules stand in a row inside of another, as the
    blocks of a stage do, the inner ones are meant. If all of them hold less than a third of the
    tower's weights, as in a plain chain of layers, each layer is a block.
    """
    found = _distinct(_repeated(tower, _classes_of_blocks(tower)))
    held = share_of_weights([getattr(*place) for place in found], tower)
    return found if held > 1 / 3 else _distinct(_layers(tower))


def share_of_weights(modules: Iterable[nn.Module], tower: nn.Module) -> float:
    """Return the share of the weights of all matrices and convolutions that modules hold."""
    inside = {weight for module in modules for weight in _weights(module)}
    return sum(map(torch.numel, inside)) / max(1, sum(map(torch.numel, _weights(tower))))


def _classes_of_blocks(tower: nn.Module) -> set[type[nn.Module]]:
    repeated = Counter(type(m) for m in tower.modules() if type(m) not in ROWS)
    has_norms = any(map(is_norm, tower.modules()))
    return {
        type(module)
        for module in tower.modules()
        if repeated[type(module)] > 1
        and sum(isinstance(part, LINEARS) for part in module.modules()) > 1
        and (not has_norms or any(map(is_norm, module.modules())))
    }


def _repeated(module: nn.Module, classes: set[type[nn.Module]]) -> Iterator[Place]:
    for name, child in module.named_children():
        if type(child) in classes and not _holds_a_row(child, classes):
            yield module, name
        else:
            yield from _repeated(child, classes)


def _holds_a_row(module: nn.Module, classes: set[type[nn.Module]]) -> bool:
    rows = (part for part in module.modules() if isinstance(part, ROWS))
    return any(type(child) in classes for row in rows for child in row.children())


def _layers(module: nn.Module) -> Iterator[Place]:
    for name, child in module.named_children():
        if isinstance(child, LINEARS) or is_norm(child):
            yield module, name
        else:
            yield from _layers(child)


def _distinct(places: Iterable[Place]) -> list[Place]:
    """Keep the first place of each module: a tower may hold one in several."""
    first: dict[nn.Module, Place] = {}
    for place in places:
        first.setdefault(getattr(*place), place)
    return list(first.values())


def _weights(module: nn.Module) -> set[nn.Parameter]:
    linears = (part for part in module.modules() if isinstance(part, LINEARS))
    return {p for linear in linears for p in linear.parameters()}
