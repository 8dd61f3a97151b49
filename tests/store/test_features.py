"""Features in a folder."""

from __future__ import annotations

import os
import sqlite3
import warnings
from contextlib import closing

import numpy as np
import pytest

from sklift._store import _database
from sklift._store._features import StoredFeatures


def vectors(n, start=0):
    return {f"{i}".encode(): np.full(8, i, np.float32) for i in range(start, start + n)}


def change(store, *statements):
    with closing(sqlite3.connect(store.path)) as db, db:
        for statement in statements:
            db.execute(statement)


@pytest.fixture
def steps(monkeypatch):
    """How many steps SQLite's machine has made, in hundreds."""
    made, connect = [0], sqlite3.connect

    def count():
        made[0] += 1

    def counting(*args, **kwargs):
        db = connect(*args, **kwargs)
        db.set_progress_handler(count, 100)
        return db

    monkeypatch.setattr(_database.sqlite3, "connect", counting)
    return made


@pytest.mark.parametrize("full", [False, True])
def test_adding_looks_at_no_more_than_it_adds(tmp_path, steps, full):
    n_steps = {}
    for n in (200, 20_000):
        store = StoredFeatures(tmp_path / str(n), max_bytes=(n if full else 2 * n) * 32)
        store.add(vectors(n))
        before = steps[0]
        for start in (n, n + 64):
            store.add(vectors(64, start))
        n_steps[n] = steps[0] - before
        assert len(store.find(vectors(n + 128))) == (n if full else n + 128)
    assert n_steps[20_000] <= 1.5 * n_steps[200] + 2


class TestBound:
    def test_the_oldest_go(self, tmp_path):
        for i in range(5):
            StoredFeatures(tmp_path, max_bytes=3 * 32).add(vectors(1, i))
        assert list(StoredFeatures(tmp_path).find(vectors(5))) == [b"2", b"3", b"4"]

    def test_what_is_there_need_not_make_room(self, tmp_path):
        store = StoredFeatures(tmp_path, max_bytes=3 * 32)
        store.add(vectors(3))
        store.add(vectors(1, 3), make_room=False)
        assert list(store.find(vectors(4))) == [b"0", b"1", b"2"]

    @pytest.mark.parametrize("total", ["NULL", "-5", "'many'", "1000000"])
    def test_a_sum_that_is_wrong_is_made_anew(self, tmp_path, total):
        store = StoredFeatures(tmp_path, max_bytes=6 * 32)
        store.add(vectors(4))
        change(store, f"UPDATE total SET n_bytes = {total}")
        store.add(vectors(1, 4))
        store.add(vectors(4, 5))
        assert [int(key) for key in store.find(vectors(9))] == [3, 4, 5, 6, 7, 8]

    def test_files_of_before_have_no_sum(self, tmp_path):
        store = StoredFeatures(tmp_path, max_bytes=4 * 32)
        store.add(vectors(4))
        change(store, "DROP TABLE total")
        store.add(vectors(1, 4))
        assert [int(key) for key in store.find(vectors(5))] == [1, 2, 3, 4]

    def test_known_ones_count_once(self, tmp_path):
        store = StoredFeatures(tmp_path, max_bytes=4 * 32)
        for _ in range(5):
            store.add(vectors(4))
        assert len(store.find(vectors(4))) == 4


@pytest.mark.parametrize("value", ["NULL", "'text of eight'", "x''", "x'010203'", "7"])
def test_a_damaged_row_is_passed_over_and_replaced(tmp_path, value):
    store = StoredFeatures(tmp_path)
    store.add(vectors(3))
    change(store, f"UPDATE features SET vector = {value} WHERE key = CAST('1' AS BLOB)")
    assert list(store.find(vectors(3))) == [b"0", b"2"]
    store.add(vectors(3))
    assert store.find([b"1"])[b"1"].tolist() == [1.0] * 8


def test_a_file_of_another_process_without_tables_yet(tmp_path):
    store = StoredFeatures(tmp_path)
    store.path.touch()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.find([b"1"]) == {}
        store.add(vectors(2))
    assert len(store.find(vectors(2))) == 2


def test_rows_of_another_precision_come_back_as_float32(tmp_path):
    store = StoredFeatures(tmp_path)
    store.add({b"a": np.arange(3.0), b"b": [1, 2]})
    found = store.find([b"a", b"b"])
    assert {k: (v.dtype, v.tolist()) for k, v in found.items()} == {
        b"a": (np.float32, [0, 1, 2]),
        b"b": (np.float32, [1, 2]),
    }


def test_nothing_is_made_before_something_is_kept(tmp_path):
    store = StoredFeatures(tmp_path / "cache")
    assert store.find([b"a"]) == {} and os.listdir(tmp_path) == []
