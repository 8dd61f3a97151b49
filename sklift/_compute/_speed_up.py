"""Guard of the speed-ups: a warning instead of an error where a library has changed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from .._core._warn import warn
from ._micro_batches import is_out_of_memory
from ._torch import set_class

# Errors that follow from a missing name, another signature, or a value of another type.
_CHANGED = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_warned: set[tuple[str, str]] = set()


@contextmanager
def optional(slower: str) -> Iterator[None]:
    """Context of a speed-up, which may fail: then a warning says what is slower.

    The warning is given once per process and reason. The code inside must check all that it needs
    before it changes anything.

    Parameters
    ----------
    slower : str
        The beginning of the warning.
    """
    try:
        yield
    except _CHANGED as error:
        if is_out_of_memory(error):
            raise
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        if (slower, reason) not in _warned:
            _warned.add((slower, reason))
            warn(
                f"{slower}; the results are the same. The installed torch, open_clip or timm has "
                f"changed what the faster way reads ({reason}): a newer scikit-lift may know it"
            )


def change_class(
    module: nn.Module,
    new_class: type[nn.Module],
    compute: Callable[[torch.Tensor], torch.Tensor],
    expected: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> None:
    """Give a module a faster class, if that class computes the same.

    Parameters
    ----------
    module : nn.Module
        A function of tokens ``(n, tokens, width)``. The last axis of its first parameter is the
        width.
    new_class : type
        The new class.
    compute : callable
        A function from tokens to the output of the module.
    expected : callable, default=None
        Such a function for the present class; by default ``compute`` itself.

    Raises
    ------
    ValueError
        If the outputs differ. After any error the module is as before.
    """
    weight, old_class = next(module.parameters()), type(module)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 5, weight.shape[-1], generator=generator).to(weight)
    modes = {part: part.training for part in module.modules()}
    for part in modes:
        part.training = False
    try:
        with without_autocast(tokens):
            wanted = (expected or compute)(tokens)
            set_class(module, new_class)
            require_same(compute(tokens), wanted)
    except BaseException:
        set_class(module, old_class)
        raise
    finally:
        for part, mode in modes.items():
            part.training = mode


@contextmanager
def without_autocast(x: torch.Tensor) -> Iterator[None]:
    """Context without gradients and without mixed precision."""
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        yield


def require_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    """Raise if two tensors differ by more than the rounding of products (TF32 included).

    Raises
    ------
    ValueError
        If their shapes differ, or their values are not close.
    """
    if found.shape != wanted.shape:
        raise ValueError(f"it gives {tuple(found.shape)} instead of {tuple(wanted.shape)}")
    rounded = max(4e-3, 8 * torch.finfo(wanted.dtype).eps)
    scale = wanted.nan_to_num(0, 0, 0).abs().max().item()
    atol = rounded * scale
    if not torch.allclose(found, wanted, rtol=0, atol=atol, equal_nan=True):
        raise ValueError("it gives other numbers")
