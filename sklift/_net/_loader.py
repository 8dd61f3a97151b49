"""The order in which samples come."""

from __future__ import annotations

import torch
from torch.utils.data import DataLoader, RandomSampler

from .._data import collate


class ShuffledLoader(DataLoader):
    """Draws from generators of its own, of which one is for the order alone.

    A plain loader draws from torch's global random state, needed or not.
    """

    def __init__(self, dataset, *, seed: int, shuffle: bool = True, sampler=None, **kwargs):
        if shuffle and sampler is None:
            sampler = RandomSampler(dataset, generator=torch.Generator().manual_seed(seed))
        generator = torch.Generator().manual_seed(seed)  # for the seeds of workers
        own = {"generator": generator, "collate_fn": collate}
        super().__init__(dataset, sampler=sampler, **{**own, **kwargs})
