"""What the frozen tower makes of a view that repeats is computed once."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.model_selection import GridSearchCV

from sklift._data import _pictures
from sklift._store._cache import Cache, resolve_cache
from sklift.images import StoredViews, _files
from sklift.images._as_source import as_image_source
from sklift.images._dataset import FixedViews


@pytest.fixture(autouse=True)
def _own_caches(monkeypatch):
    """Empty caches, whatever other tests have left in those of the process."""
    monkeypatch.setattr("sklift._store._cache._of_process", Cache.in_memory())


@pytest.fixture
def passed(monkeypatch):
    """How many views go through the tower outside of training, each time."""
    seen, compute = [], _pictures.frozen_features

    def counted(backbone, views, **kwargs):
        seen.append(len(views))
        return compute(backbone, views, **kwargs)

    monkeypatch.setattr(_pictures, "frozen_features", counted)
    return seen


@pytest.fixture
def paths(shapes, tmp_path):
    for i, image in enumerate(shapes[0]):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    return np.array([str(tmp_path / f"{i}.png") for i in range(24)])


def weights(clf):
    return clf.model_.trained_state()


@pytest.mark.parametrize("adapter", [None, "feature"])
@pytest.mark.parametrize("augmentation", [None, "fixed"])
@pytest.mark.parametrize("held_out", [None, 0.3])
def test_training_on_features_is_training_on_views(
    quick, shapes, monkeypatch, passed, adapter, augmentation, held_out
):
    params = {
        "adapter": adapter,
        "augmentation": augmentation,
        "validation_fraction": held_out,
        "max_epochs": 6,
        "init": "random",
    }
    weight = np.linspace(1, 2, 24)
    fast = quick(**params).fit(*shapes, sample_weight=weight)
    assert sum(passed) == (24 * 4 + (0 if held_out is None else 7) if augmentation else 24)
    proba = fast.predict_proba(shapes[0])
    monkeypatch.setattr(_pictures.Pictures, "features_of_views", lambda *args, **kwargs: None)
    slow = quick(**params).fit(*shapes, sample_weight=weight)
    monkeypatch.undo()
    for name, tensor in weights(slow).items():
        torch.testing.assert_close(weights(fast)[name], tensor, atol=2e-5, rtol=1e-4)
    np.testing.assert_allclose(proba, slow.predict_proba(shapes[0]), atol=1e-4)
    for row, other in zip(fast.history_, slow.history_, strict=True):
        assert row.keys() == other.keys()
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)


@pytest.mark.parametrize(
    ("params", "n"), [({"augmentation": "minimal"}, 0), ({"adapter": "bitfit"}, 0), ({}, 24)]
)
def test_only_what_repeats_is_kept(quick, shapes, passed, params, n):
    quick(**{"adapter": None, "augmentation": None, "init": "random", **params}).fit(*shapes)
    assert sum(passed) == n


def test_a_search_passes_each_picture_once_and_decodes_each_file_once(
    quick, shapes, paths, passed, monkeypatch
):
    decoded, read = [], _files.read
    monkeypatch.setattr(_files, "read", lambda path, *how: decoded.append(path) or read(path, *how))
    clf = quick(adapter=None, augmentation=None, init="class_mean")
    grid = {"loss__tau": [0.5, 1.0], "head__scale": [20, 30], "lr": [0.01, 0.1]}
    search = GridSearchCV(clf, grid, cv=3, scoring="balanced_accuracy", error_score="raise")
    search.fit(paths, shapes[1])
    assert sorted(set(decoded)) == sorted(paths) and len(decoded) == 24
    assert sum(passed) == 2 * 24  # test views, and the plain ones for the class means
    assert search.score(paths, shapes[1]) > 0.8


def test_adapters_in_the_tower_decode_once_as_well(quick, shapes, paths, monkeypatch):
    decoded, read = [], _files.read
    monkeypatch.setattr(_files, "read", lambda path, *how: decoded.append(path) or read(path, *how))
    GridSearchCV(quick(), {"lr": [0.01, 0.1]}, cv=2, error_score="raise").fit(paths, shapes[1])
    assert sorted(decoded) == sorted(paths)


def test_without_a_cache_nothing_is_kept(quick, shapes, paths, passed):
    clf = quick(adapter=None, augmentation=None, init="random", compute__cache=False)
    for _ in range(2):
        clf.fit(paths, shapes[1])
    assert passed == [24, 24]
    memory = resolve_cache("auto")
    assert memory.features.n_bytes == memory.pictures.n_bytes == memory.tokens.n_bytes == 0


def test_a_folder_serves_other_processes(quick, shapes, passed, tmp_path, monkeypatch):
    clf = quick(adapter=None, augmentation=None, init="random", compute__cache=tmp_path / "cache")
    first = clf.fit(*shapes).predict_proba(shapes[0])
    monkeypatch.setattr("sklift._store._cache._of_process", Cache.in_memory())
    again = pickle.loads(pickle.dumps(clf)).fit(*shapes).predict_proba(shapes[0])
    assert passed == [24] and (first == again).all()


def test_stored_views_are_the_same_in_every_fold(shapes):
    source = as_image_source(shapes[0])
    some = as_image_source(shapes[0][[5, 7]])
    views = [FixedViews(source, 40, "bicubic", v, StoredViews()) for v in range(4)]
    others = [FixedViews(some, 40, "bicubic", v, StoredViews()) for v in range(4)]
    assert all(torch.equal(a[7], b[1]) for a, b in zip(views, others, strict=True))
    assert len({v[7].numpy().tobytes() for v in views}) == 4
