"""A counter that this process shares with its data-loading workers."""

from __future__ import annotations

import torch


def shared_counter() -> torch.Tensor:
    """A zero of shape () in shared memory, in which persistent workers see the epoch change.

    If there is no shared memory, or it is full, the result is an ordinary tensor: without shared
    memory, workers can't send batches, and this process alone does not need it.
    """
    try:
        return torch.zeros((), dtype=torch.int64).share_memory_()
    except RuntimeError:
        return torch.zeros((), dtype=torch.int64)
