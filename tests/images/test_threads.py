from __future__ import annotations

import multiprocessing
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from sklift._compute import _threads
from sklift._compute._threads import map_items, prepared_ahead


@pytest.mark.parametrize("n_cores", [1, 4])
def test_items_come_in_order(monkeypatch, n_cores):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: n_cores)
    both = threading.Barrier(2)

    def square(i):
        if n_cores > 1 and i < 2:
            both.wait(timeout=30)  # which one thread alone would never get past
        return i**2

    assert map_items(square, iter(range(20))) == [i**2 for i in range(20)]
    assert map_items(square, []) == []


def test_an_error_of_a_thread_is_raised(monkeypatch):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 4)
    with pytest.raises(ZeroDivisionError):
        map_items(lambda i: 1 // i, range(5))


def test_threads_are_kept(monkeypatch):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 2)

    def threads():
        both = threading.Barrier(2)

        def thread(_):
            both.wait(timeout=30)
            return threading.current_thread()

        return {*map_items(thread, range(2))}

    first = threads()
    assert len(first) == 2 and threads() == first
    assert threading.current_thread() not in first


@pytest.mark.parametrize("n_items", [1, 8])
def test_who_works_alone(monkeypatch, n_items):
    """One item needs no other thread, and a worker has others beside it already."""
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 4)
    if n_items > 1:
        monkeypatch.setattr(torch.utils.data, "get_worker_info", object)
    used = map_items(lambda _: threading.current_thread(), range(n_items))
    assert {*used} == {threading.current_thread()}


@pytest.mark.skipif(
    "fork" not in multiprocessing.get_all_start_methods(), reason="nothing is inherited"
)
def test_a_forked_process_has_threads_of_its_own(monkeypatch):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 2)
    map_items(abs, range(4))
    with multiprocessing.get_context("fork").Pool(1) as pool:  # what hangs, it kills
        assert pool.apply_async(map_items, (abs, range(-4, 0))).get(timeout=60) == [4, 3, 2, 1]


class TestAhead:
    def test_batches_come_in_order(self):
        assert list(prepared_ahead(range(20), 3)) == list(range(20))
        assert list(prepared_ahead([], 3)) == []

    def test_the_next_ones_are_prepared_meanwhile(self):
        third = threading.Event()

        def batches():
            for i in range(9):
                if i == 2:
                    third.set()
                yield i

        ahead = prepared_ahead(batches(), 2)
        assert next(ahead) == 0
        assert third.wait(timeout=30)
        ahead.close()

    def test_what_is_not_asked_for_is_left(self):
        begun, go_on = [], threading.Event()

        def batches():
            for i in range(9):
                begun.append(i)
                assert i == 0 or go_on.wait(timeout=30)
                yield i

        ahead = prepared_ahead(batches(), 2)
        next(ahead)
        threading.Timer(0.2, go_on.set).start()  # while the thread is waited for
        ahead.close()
        assert begun in ([0], [0, 1])

    def test_an_error_comes_in_its_turn(self):
        ahead = prepared_ahead((1 // (2 - i) for i in range(5)), 2)
        assert [next(ahead), next(ahead)] == [0, 1]
        with pytest.raises(ZeroDivisionError):
            next(ahead)

    def test_no_thread_is_left(self):
        before = threading.active_count()
        ahead = prepared_ahead(iter(range(9)), 2)
        next(ahead)
        ahead.close()
        assert threading.active_count() == before


def test_a_thread_of_a_pool_computes_with_one_thread(monkeypatch):
    """And the others with as many as before."""
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 2)
    before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        barrier = threading.Barrier(2)

        def number(_):
            barrier.wait(timeout=30)  # one item for each thread
            return torch.get_num_threads()

        assert _threads.map_items(number, range(2)) == [1, 1]
        assert torch.get_num_threads() == 3
        with ThreadPoolExecutor(1) as pool:  # of somebody else
            assert pool.submit(torch.get_num_threads).result() == 3
    finally:
        torch.set_num_threads(before)


def test_maps_inside_of_maps_end(monkeypatch):
    """A thread of the pool would wait for ever for the others, which wait as well."""
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 2)
    rows = map_items(lambda i: map_items(lambda j: i * j, range(3)), range(4))
    assert rows == [[i * j for j in range(3)] for i in range(4)]


def test_an_error_leaves_the_threads_usable(monkeypatch):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 2)
    with pytest.raises(ZeroDivisionError):
        map_items(lambda i: 1 // i, range(4))
    assert map_items(abs, range(-3, 0)) == [3, 2, 1]
