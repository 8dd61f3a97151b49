"""A number that data-loading workers see change."""

from __future__ import annotations

import torch


def shared_counter() -> torch.Tensor:
    """Zero, of shape (), in shared memory: workers that outlive an epoch see the next one begin.

    Where there is no shared memory, or it is full, it is an ordinary tensor: workers can't pass
    batches on without that memory either, and this process needs none.
    """
    try:
        return torch.zeros((), dtype=torch.int64).share_memory_()
    except RuntimeError:
        return torch.zeros((), dtype=torch.int64)
