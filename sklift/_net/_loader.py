"""The order of training samples, and the data loader that uses it."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from torch.utils.data import DataLoader, Sampler, SequentialSampler, Subset

from .._compute._threads import prepared_ahead
from .._data._labelled_rows import LabelledRows, collate
from ..images._dataset import raise_failed

_AT_ONCE = 4096  # indices as Python numbers, each of which takes the memory of four


class EpochOrder(Sampler):
    """Order of the samples in each epoch, which depends on seed and epoch only.

    So an interrupted training can continue in the middle of an epoch.

    Parameters
    ----------
    n_samples : int
        Number of samples, and number of draws in an epoch.
    seed : int
        The seed, >= 0.
    probabilities : ndarray of shape (n_samples,), optional
        Probabilities for draws with replacement. None: each sample is drawn once.
    """

    def __init__(self, n_samples: int, seed: int, probabilities: np.ndarray | None = None):
        self.n_samples = n_samples
        self.seed = seed
        self.probabilities = probabilities
        self.start(0)

    def start(self, epoch: int, n_seen: int = 0) -> None:
        """Set the epoch, counted from 0, and the number of its samples that are done already."""
        self.epoch = epoch
        self.n_seen = n_seen

    def __len__(self) -> int:
        return self.n_samples - self.n_seen

    def __iter__(self) -> Iterator[int]:
        order = self.indices()
        for start in range(0, len(order), _AT_ONCE):
            yield from order[start : start + _AT_ONCE].tolist()

    def indices(self) -> np.ndarray:
        """The order of the samples that are left, as an array."""
        rng = np.random.default_rng([self.seed, self.epoch])
        if self.probabilities is None:
            order = rng.permutation(self.n_samples)
        else:
            order = rng.choice(self.n_samples, self.n_samples, p=self.probabilities)
        return order[self.n_seen :]


class ShuffledLoader(DataLoader):
    """Data loader with its own order, which does not use torch's global random state.

    ``n_ahead``: number of batches that a thread prepares ahead, if there are no worker processes.
    """

    def __init__(
        self,
        dataset,
        *,
        seed: int,
        shuffle: bool = True,
        order: Sampler | None = None,
        sampler=None,
        batch_sampler=None,
        n_ahead: int = 0,
        **kwargs,
    ):
        if batch_sampler is not None:  # it determines the batch size
            kwargs = {**kwargs, "batch_sampler": batch_sampler}
            kwargs.pop("batch_size", None)
        elif shuffle and sampler is None:
            sampler = EpochOrder(len(dataset), seed) if order is None else order
        generator = torch.Generator().manual_seed(seed)  # for the seeds of workers
        defaults = {"generator": generator, "collate_fn": collate}
        super().__init__(dataset, sampler=sampler, **{**defaults, **kwargs})
        self.n_ahead = n_ahead

    def __iter__(self):
        if self.takes_rows():
            rows = _whole(self.dataset)
            return (rows[index] for index in self.index_batches())
        batches = super().__iter__()
        return raise_failed(prepared_ahead(batches, self.n_ahead) if self.n_ahead else batches)

    def takes_rows(self) -> bool:
        """Return whether the data are rows in memory, and all settings are our own."""
        return (
            isinstance(_whole(self.dataset), LabelledRows)
            and (isinstance(self.sampler, EpochOrder) or type(self.sampler) is SequentialSampler)
            and self.batch_size is not None
            and self.collate_fn is collate
            and not (self.num_workers or self.n_ahead or self.pin_memory)
        )

    def index_batches(self) -> Iterator[torch.Tensor]:
        """Numbers of the rows in each of the batches that torch's loader would give."""
        if isinstance(self.sampler, EpochOrder):
            order = torch.from_numpy(self.sampler.indices())
        else:
            order = torch.arange(len(self.sampler))  # a sampler of the user's may have fewer
        if isinstance(self.dataset, Subset):
            order = torch.as_tensor(self.dataset.indices)[order]
        size = self.batch_size
        n = len(order) - len(order) % size if self.drop_last else len(order)
        return (order[start : min(start + size, n)] for start in range(0, n, size))


def _whole(dataset):
    """The data set of which another one is a subset, or itself."""
    return dataset.dataset if isinstance(dataset, Subset) else dataset
