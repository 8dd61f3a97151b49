"""No failure of a cache ends the work, and none takes long."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import textwrap
import threading
import time
import warnings

import numpy as np
import pytest

from sklift._store import _database
from sklift._store._features import StoredFeatures
from sklift._store._folder_arrays import StoredArrays

VECTORS = {b"a": np.arange(4, dtype=np.float32), b"b": np.ones(4, np.float32)}


def features(folder):
    return StoredFeatures(folder)


def images(folder):
    return StoredArrays(folder, "pictures-2")


@pytest.fixture(params=[features, images])
def store(request, tmp_path):
    return request.param(tmp_path / "cache")


def path_of(store):
    return store._database.path


@pytest.fixture
def told():
    """The texts of all warnings."""
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        texts = []
        yield lambda: [str(r.message) for r in record] + texts


class TestLock:
    @pytest.fixture
    def holder(self, store, monkeypatch):
        """Another process that has stopped while it wrote."""
        monkeypatch.setattr(_database, "PATIENCE", 0.3)
        store.add({b"a": VECTORS[b"a"]})
        holder = sqlite3.connect(path_of(store), check_same_thread=False)
        holder.execute("BEGIN IMMEDIATE")
        yield holder
        holder.close()

    def test_it_is_waited_for_once(self, store, holder, told):
        start = time.monotonic()
        for _ in range(10):
            store.add({b"b": VECTORS[b"b"]})
            assert store.find(VECTORS).keys() == {b"a"}  # readers need not wait
        assert 0.3 <= time.monotonic() - start < 0.3 + 2.0
        (text,) = told()
        assert "locked" in text and "another process" in text and "going on without" in text

    def test_a_reader_waits_once_as_well(self, store, holder, told):
        holder.execute("COMMIT")
        holder.execute("BEGIN EXCLUSIVE")
        start = time.monotonic()
        assert [store.find(VECTORS) for _ in range(10)] == [{}] * 10
        assert time.monotonic() - start < 0.3 + 2.0 and len(told()) == 1

    def test_a_reader_waits_for_writers_too(self, store, holder, monkeypatch):
        holder.execute("COMMIT")
        holder.execute("BEGIN EXCLUSIVE")
        waits, connect = [], sqlite3.connect
        monkeypatch.setattr(
            sqlite3, "connect", lambda p, timeout: waits.append(timeout) or connect(p, timeout)
        )
        for _ in range(3):
            store.find(VECTORS)
            store.add({b"b": VECTORS[b"b"]})
        assert waits == [0.3] + [0.0] * 5

    def test_what_is_given_back_is_used_again(self, store, holder, told):
        store.add({b"b": VECTORS[b"b"]})
        holder.execute("ROLLBACK")
        store.add({b"b": VECTORS[b"b"]})
        assert store.find(VECTORS).keys() == VECTORS.keys() and len(told()) == 1
        # and the next one is waited for, and told of
        holder.execute("BEGIN IMMEDIATE")
        threading.Timer(0.1, holder.rollback).start()
        store.add({b"c": VECTORS[b"b"]})
        assert store.find([b"c"]) and len(told()) == 1


def test_a_folder_that_cannot_be_made(tmp_path, told):
    (tmp_path / "file").touch()
    store = StoredFeatures(tmp_path / "file" / "cache")
    for _ in range(3):
        store.add(VECTORS)
        assert store.find(VECTORS) == {}
    (text,) = told()
    assert "can't be used" in text and "another folder" in text and "delete" not in text


def test_a_file_that_is_no_database(store, told):
    path_of(store).parent.mkdir()
    path_of(store).write_bytes(b"nonsense" * 200)
    assert store.find(VECTORS) == {}
    store.add(VECTORS)
    assert len(told()) == 2 and all("delete the file" in text for text in told())


def test_a_schema_that_is_no_text(store, told):
    store.add(VECTORS)
    content = path_of(store).read_bytes()
    path_of(store).write_bytes(content.replace(b"CREATE TABLE", b"CREATE T\xffBLE"))
    assert store.find(VECTORS) == {}
    store.add(VECTORS)
    assert len(told()) == 2 and all("delete the file" in text for text in told())


@pytest.mark.parametrize("suffix", ["", "-journal", "-wal"])
@pytest.mark.parametrize("link", [os.symlink, os.link])
def test_a_database_is_no_link_to_another_file(store, tmp_path, told, suffix, link):
    mine = tmp_path / "mine.sqlite"
    with sqlite3.connect(mine) as db:
        db.execute("CREATE TABLE precious (x)")
    db.close()
    content = mine.read_bytes()
    store.add(VECTORS)
    place = path_of(store).with_name(path_of(store).name + suffix)
    place.unlink(missing_ok=True)
    link(mine, place)
    store.add(VECTORS)
    assert store.find(VECTORS) == {}
    assert mine.read_bytes() == content and "can't be used" in told()[0]


NO_ROOM = textwrap.dedent(
    """
    import resource, signal, sys, warnings
    import numpy as np
    from PIL import Image
    from sklift import ImageEmbedder, LiftClassifier
    from sklift.adapters import AdaptFormer

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    folder = sys.argv[1]
    X = [f"{folder}/{i}.png" for i in range(24)]
    for path, image in zip(X, np.random.default_rng(0).integers(0, 255, (24, 40, 40, 3))):
        Image.fromarray(image.astype(np.uint8)).save(path)
    y = ["ant", "bee", "cat"] * 8
    params = {"max_epochs": 1, "random_state": 0, "init": "class_mean", "augmentation": None}
    params["adapter"] = AdaptFormer(2, layers=1)

    def run(cache):
        features = ImageEmbedder("emoji-tiny", compute__cache=cache).fit_transform(X)
        clf = LiftClassifier("emoji-tiny", compute__cache=cache, **params).fit(X, y)
        return features, clf.decision_function(X)

    expected = run(False)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in map(int, sys.argv[2:]):
        # after an epoch counter in shared memory is made, 8 bytes: 64 is the least
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
        with warnings.catch_warnings(record=True) as record:
            warnings.simplefilter("always")
            found = run(f"{folder}/{limit}")
        resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
        assert all((a == b).all() for a, b in zip(found, expected)), limit
        texts = [str(r.message) for r in record]
        assert any("going on without keeping" in text for text in texts), (limit, texts)
        again = run(f"{folder}/{limit}")  # there is room now
        assert all((a == b).all() for a, b in zip(again, expected)), limit
    """
)


@pytest.mark.skipif(sys.platform == "win32", reason="no limits of file sizes there")
def test_no_room_at_any_write(tmp_path):
    """A limit on file sizes stands for the full disk, and fails at one write or another."""
    limits = [64, 1024, 4096, 10_000, 20_000, 100_000]
    command = [sys.executable, "-c", NO_ROOM, str(tmp_path), *map(str, limits)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


def test_functions_in_what_somebody_else_has_made_are_not_run(tmp_path):
    store = StoredFeatures(tmp_path)
    seen = store._database.read(lambda db: db.execute("PRAGMA trusted_schema").fetchone(), None)
    assert seen is None  # there is no file
    store.add(VECTORS)
    assert store._database.read(
        lambda db: db.execute("PRAGMA trusted_schema").fetchone(), None
    ) == (0,)
