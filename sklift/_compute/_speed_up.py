"""Guard of the speed-ups: what does without one where a library has changed what it reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import nn

from .._core._warn import warn
from ._micro_batches import is_out_of_memory
from ._torch import set_class

# What a name that is gone, another signature, or another kind of value leads to.
_CHANGED = (
    AssertionError,
    AttributeError,
    ImportError,
    LookupError,
    RuntimeError,
    TypeError,
    ValueError,
)
_told: set[tuple[str, str]] = set()


@contextmanager
def optional(slower: str) -> Iterator[None]:
    """What is inside may fail: then a warning, once per process and reason, says what is slower.

    Nothing inside may be changed before all is checked that it needs.

    Parameters
    ----------
    slower : str
        The sentence that the warning begins with.
    """
    try:
        yield
    except _CHANGED as error:
        if is_out_of_memory(error):
            raise
        reason = f"{type(error).__name__}: {error}".partition("\n")[0]
        if (slower, reason) not in _told:
            _told.add((slower, reason))
            warn(
                f"{slower}; the results are the same. The installed torch, open_clip or timm has "
                f"changed what the faster way reads ({reason}): a newer scikit-lift may know it"
            )


def change_class(
    module: nn.Module,
    kind: type[nn.Module],
    compute: Callable[[torch.Tensor], torch.Tensor],
    expected: Callable[[torch.Tensor], torch.Tensor] | None = None,
) -> None:
    """Give a module a class that computes faster, if it computes the same.

    Parameters
    ----------
    module : nn.Module
        Maps tokens ``(n, tokens, width)``; its first parameter ends with the width.
    kind : type
        Its new class.
    compute : callable
        What the module makes of tokens.
    expected : callable, default=None
        The same, as the present class has it; by default ``compute`` itself.

    Raises
    ------
    ValueError
        If the outputs differ, or what the new class raises: the module is as it was.
    """
    like, own = next(module.parameters()), type(module)
    generator = torch.Generator().manual_seed(0)
    tokens = torch.randn(2, 5, like.shape[-1], generator=generator).to(like)
    modes = {part: part.training for part in module.modules()}
    for part in modes:
        part.training = False
    try:
        with without_autocast(tokens):
            wanted = (expected or compute)(tokens)
            set_class(module, kind)
            require_same(compute(tokens), wanted)
    except BaseException:
        set_class(module, own)
        raise
    finally:
        for part, mode in modes.items():
            part.training = mode


@contextmanager
def without_autocast(x: torch.Tensor) -> Iterator[None]:
    """Neither gradients nor mixed precision inside."""
    with torch.no_grad(), torch.autocast(x.device.type, enabled=False):
        yield


def require_same(found: torch.Tensor, wanted: torch.Tensor) -> None:
    """Raise unless two tensors differ by no more than products are rounded, TF32's among them.

    Raises
    ------
    ValueError
        If they are not of the same shape, or not near.
    """
    if found.shape != wanted.shape:
        raise ValueError(f"it gives {tuple(found.shape)} instead of {tuple(wanted.shape)}")
    rounded = max(4e-3, 8 * torch.finfo(wanted.dtype).eps)
    atol = rounded * wanted.abs().max().item()
    if not torch.allclose(found, wanted, rtol=0, atol=atol, equal_nan=True):
        raise ValueError("it gives other numbers")
