"""Threads that prepare several pictures at once, or batches ahead of their use."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from threading import local
from typing import Any

import joblib
from threadpoolctl import ThreadpoolController


def map_items(function: Callable, items: Iterable) -> list:
    """Results of ``function`` for all items, in order; by several threads, except in workers.

    Pillow decodes and torch resizes without holding the interpreter's lock.
    """
    items = list(items)
    if min(joblib.cpu_count(), len(items)) < 2 or _in_worker() or hasattr(_this_thread, "in_pool"):
        return [function(item) for item in items]
    pool, results = _pool(joblib.cpu_count()), list[Any]()
    for start in range(0, len(items), _AT_ONCE):
        results += pool.map(function, items[start : start + _AT_ONCE])
    return results


_this_thread = local()
_AT_ONCE = 256  # items that wait in the pool, where each takes a kilobyte


@lru_cache(maxsize=1)
def _pool(n_threads: int) -> ThreadPoolExecutor:
    """The threads of this process; kept, since starting them can take longer than a batch."""
    return ThreadPoolExecutor(n_threads, "sklift", initializer=_compute_with_one_thread)


if hasattr(os, "register_at_fork"):  # a forked process does not inherit threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _compute_with_one_thread() -> None:
    """Limit this thread's operations to one thread: the threads of the pool use all cores already.

    Otherwise each of them would divide every resize among as many threads again.
    """
    _this_thread.in_pool = True
    if "torch" in sys.modules:
        sys.modules["torch"].get_num_threads()  # torch's own set-up of a new thread must come first
        _openmp().limit(limits=1)


@cache
def _openmp() -> ThreadpoolController:
    """Control of OpenMP, whose number of threads can be set for the calling thread alone."""
    return ThreadpoolController().select(user_api="openmp")


def prepared_ahead(batches: Iterable, n_ahead: int) -> Iterator:
    """Iterate over batches, the next of which a thread prepares while the device computes."""
    batches, end = iter(batches), object()
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, batches, end) for _ in range(n_ahead))
        try:
            while (batch := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, batches, end))
                yield batch
        finally:  # also if the caller does not take all batches
            for batch in waiting:
                batch.cancel()


def _in_worker() -> bool:
    """Return whether this process is a data-loading worker; there are several of them already."""
    data = sys.modules.get("torch.utils.data")
    return data is not None and data.get_worker_info() is not None
