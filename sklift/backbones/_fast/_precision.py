"""Temporary copies of frozen weights in the precision of the matrix products."""

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
    """Module that holds, beside its frozen weights, a copy of them in the dtype of the products.

    The copies are used under autocast to that dtype, in place of those that autocast would make in
    each forward. Everything else, such as the state of the module and re-parametrisations by
    adapters, sees the parameters as they are.
    """

    held: dict[str, torch.Tensor]

    def weights(self, x: torch.Tensor, *names: str) -> list[torch.Tensor | None]:
        """Return the weights, or their copies, to compute with on the device of ``x``."""
        device_type = x.device.type
        weights = [getattr(self, name) for name in names]
        if not torch.is_autocast_enabled(device_type):
            return weights
        dtype = torch.get_autocast_dtype(device_type)
        held = [self.held.get(name, weight) for name, weight in zip(names, weights, strict=True)]
        return held if self.held[names[0]].dtype == dtype else weights


class HeldLinear(Held, nn.Linear):
    """Linear map of a feed-forward part or of timm's attention, with held weights."""

    def forward(self, x):
        """Return the product, ``(..., n_in) -> (..., n_out)``."""
        return F.linear(x, *self.weights(x, "weight", "bias"))


class HeldConv(Held, nn.Conv2d):
    """Convolution of the patches or of a convolutional tower, with held weights."""

    def forward(self, x):
        """Return the convolved input, ``(n, c, h, w) -> (n, c', h', w')``."""
        settings = (self.stride, self.padding, self.dilation, self.groups)
        return F.conv2d(x, *self.weights(x, "weight", "bias"), *settings)


class HeldAttention(Held, PackedAttention):
    """Attention of open_clip's blocks, with held weights."""

    def packed(self, x):
        """Return weight and bias of queries, keys and values."""
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
        A copy that nothing else uses; its tensors may be shared.
    dtype : torch.dtype
        Precision of the products; nothing is done unless it is bfloat16 or float16.

    Returns
    -------
    changed : list of (module, class)
        The modules that hold weights now, and the classes that they had.
    """
    changed: list[tuple[nn.Module, type]] = []
    if dtype not in (torch.bfloat16, torch.float16):
        return changed
    for module in tower.modules():
        cls, weights = type(module), dict(module.named_parameters(recurse=False))
        if cls in _HELD and _is_frozen(weights.get(_HELD[cls][1])) and _is_plain(module):
            if not _is_same_when_held(cls):  # type: ignore[arg-type]  # a class can be hashed
                continue
            _hold(module, weights, dtype)
            changed.append((module, cls))
    return changed


def _hold(module: nn.Module, weights: dict[str, nn.Parameter], dtype: torch.dtype) -> None:
    with torch.inference_mode(False):  # tensors made in it can't be used in training
        held = {name: w.detach().to(dtype) for name, w in weights.items() if _is_frozen(w)}
    set_class(module, _HELD[type(module)][0])
    module.held = held


@contextmanager
def frozen_weights_cast(tower: nn.Module, dtype: torch.dtype) -> Iterator[None]:
    """Context of :func:`cast_frozen_weights`, at whose end the modules are as before."""
    changed = cast_frozen_weights(tower, dtype)
    try:
        yield
    finally:
        for module, cls in changed:
            set_class(module, cls)
            del module.held


def _is_plain(module: nn.Module) -> bool:
    """Tell whether a module is no convolution, or one that pads with zeros."""
    return getattr(module, "padding_mode", "zeros") == "zeros"


_SAMPLES: dict[type[nn.Module], tuple[Callable, tuple[int, ...]]] = {
    nn.Linear: (lambda: nn.Linear(4, 4), (2, 4)),
    NonDynamicallyQuantizableLinear: (lambda: NonDynamicallyQuantizableLinear(4, 4), (2, 4)),
    nn.Conv2d: (lambda: nn.Conv2d(4, 4, 2, stride=2, padding=1), (2, 4, 4, 4)),
    PackedAttention: (lambda: PackedAttention(4, 1, batch_first=True), (2, 3, 4)),
}


@cache
def _is_same_when_held(cls: type[nn.Module]) -> bool:
    """Tell whether a module of this class computes the same with held weights."""
    with optional(_SLOWER), drawing_alone(0), torch.no_grad():
        make, shape = _SAMPLES[cls]
        module = make().requires_grad_(False)
        x = torch.randn(shape)
        call = (
            module
            if cls is not PackedAttention
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
