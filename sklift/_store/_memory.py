"""Arrays in the memory of the process, up to a bound."""

from __future__ import annotations

import os
import sys
from collections.abc import Hashable, Iterable, Mapping
from math import inf
from random import Random
from threading import Lock

import numpy as np
from cachetools import Cache, LRUCache, RRCache

# One for all stores, each of which is held for the time of a few look-ups. A fork waits for it:
# the child would find a lock that nobody gives back, and what it guards half changed.
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
        The most memory to use; data-loading workers share it among them.
    evict_at_random : bool, default=False
        Whether any array makes room for a new one, rather than the one used longest ago. Of arrays
        that come round again, in cyclic or random order, the latter would drop each just before it
        is needed.
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
        """What the arrays take."""
        return int(self._arrays.currsize)

    def find(self, keys: Iterable[Hashable]) -> dict:
        """The known ones among ``keys``."""
        with _lock:
            return {key: self._arrays[key] for key in dict.fromkeys(keys) if key in self._arrays}

    def add(self, arrays: Mapping, make_room: bool = True) -> None:
        """Keep these as well, if there is room, or room can be made."""
        arrays = {key: _alone(array) for key, array in arrays.items()}
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


def _alone(array: np.ndarray) -> np.ndarray:
    """The array, or a copy of what is a part of another: it would keep all of that alive."""
    return np.array(array) if isinstance(array.base, np.ndarray) else array


def _n_sharing() -> int:
    """The number of data-loading workers, if this process is one of them, or 1."""
    data = sys.modules.get("torch.utils.data")  # not imported here: a worker has imported it
    worker = None if data is None else data.get_worker_info()
    return 1 if worker is None else worker.num_workers
