"""Bounds for a model that is built from numbers in a file."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.overrides import TorchFunctionMode

from ._arrays import TEXT

MOST_TEXT = 1 << 26  # bytes
_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.eye, torch.arange}
_FACTORIES |= {torch.rand, torch.randn, torch.randint, torch.randperm, torch.linspace}


def check_memory(content) -> None:
    """Check how much memory the text in JSON content takes, all of it, before any is made.

    Each text of an array is as wide as the widest: a short file could ask for any size.

    Raises
    ------
    ValueError
        If it is too much.
    """
    left, waiting = MOST_TEXT, [content]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            items, dtype = value.get("array"), value.get("dtype")
            if isinstance(items, list) and isinstance(dtype, str):
                width = TEXT.fullmatch(dtype)
                left -= 4 * int(width[1]) * len(items) if width else 0
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        if left < 0:
            raise ValueError(
                f"its arrays of text take more than {MOST_TEXT} bytes: names are too long, each "
                "takes as much as the longest"
            )


class BoundedMemory(TorchFunctionMode):
    """Context in which new tensors may hold at most ``n_values`` values in all.

    A rank of a billion in a short file is refused before memory is allocated for it. The sizes are
    found on torch's device "meta", which has no memory.
    """

    def __init__(self, n_values: int):
        super().__init__()
        self.left = n_values

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func in _FACTORIES:
            plain = {k: v for k, v in kwargs.items() if k not in ("generator", "out")}
            same, sizes = (torch.empty, _square(*args)) if func is torch.eye else (func, args)
            try:
                self.left -= same(*sizes, **{**plain, "device": "meta"}).numel()
            except RuntimeError:  # more than can be counted
                self.left = -1
            if self.left < 0:
                raise ValueError("its adapter or head is larger than the weights in the file")
        return func(*args, **kwargs)


def _square(n: int, m: int | None = None) -> tuple[int, int]:
    """Sizes of ``torch.eye``, for which torch loads its compiler on the device "meta"."""
    return n, n if m is None else m


def check_indices(model: nn.Module) -> None:
    """Check that integers in the state of a parametrisation are valid positions in its tensor.

    Raises
    ------
    ValueError
        If a position is outside of the tensor.
    """
    for module in model.modules():
        if isinstance(module, ParametrizationList):
            for buffer in module.buffers():
                if not buffer.is_floating_point() and buffer.numel():
                    low, high = buffer.min().item(), buffer.max().item()
                    if low < 0 or high >= module.original.numel():
                        raise ValueError("positions of trained weights lie outside of a matrix")
