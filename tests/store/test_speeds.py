from __future__ import annotations

import sqlite3

import pytest

from sklift._store._cache import resolve_cache
from sklift._store._cache_files import cache_files
from sklift._store._speeds import StoredSpeeds

MINE, ANOTHER = (1e9, 3e9), (2e9, 1e9)


def test_the_first_speeds_of_a_machine_stay(tmp_path):
    store = StoredSpeeds(tmp_path / "cache")
    assert store.find("mine") is None and not (tmp_path / "cache").exists()
    assert store.add("mine", MINE) == MINE
    assert store.add("another", ANOTHER) == ANOTHER
    assert StoredSpeeds(tmp_path / "cache").add("mine", ANOTHER) == MINE
    assert store.find("mine") == MINE and store.find("another") == ANOTHER


@pytest.mark.parametrize("damaged", [None, "fast", 0.0, -1.0, float("inf")])
def test_damaged_speeds_are_replaced(tmp_path, damaged):
    store = StoredSpeeds(tmp_path)
    store.add("mine", MINE)
    db = sqlite3.connect(tmp_path / "speeds-1.sqlite")
    with db:
        db.execute("UPDATE speeds SET bfloat16 = ?", (damaged,))
    db.close()
    assert store.find("mine") is None
    assert store.add("mine", ANOTHER) == store.find("mine") == ANOTHER


def test_a_folder_that_cant_be_written_costs_a_warning(tmp_path):
    (tmp_path / "file").touch()
    store = StoredSpeeds(tmp_path / "file" / "cache")
    with pytest.warns(UserWarning, match="going on without keeping measured speeds"):
        assert store.add("mine", MINE) == MINE
    assert store.find("mine") is None


def test_it_belongs_to_the_cache_of_a_folder(tmp_path):
    assert resolve_cache("auto").speeds is None and resolve_cache(False).speeds is None
    resolve_cache(tmp_path).speeds.add("mine", MINE)
    assert [path.name for path in cache_files(tmp_path)["measured speeds"]] == ["speeds-1.sqlite"]
