"""Frozen weights, for a while, in the precision that products with them are computed in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache

import torch
from torch import nn
from torch.nn import functional as F
from torch.nn.modules.linear import NonDynamicallyQuantizableLinear

from ..._compute._seeding import drawing_alone
from ..._compute._speed_up import optional, require_same
from ..._compute._torch import set_class
from ._attention import PackedAttention

_SLOWER = "frozen weights are converted to the precision of the products anew in each step"


class Held:
    """A module that holds a copy of frozen weights in the dtype of the products beside them.

    The copies serve under autocast to that dtype, where they are what autocast would make of the
    weights in each forward. Parameters stay what they are for all else: the state of the module,
    and what an adapter makes of them.
    """

    held: dict[str, torch.Tensor]

    def weights(self, x: torch.Tensor, *names: str) -> list[torch.Tensor | None]:
        """Those to compute with on the device of ``x``."""
        kind = x.device.type
        own = [getattr(self, name) for name in names]
        if not torch.is_autocast_enabled(kind):
            return own
        dtype = torch.get_autocast_dtype(kind)
        held = [self.held.get(name, weight) for name, weight in zip(names, own, strict=True)]
        return held if self.held[names[0]].dtype == dtype else own


class HeldLinear(Held, nn.Linear):
    """Of a feed-forward part, or timm's attention."""

    def forward(self, x):
        """``(..., n_in)`` -> ``(..., n_out)``."""
        return F.linear(x, *self.weights(x, "weight", "bias"))


class HeldConv(Held, nn.Conv2d):
    """Of the patches, or of a convolutional tower."""

    def forward(self, x):
        """``(n, channels, h, w)`` -> the same kind."""
        settings = (self.stride, self.padding, self.dilation, self.groups)
        return F.conv2d(x, *self.weights(x, "weight", "bias"), *settings)


class HeldAttention(Held, PackedAttention):
    """Of open_clip's blocks."""

    def packed(self, x):
        """Weight and bias of queries, keys and values."""
        return self.weights(x, "in_proj_weight", "in_proj_bias")


# Exactly these: a subclass may compute something of its weight before the product.
_HELD: dict[type[nn.Module], tuple[type[nn.Module], str]] = {
    nn.Linear: (HeldLinear, "weight"),
    NonDynamicallyQuantizableLinear: (HeldLinear, "weight"),
    nn.Conv2d: (HeldConv, "weight"),
    PackedAttention: (HeldAttention, "in_proj_weight"),
}


def cast_frozen_weights(tower: nn.Module, dtype: torch.dtype) -> list[tuple[nn.Module, type]]:
    """Hold frozen weights of matrix products also in the dtype that autocast gives them.

    Autocast converts a frozen weight anew in every forward. The outputs are the same bit by bit.

    Parameters
    ----------
    tower : nn.Module
        Modules of its own, whose tensors others may share.
    dtype : torch.dtype
        Of the products. Nothing is done but for bfloat16 and float16.

    Returns
    -------
    changed : list of (module, class)
        The modules that hold weights now, and their classes before.
    """
    changed: list[tuple[nn.Module, type]] = []
    if dtype not in (torch.bfloat16, torch.float16):
        return changed
    for module in tower.modules():
        kind, own = type(module), dict(module.named_parameters(recurse=False))
        if kind in _HELD and _is_frozen(own.get(_HELD[kind][1])) and _is_plain(module):
            if not _holds_the_same(kind):  # type: ignore[arg-type]  # a class can be hashed
                continue
            _hold(module, own, dtype)
            changed.append((module, kind))
    return changed


def _hold(module: nn.Module, own: dict[str, nn.Parameter], dtype: torch.dtype) -> None:
    with torch.inference_mode(False):  # what is made in it can't be used in training
        held = {name: w.detach().to(dtype) for name, w in own.items() if _is_frozen(w)}
    set_class(module, _HELD[type(module)][0])
    module.held = held


@contextmanager
def frozen_weights_cast(tower: nn.Module, dtype: torch.dtype) -> Iterator[None]:
    """The same for a while, after which the modules are what they were."""
    changed = cast_frozen_weights(tower, dtype)
    try:
        yield
    finally:
        for module, kind in changed:
            set_class(module, kind)
            del module.held


def _is_plain(module: nn.Module) -> bool:
    """Whether a convolution pads with zeros alone, which the product itself does."""
    return getattr(module, "padding_mode", "zeros") == "zeros"


_SAMPLES: dict[type[nn.Module], tuple[Callable, tuple[int, ...]]] = {
    nn.Linear: (lambda: nn.Linear(4, 4), (2, 4)),
    NonDynamicallyQuantizableLinear: (lambda: NonDynamicallyQuantizableLinear(4, 4), (2, 4)),
    nn.Conv2d: (lambda: nn.Conv2d(4, 4, 2, stride=2, padding=1), (2, 4, 4, 4)),
    PackedAttention: (lambda: PackedAttention(4, 1, batch_first=True), (2, 3, 4)),
}


@cache
def _holds_the_same(kind: type[nn.Module]) -> bool:
    """Whether a module of this class computes the same when it holds its weights."""
    with optional(_SLOWER), drawing_alone(0), torch.no_grad():
        make, shape = _SAMPLES[kind]
        module = make().requires_grad_(False)
        x = torch.randn(shape)
        call = (
            module
            if kind is not PackedAttention
            else lambda x: module(x, x, x, need_weights=False)[0]
        )
        with torch.autocast("cpu", torch.bfloat16):
            wanted = call(x)
            _hold(module, dict(module.named_parameters(recurse=False)), torch.bfloat16)
            require_same(call(x), wanted)
        return True
    return False


def _is_frozen(weight: torch.Tensor | None) -> bool:
    return weight is not None and weight.dtype == torch.float32 and not weight.requires_grad
