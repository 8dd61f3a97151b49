"""How much of a batch is computed with at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

# Eight views of 224 px: of more, what a block of a tower makes leaves the caches of a CPU. In parts
# of 8, a ViT-S/16 predicts 1.7 times as many pictures a second as in whole batches of 128.
MOST_VALUES = 8 * 3 * 224 * 224
# Products of fewer rows take another way through the CPU and are rounded otherwise: of fewer than
# 16 rows on Intel's processors, and the last block of a tower computes one row a view.
FEWEST = 16


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the CPU's allocator, had no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def free_memory(device) -> None:
    """Give back what the allocator keeps, so that smaller pieces fit."""
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()


class MicroBatches:
    """Calls a function of a batch in parts: as few views as suit a CPU, or as the memory allows.

    What is found of the memory is kept for the batches to come.
    """

    largest: int | None = None

    def __call__(self, function: Callable, x: torch.Tensor, device) -> torch.Tensor:
        """``function(x)`` as computed on the device, a tensor with a row for each of ``x``."""
        n_parts = 1 if self.largest is None else -(-len(x) // self.largest)
        if torch.device(device).type == "cpu" and x.ndim > 2:  # views or tokens
            n_views = x.shape[1] if x.ndim == 5 else 1  # of a picture
            most = len(x) // -(-FEWEST // n_views)
            n_parts = max(n_parts, min(x.numel() // MOST_VALUES, most))
        if n_parts > 1:
            return torch.cat(
                [self._part(function, part, device) for part in x.tensor_split(n_parts)]
            )
        return self._part(function, x, device)

    def _part(self, function: Callable, x: torch.Tensor, device) -> torch.Tensor:
        if self.largest is not None and len(x) > self.largest:  # since it was cut off
            return self(function, x, device)
        try:
            return function(x)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if len(x) < 2 or not is_out_of_memory(error):
                raise
        # out of the handler, which would keep the tensors of the failed attempt alive
        self.largest = (len(x) + 1) // 2
        free_memory(device)
        return self(function, x, device)
