"""Arrays on their way to a store."""

from __future__ import annotations

import numpy as np

from sklift._store import _keeper


def test_a_slow_store_takes_a_small_part_of_the_time(monkeypatch):
    now, calls = [0.0], []
    monkeypatch.setattr(_keeper.time, "monotonic", lambda: now[0])

    class Slow:
        def add(self, rows):
            calls.append(sorted(rows))
            now[0] += 1.0

    keeper = _keeper.Keeper(Slow())
    for i in range(100):
        now[0] += 0.5
        keeper.add(i, np.zeros(1))
        keeper.keep_if_due()
    keeper.keep()
    assert 5 <= len(calls) <= 7
    assert sorted(i for rows in calls for i in rows) == list(range(100))


def test_a_fast_store_is_given_each_batch():
    calls = []

    class Fast:
        def add(self, rows):
            calls.append(list(rows))

    keeper = _keeper.Keeper(Fast())
    for i in range(3):
        keeper.add(i, np.zeros(1))
        keeper._due = 0.0
        keeper.keep_if_due()
    keeper.keep()  # nothing waits
    assert calls == [[0], [1], [2]]
