"""The store of arrays in the memory of the process."""

from __future__ import annotations

import os
import sys
from collections.abc import Hashable, Iterable, Mapping
from math import inf
from random import Random
from threading import Lock

import numpy as np
from cachetools import Cache, LRUCache, RRCache

# One lock for all stores, which is held for a few look-ups only. A fork waits for it: otherwise the
# child would inherit a lock that nobody releases, and half-changed stores.
_lock = Lock()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(
        before=_lock.acquire, after_in_parent=_lock.release, after_in_child=_lock.release
    )


class MemoryArrays:
    """Arrays by key, in memory up to a bound.

    Parameters
    ----------
    max_bytes : int
        The largest total size. Data-loading workers divide it among them.
    evict_at_random : bool, default=False
        Whether a random array is deleted to make room, instead of the least recently used one.
        Epochs use the arrays in cyclic or random order: the least recently used array is then the
        one that is needed next.
    """

    outlives_process = False

    def __init__(self, max_bytes: int, evict_at_random: bool = False):
        self.max_bytes = max_bytes
        self._arrays: Cache = (
            RRCache(inf, choice=Random(0).choice, getsizeof=_n_bytes)
            if evict_at_random
            else LRUCache(inf, getsizeof=_n_bytes)
        )

    @property
    def n_bytes(self) -> int:
        """Total size of the arrays in bytes."""
        return int(self._arrays.currsize)

    def find(self, keys: Iterable[Hashable]) -> dict:
        """Dict of the stored arrays among ``keys``."""
        with _lock:
            return {key: self._arrays[key] for key in dict.fromkeys(keys) if key in self._arrays}

    def add(self, arrays: Mapping, make_room: bool = True) -> None:
        """Store arrays, if there is room. ``make_room``: whether old ones may be deleted."""
        arrays = {key: _without_base(array) for key, array in arrays.items()}
        bound = self.max_bytes // _n_sharing()
        with _lock:
            for key, array in arrays.items():
                most = bound if make_room else bound - self.n_bytes
                if key in self._arrays or array.nbytes > most:
                    continue
                while self.n_bytes + array.nbytes > bound:
                    self._arrays.popitem()
                self._arrays[key] = array


def _n_bytes(array: np.ndarray) -> int:
    return array.nbytes


def _without_base(array: np.ndarray) -> np.ndarray:
    """The array, or a copy if it is part of another one, which it would keep alive."""
    return np.array(array) if isinstance(array.base, np.ndarray) else array


def _n_sharing() -> int:
    """Number of data-loading workers if this process is one of them, else 1."""
    data = sys.modules.get("torch.utils.data")  # no import: a worker has imported it already
    worker = None if data is None else data.get_worker_info()
    return 1 if worker is None else worker.num_workers
