"""Work on several pictures at once."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

import joblib

_MAX_THREADS = 8


def map_items(function: Callable, items: Iterable) -> list:
    """``function`` of each item, in order, by several threads outside of data-loading workers.

    Pillow decodes and torch resizes without holding the interpreter's lock.
    """
    items = list(items)
    n_threads = min(_MAX_THREADS, joblib.cpu_count(), len(items))
    if n_threads < 2 or _in_worker():
        return [function(item) for item in items]
    with ThreadPoolExecutor(n_threads) as pool:
        return list(pool.map(function, items))


def _in_worker() -> bool:
    """Whether this is a data-loading worker, of which there are several already."""
    data = sys.modules.get("torch.utils.data")
    return data is not None and data.get_worker_info() is not None
