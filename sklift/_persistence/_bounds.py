"""Bounds for a model that is built from numbers in a file."""

from __future__ import annotations

import torch
from torch import nn
from torch.nn.utils.parametrize import ParametrizationList
from torch.overrides import TorchFunctionMode

_FACTORIES = {torch.empty, torch.zeros, torch.ones, torch.full, torch.rand, torch.randn}


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
            try:
                self.left -= func(*args, **{**plain, "device": "meta"}).numel()
            except RuntimeError:  # more than can be counted
                self.left = -1
            if self.left < 0:
                raise ValueError("its adapter or head is larger than the weights in the file")
        return func(*args, **kwargs)


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
