"""Frozen weights, for a while, in the precision that products with them are computed in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from ._attention import PackedAttention

# Exactly these: a subclass may compute something of its weight before the product.
_PRODUCTS = (nn.Linear, NonDynamicallyQuantizableLinear, nn.Conv2d, PackedAttention)


def store_products(
    tower: nn.Module, dtype: torch.dtype
) -> list[tuple[nn.Module, str, nn.Parameter]]:
    """Hold the frozen weights of matrix products in the dtype that autocast gives them.

    Autocast converts a frozen weight anew in every forward. The outputs under autocast to the same
    dtype are the same bit by bit; without it the tower can't compute any more.

    Parameters
    ----------
    tower : nn.Module
        Modules of its own, whose tensors others may share: those stay as they are.
    dtype : torch.dtype
        Of the products. Nothing is done but for bfloat16 and float16.

    Returns
    -------
    replaced : list of (module, name, weight)
        What was there before.
    """
    if dtype not in (torch.bfloat16, torch.float16):
        return []
    replaced = [
        (module, name, weight)
        for module in tower.modules()
        if type(module) in _PRODUCTS
        for name, weight in module.named_parameters(recurse=False)
        if weight.dtype == torch.float32 and not weight.requires_grad
    ]
    with torch.inference_mode(False):  # what is made inside of it could not be used in training
        for module, name, weight in replaced:
            setattr(module, name, nn.Parameter(weight.detach().to(dtype), requires_grad=False))
    return replaced


@contextmanager
def products_stored_in(tower: nn.Module, dtype: torch.dtype) -> Iterator[None]:
    """The same for a while, after which the weights are those that were there before."""
    replaced = store_products(tower, dtype)
    try:
        yield
    finally:
        for module, name, weight in replaced:
            setattr(module, name, weight)
