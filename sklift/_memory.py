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


class Parts:
    """Calls a function of a batch, in parts where the memory does not suffice; keeps their size."""

    largest: int | None = None

    def __call__(self, function: Callable, x: torch.Tensor) -> torch.Tensor:
        """``function(x)``, a tensor with a row for each of ``x``."""
        if self.largest is None or len(x) <= self.largest:
            try:
                return function(x)
            except (torch.OutOfMemoryError, RuntimeError) as error:
                if len(x) < 2 or not is_out_of_memory(error):
                    raise
            # out of the handler, which would keep the tensors of the failed attempt alive
            self.largest = (len(x) + 1) // 2
            free_memory(x.device)
        return torch.cat([self(function, part) for part in x.split(self.largest)])
