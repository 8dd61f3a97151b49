"""Micro-batches: the parts of a batch that are computed at once."""

from __future__ import annotations

from collections.abc import Callable

import torch

# Eight views of 224 px: the activations of more do not fit into the caches of a CPU. In parts of 8,
# a ViT-S/16 predicts 1.7 times as many pictures a second as in whole batches of 128.
MOST_VALUES = 8 * 3 * 224 * 224
# The CPU computes products of fewer rows in another way, which rounds differently.
FEWEST = 8
_FEWEST_ROWS = 16  # on Intel's processors


def enough_rows(x: torch.Tensor) -> torch.Tensor:
    """Repeat some of ``FEWEST`` pictures or more, where each is one row of a product.

    So features do not depend on how many are computed together. In training, the frozen features
    of a batch must be those of the tuned model at its start: there, nothing is repeated.
    """
    if not torch.is_inference_mode_enabled() or x.device.type != "cpu":
        return x
    return x[torch.arange(_FEWEST_ROWS) % len(x)] if FEWEST <= len(x) < _FEWEST_ROWS else x


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether the error says that a device, or the CPU's allocator, has no memory left."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def free_memory(device) -> None:
    """Release memory that the allocator holds, so that smaller parts fit."""
    if torch.device(device).type == "cuda":
        torch.cuda.empty_cache()


class MicroBatches:
    """Call a function on parts of a batch: small ones on a CPU, or as many rows as memory allows.

    A size that fits into memory is remembered for later batches.
    """

    largest: int | None = None

    def __call__(self, function: Callable, x: torch.Tensor, device) -> torch.Tensor:
        """``function(x)``, computed on the device: a tensor with a row for each row of ``x``."""
        n_parts = 1 if self.largest is None else -(-len(x) // self.largest)
        if torch.device(device).type == "cpu" and x.ndim > 2:  # views or tokens
            n_views = x.shape[1] if x.ndim == 5 else 1  # views of each picture
            most = len(x) // -(-FEWEST // n_views)
            n_parts = max(n_parts, min(x.numel() // MOST_VALUES, most))
        if n_parts > 1:
            return torch.cat(
                [self._part(function, part, device) for part in x.tensor_split(n_parts)]
            )
        return self._part(function, x, device)

    def _part(self, function: Callable, x: torch.Tensor, device) -> torch.Tensor:
        if self.largest is not None and len(x) > self.largest:  # ``largest`` has shrunk meanwhile
            return self(function, x, device)
        try:
            return function(x)
        except (torch.OutOfMemoryError, RuntimeError) as error:
            if len(x) < 2 or not is_out_of_memory(error):
                raise
        # Outside of the handler, which would keep the tensors of the failed attempt alive.
        self.largest = (len(x) + 1) // 2
        free_memory(device)
        return self(function, x, device)
