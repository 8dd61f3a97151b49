"""What to do where the memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the CPU's allocator, had no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def free_memory(device) -> None:
    """Give back what the allocator keeps, so that smaller pieces fit."""
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()


def by_halves(function: Callable, x: torch.Tensor) -> torch.Tensor:
    """``function(x)``, by halves of ``x`` where it is too large for the memory."""
    try:
        return function(x)
    except (torch.OutOfMemoryError, RuntimeError) as error:
        if len(x) < 2 or not is_out_of_memory(error):
            raise
    # out of the handler, which would keep the tensors of the failed attempt alive
    free_memory(x.device)
    return torch.cat([by_halves(function, part) for part in x.chunk(2)])
