from __future__ import annotations

import threading

import pytest

from sklift.images import _threads
from sklift.images._threads import map_items


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
