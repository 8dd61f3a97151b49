"""A counter, and flags, that this process shares with its data-loading workers."""

from __future__ import annotations

import torch


def shared_counter() -> torch.Tensor:
    """A zero of shape () in shared memory, in which persistent workers see the epoch change."""
    return _shared(torch.zeros((), dtype=torch.int64))


def shared_flags(n: int) -> torch.Tensor:
    """A tensor of ``n`` times False in shared memory, in which workers leave notes."""
    return _shared(torch.zeros(n, dtype=torch.bool))


def _shared(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor, moved to shared memory.

    If there is no shared memory, or it is full, it stays an ordinary tensor: without shared memory,
    workers can't send batches, and this process alone does not need it.
    """
    try:
        return tensor.share_memory_()
    except RuntimeError:
        return tensor
