"""What a setting of ``cache`` stands for."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone

from sklift._store._cache import Cache, resolve_cache
from sklift.training import Compute


def stores(cache):
    return [cache.features, cache.tokens, cache.pictures]


def test_memory_is_shared_by_the_process():
    cache = resolve_cache("auto")
    assert cache is resolve_cache("auto") is pickle.loads(pickle.dumps(cache))
    assert not any(store.outlives_process for store in stores(cache)) and cache.folder is None


def test_a_folder_is_one_object_however_it_is_named(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    cache = resolve_cache("cache")
    assert cache is resolve_cache(tmp_path / "cache") is pickle.loads(pickle.dumps(cache))
    assert all(store.outlives_process for store in stores(cache))
    assert cache.folder == tmp_path / "cache" and resolve_cache(cache) is cache
    assert not cache.folder.exists()  # nothing is kept yet


def test_a_clone_keeps_the_stores_that_it_was_given():
    own = Cache.in_memory()
    kept = clone(Compute(cache=own)).cache
    assert kept is own and resolve_cache(kept) is own


@pytest.mark.parametrize("nothing", [False, None])
def test_nothing(nothing):
    cache = pickle.loads(pickle.dumps(resolve_cache(nothing)))
    assert stores(cache) == [None] * 3


@pytest.mark.parametrize("kind", ["memory", "folder"])
@pytest.mark.parametrize("name", ["features", "tokens", "pictures"])
def test_all_stores_have_one_interface(tmp_path, kind, name):
    cache = resolve_cache(tmp_path) if kind == "folder" else type(resolve_cache("auto")).in_memory()
    store = getattr(cache, name)
    store.add({b"a": np.arange(3, dtype=np.float32)}, make_room=False)
    store.add({b"b": np.ones(5, np.float32)})
    found = store.find([b"a", b"b", b"c"])
    assert {key: value.tolist() for key, value in found.items()} == {
        b"a": [0.0, 1.0, 2.0],
        b"b": [1.0] * 5,
    }
    assert store.max_bytes >= 1 << 28


@pytest.mark.parametrize(("cache", "error"), [(3, TypeError), (True, TypeError), ("", ValueError)])
def test_what_is_none(cache, error, tmp_path):
    file = tmp_path / "file"
    file.touch()
    with pytest.raises(error, match="cache"):
        resolve_cache(cache or file)


def test_a_folder_that_cannot_be_looked_at_costs_a_warning():
    """As below a folder of somebody else; here the system refuses the name."""
    features = resolve_cache("x" * 5000).features
    with pytest.warns(UserWarning, match="can't be used"):
        assert features.find([b"a"]) == {}
    with pytest.warns(UserWarning, match="can't be used"):
        features.add({b"a": np.zeros(3, np.float32)})
