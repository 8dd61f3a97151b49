"""Work on several pictures at once, and ahead of what computes with them."""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache, lru_cache
from threading import local

import joblib
from threadpoolctl import ThreadpoolController


def map_items(function: Callable, items: Iterable) -> list:
    """``function`` of each item, in order, by several threads outside of data-loading workers.

    Pillow decodes and torch resizes without holding the interpreter's lock.
    """
    items = list(items)
    if min(joblib.cpu_count(), len(items)) < 2 or _in_worker() or hasattr(_this_thread, "in_pool"):
        return [function(item) for item in items]
    return list(_pool(joblib.cpu_count()).map(function, items))


_this_thread = local()


@lru_cache(maxsize=1)
def _pool(n_threads: int) -> ThreadPoolExecutor:
    """The threads of this process, which are kept: to start them takes longer than some batches."""
    return ThreadPoolExecutor(n_threads, "sklift", initializer=_compute_with_one_thread)


if hasattr(os, "register_at_fork"):  # a forked process has none of the threads
    os.register_at_fork(after_in_child=_pool.cache_clear)


def _compute_with_one_thread() -> None:
    """Let the operations of this thread stay in it: the threads of a pool have all cores already.

    Else each of them would share out every resize among as many threads again.
    """
    _this_thread.in_pool = True
    if "torch" in sys.modules:
        sys.modules["torch"].get_num_threads()  # what torch sets up in a new thread comes first
        _openmp().limit(limits=1)


@cache
def _openmp() -> ThreadpoolController:
    """OpenMP, whose number of threads is set for the calling thread alone."""
    return ThreadpoolController().select(user_api="openmp")


def prepared_ahead(batches: Iterable, n_ahead: int) -> Iterator:
    """The batches, the next of which a thread prepares while one is computed with on a device."""
    batches, end = iter(batches), object()
    with ThreadPoolExecutor(1) as thread:
        waiting = deque(thread.submit(next, batches, end) for _ in range(n_ahead))
        try:
            while (batch := waiting.popleft().result()) is not end:
                waiting.append(thread.submit(next, batches, end))
                yield batch
        finally:  # also where the rest is not asked for
            for batch in waiting:
                batch.cancel()


def _in_worker() -> bool:
    """Whether this is a data-loading worker, of which there are several already."""
    data = sys.modules.get("torch.utils.data")
    return data is not None and data.get_worker_info() is not None
