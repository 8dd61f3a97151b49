"""Data sets of rows that give a whole batch at once, and the collate function for them."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch.utils.data import Dataset

from .._compute._counter import shared_counter
from ..images._dataset import collate as collate_views


class LabelledRows(Dataset):
    """Dataset of items ``row``, ``(row, target)`` or ``((row, weight), target)``.

    ``X`` is an array ``(n, n_features)`` or ``(n, n_views, n_features)``, which may be read-only;
    an epoch uses one of the views. An index may also be a tensor or a slice: the item is then a
    batch.
    """

    def __init__(self, X: np.ndarray, codes=None, weights=None):
        self.views: Any = X if X.ndim == 3 else X[:, None]
        self.n_views = self.views.shape[1]
        self.epoch = shared_counter()
        self.codes = None if codes is None else torch.as_tensor(codes)
        self.weights = None if weights is None else torch.as_tensor(weights, dtype=dtype_of(X))

    def __len__(self) -> int:
        return len(self.views)

    def __getitem__(self, i):
        row = self._rows(i, int(self.epoch) % self.n_views)
        if self.codes is None:
            return row
        return row if self.weights is None else (row, _at(self.weights, i)), _at(self.codes, i)

    def _rows(self, i, view: int):
        index = i if isinstance(i, slice) else np.asarray(i)
        return torch.tensor(self.views[index, view])  # torch's own memory is aligned, see _at

    def __getitems__(self, indices):
        return CollatedBatch(self[torch.as_tensor(indices)])

    def set_epoch(self, epoch: int) -> None:
        """Start an epoch, counted from 0."""
        self.epoch.fill_(epoch)


def dtype_of(X: np.ndarray) -> torch.dtype:
    """Torch's name of the type of an array."""
    return torch.from_numpy(np.empty(0, X.dtype)).dtype


def _at(values: torch.Tensor, i) -> torch.Tensor:
    """Values at an index, or a copy of those at several: so a batch always begins where memory is
    aligned, which may change how products are rounded.
    """
    if isinstance(i, slice):
        return values[i].clone()
    return values.index_select(0, i) if torch.is_tensor(i) and i.ndim else values[i]


class CollatedBatch:
    """A batch that is collated already."""

    def __init__(self, batch):
        self.batch = batch


def collate(items):
    """Collate function of the data loaders: a batch from its items."""
    return items.batch if isinstance(items, CollatedBatch) else collate_views(items)
