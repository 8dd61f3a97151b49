"""What a database says leads to no file outside of the folder."""

from __future__ import annotations

import os
import pickle
import sqlite3
import warnings
from contextlib import closing

import numpy as np
import pytest

from sklift._store._array_files import ArrayFiles
from sklift._store._folder_arrays import StoredArrays, stored_arrays

KNOWN = {b"known": np.arange(12, dtype=np.uint8)}
NEW = {b"new": np.full(9, 7, np.uint8)}


@pytest.fixture
def folder(tmp_path):
    folder = tmp_path / "cache"
    StoredArrays(folder, "tokens-1").add(KNOWN)
    return folder


@pytest.fixture
def mine(tmp_path):
    """A file of the user, as long as the one of the cache."""
    mine = tmp_path / "tokens-1-7.bin"
    mine.write_bytes(b"do not touch")
    yield mine
    assert mine.read_bytes() == b"do not touch"


def rename(folder, name):
    with closing(sqlite3.connect(folder / "tokens-1.sqlite")) as db, db:
        db.execute("UPDATE files SET name = ?", (name,))
        db.execute("UPDATE arrays SET file = ?", (name,))


def assert_goes_on(folder):
    store = StoredArrays(folder, "tokens-1")
    assert store.find(KNOWN) == {}
    store.add(NEW)
    store.add(KNOWN)
    for key, array in (KNOWN | NEW).items():
        np.testing.assert_array_equal(StoredArrays(folder, "tokens-1").find([key])[key], array)


@pytest.mark.parametrize(
    "name",
    [
        "../tokens-1-7.bin",
        "absolute",
        "tokens-1-7.bin/../../tokens-1-7.bin",
        "",
        ".",
        None,
        5,
        b"x",
    ],
)
def test_names_are_no_paths(folder, mine, name):
    rename(folder, str(mine) if name == "absolute" else name)
    assert_goes_on(folder)


@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_links_in_place_of_data_files(folder, mine, link):
    (file,) = folder.glob("tokens-1-*.bin")
    file.unlink()
    link(mine, file)
    store = StoredArrays(folder, "tokens-1")
    if link is os.symlink:
        return assert_goes_on(folder)
    with pytest.warns(UserWarning, match=r"another name.*going on without keeping tokens"):
        store.add(NEW)


@pytest.mark.parametrize("length", ["'long'", "-3", "NULL", "x'00'"])
def test_lengths_that_are_none(folder, length):
    with closing(sqlite3.connect(folder / "tokens-1.sqlite")) as db, db:
        db.execute(f"UPDATE files SET length = {length}")
    store = StoredArrays(folder, "tokens-1")
    store.add(NEW | KNOWN)
    assert store.find(NEW | KNOWN).keys() == {b"new", b"known"}


def test_a_file_of_another_process_without_tables_yet(tmp_path):
    (tmp_path / "tokens-1.sqlite").touch()
    store = StoredArrays(tmp_path, "tokens-1")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert store.find(KNOWN) == {}
        store.add(KNOWN)
    assert store.find(KNOWN).keys() == KNOWN.keys()


def test_nothing_is_recorded_of_a_file_that_made_room(tmp_path):
    for i in range(40):  # each time as a new process, which has used no file
        array = np.full(60, i, np.uint8)
        StoredArrays(tmp_path, "tokens-1", max_bytes=16 * 100).add({b"%d" % i: array})
    with closing(sqlite3.connect(tmp_path / "tokens-1.sqlite")) as db:
        (n_arrays,) = db.execute("SELECT COUNT(*) FROM arrays").fetchone()
        (n_files,) = db.execute("SELECT COUNT(*) FROM files").fetchone()
    assert n_arrays == n_files == len(list(tmp_path.glob("tokens-1-*.bin"))) == 16


def test_a_pickled_store_is_that_of_the_process(tmp_path):
    store = stored_arrays(tmp_path, "tokens-1", 1 << 20)
    again = pickle.loads(pickle.dumps(store))
    assert again is store and again.max_bytes == 1 << 20


def test_files_of_others_are_left_alone(folder):
    names = ["tokens-1-mine.bin", "tokens-10-5.bin", "tokens-1-5.bin.part"]
    for name in names:
        (folder / name).touch()
    (folder / "tokens-1-5.bin").touch()  # left by a crash
    ArrayFiles(folder, "tokens-1").new([])
    assert sorted(path.name for path in folder.glob("tokens*[!e]")) == sorted(names)


def test_only_names_of_the_kind_are_written_to(folder, mine):
    files = ArrayFiles(folder, "tokens-1")
    with pytest.raises(OSError, match="no file of the cache"):
        files.write("../tokens-1-7.bin", 0, [np.zeros(3)])
    assert files.read("../tokens-1-7.bin", 0, np.dtype("u1"), (3,)) is None
