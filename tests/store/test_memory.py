"""Arrays in memory."""

from __future__ import annotations

import os

import numpy as np
import pytest
import torch.utils.data

from sklift._store import _memory
from sklift._store._memory import MemoryArrays


def arrays(n, start=0):
    """Of four bytes each."""
    return {i: np.full(4, i, np.uint8) for i in range(start, start + n)}


def test_what_was_used_longest_ago_makes_room():
    store = MemoryArrays(12)
    for i in range(5):
        store.add(arrays(1, i))
        store.find([0])
    assert sorted(store.find(range(5))) == [0, 3, 4] and store.n_bytes == 12


def test_any_array_makes_room_and_a_cycle_finds_some():
    """Of eight arrays that come round, six fit: the least recently used rule would find none."""
    found = {}
    for at_random in (False, True):
        store = MemoryArrays(24, evict_at_random=at_random)
        found[at_random] = 0
        for _ in range(20):
            for i in range(8):
                found[at_random] += len(store.find([i]))
                store.add(arrays(1, i))
        assert store.n_bytes == 24
    assert found[False] == 0 and found[True] > 60


def test_eviction_is_the_same_in_every_run():
    kept = []
    for _ in range(2):
        store = MemoryArrays(24, evict_at_random=True)
        for i in range(40):
            store.add(arrays(1, i))
        kept.append(sorted(store.find(range(40))))
    assert kept[0] == kept[1]


def test_what_is_there_need_not_make_room():
    store = MemoryArrays(12)
    store.add(arrays(3))
    store.add(arrays(2, 3), make_room=False)
    assert sorted(store.find(range(5))) == [0, 1, 2]


def test_what_is_larger_than_all_room_pushes_nothing_out():
    store = MemoryArrays(12)
    store.add(arrays(3))
    store.add({"large": np.zeros(13, np.uint8)})
    assert store.n_bytes == 12 and not store.find(["large"])


def test_no_array_keeps_the_table_that_it_is_a_row_of():
    store, table = MemoryArrays(1 << 20), np.ones((100, 4), np.float32)
    store.add({0: table[0], 1: table})
    row, whole = store.find([0, 1]).values()
    assert row.base is None and whole is table


def test_workers_share_the_room(monkeypatch):
    class Worker:
        num_workers = 3

    monkeypatch.setattr(torch.utils.data, "get_worker_info", Worker)
    store = MemoryArrays(24)
    store.add(arrays(6))
    assert store.n_bytes == 8


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no forks here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_fork_finds_the_lock_free():
    """Also where it is asked for while another thread holds it: the fork waits."""
    import threading

    release = threading.Event()

    def hold():
        with _memory._lock:
            held.set()
            release.wait(10)

    held = threading.Event()
    thread = threading.Thread(target=hold)
    thread.start()
    held.wait()
    threading.Timer(0.2, release.set).start()
    child = os.fork()
    if child == 0:
        os._exit(0 if _memory._lock.acquire(timeout=1) else 1)
    thread.join()
    assert os.waitpid(child, 0)[1] == 0
    assert _memory._lock.acquire(timeout=1)
    _memory._lock.release()
