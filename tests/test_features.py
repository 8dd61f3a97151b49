from __future__ import annotations

import sqlite3
import subprocess
import sys
import textwrap
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from sklift import ImageEmbedder, LiftClassifier
from sklift._compute._plan import ComputePlan
from sklift._data import _features, _loading
from sklift._data._features import cached_features, frozen_features, known_features
from sklift._store._cache import Cache, resolve_cache
from sklift._store._features import StoredFeatures
from sklift._store._memory import MemoryArrays
from sklift.backbones import load_backbone
from sklift.images._as_source import as_image_source
from sklift.images._dataset import PlainViews

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def views():
    images = np.random.default_rng(0).integers(0, 256, (7, 44, 52, 3), dtype=np.uint8)
    return PlainViews(as_image_source(images), 40, "bicubic")


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("emoji-tiny")


def test_they_are_the_tower_of_the_normalised_views(backbone, views):
    plan = ComputePlan(CPU, torch.float32, 3)
    found = np.concatenate(list(frozen_features(backbone, views, plan)))
    mean, std = (
        torch.tensor(v).view(3, 1, 1) for v in (backbone.preprocess.mean, backbone.preprocess.std)
    )
    x = torch.stack([views[i] for i in range(7)])
    with torch.no_grad():
        expected = backbone.tower((x / 255 - mean) / std).numpy()
    assert found.dtype == np.float32 and found.shape == (7, backbone.n_features)
    np.testing.assert_allclose(found, expected, atol=1e-4)


def test_half_precision_is_near(backbone, views):
    full, half = (
        np.concatenate(list(frozen_features(backbone, views, ComputePlan(CPU, p, 7))))
        for p in (torch.float32, torch.bfloat16)
    )
    assert half.dtype == np.float32
    cosine = (full * half).sum(1) / np.linalg.norm(full, axis=1) / np.linalg.norm(half, axis=1)
    assert cosine.min() > 0.99
    assert not np.array_equal(full, half)


@pytest.mark.parametrize(("n", "n_all", "rows"), [(1, 9, 8), (1, 3, 3), (3, None, 3), (7, 40, 8)])
def test_few_pictures_are_computed_as_many(backbone, views, n, n_all, rows):
    """Else those that were not stored yet would be rounded in another way."""
    seen = []

    def tower(pixels):
        seen.append(pixels)
        return pixels.mean((2, 3))

    plan = ComputePlan(CPU, torch.float32, 16)
    some = torch.utils.data.Subset(views, range(n))
    (found,) = frozen_features(backbone, some, plan, n_all=n_all, tower=tower)
    (pixels,) = seen
    assert len(pixels) == rows
    assert torch.equal(pixels, pixels[torch.arange(rows) % n])
    np.testing.assert_array_equal(found, pixels[:n].mean((2, 3)))


def test_several_views_are_averaged_after_the_last_step(backbone):
    """Which is given sixteen rows, since it would round fewer in another way."""
    given = []

    def finish(features):
        given.append(len(features))
        return features**2

    levels = torch.arange(10, dtype=torch.uint8).reshape(5, 2)
    several = levels[:, :, None, None, None].expand(5, 2, 3, 40, 40)
    tower = {"tower": lambda pixels: pixels[:, :, 0, 0]}
    plan = ComputePlan(CPU, torch.float32, 5)
    (each,) = frozen_features(
        backbone, several.flatten(0, 1), replace(plan, batch_size=10), **tower
    )
    (found,) = frozen_features(backbone, several, plan, finish=finish, **tower)
    np.testing.assert_allclose(found, (each**2).reshape(5, 2, 3).mean(1), rtol=1e-6)
    assert given == [16]


class TestProgress:
    """What was computed is kept, whatever ends the call."""

    @pytest.fixture
    def paths(self, tmp_path):
        paths = [tmp_path / f"{i:02}.png" for i in range(40)]
        for i, path in enumerate(paths):
            Image.new("RGB", (48, 48), (6 * i, 255 - 6 * i, 0)).save(path)
        return paths

    @pytest.fixture(params=["auto", "folder"])
    def embedder(self, request, tmp_path, monkeypatch):
        monkeypatch.setattr("sklift._store._cache._of_process", Cache.in_memory())
        cache = tmp_path / "cache" if request.param == "folder" else request.param
        return ImageEmbedder("emoji-tiny", batch_size=8, compute__cache=cache).fit()

    @pytest.fixture
    def computed(self, monkeypatch):
        """How many pictures went through the tower, in each batch."""
        seen, embed = [], _features.MicroBatches.__call__

        def counted(parts, function, x, device):
            seen.append(len(x))
            return embed(parts, function, x, device)

        monkeypatch.setattr(_features.MicroBatches, "__call__", counted)
        return seen

    def test_a_damaged_file_at_the_end(self, paths, embedder, computed):
        whole = paths[-1].read_bytes()
        paths[-1].write_bytes(whole[:-30])
        with pytest.raises(ValueError, match=r"39\.png"):
            embedder.transform(paths)
        assert computed == [8] * 4
        paths[-1].write_bytes(whole)
        found = embedder.transform(paths)
        assert computed == [8] * 5
        alone = ImageEmbedder("emoji-tiny", batch_size=8, compute__cache=False).fit_transform(paths)
        np.testing.assert_array_equal(found, alone)

    @pytest.mark.parametrize("what", [KeyboardInterrupt, MemoryError, SystemExit])
    def test_an_end_between_batches(self, paths, embedder, computed, monkeypatch, what):
        collate = _loading.collate
        n_batches = []

        def stopped(items):
            n_batches.append(len(items))
            if len(n_batches) == 4:
                raise what
            return collate(items)

        monkeypatch.setattr(_loading, "collate", stopped)
        with pytest.raises(what):
            embedder.transform(paths)
        monkeypatch.undo()
        assert len(embedder.transform(paths)) == 40 and sum(n_batches) == 4 * 8
        store = resolve_cache(embedder.compute.cache).features
        assert store.max_bytes and computed == [8] * 3

    def test_a_kill(self, paths, tmp_path):
        program = textwrap.dedent(
            """
            import os, signal, sys
            import sklift._data._loading as module
            from sklift import ImageEmbedder

            n, collate = [0], module.collate
            def die_late(items):
                n[0] += 1
                if n[0] == 5:
                    os.kill(os.getpid(), signal.SIGKILL)
                return collate(items)
            module.collate = die_late
            clf = ImageEmbedder("emoji-tiny", batch_size=8, compute__cache=sys.argv[1])
            clf.fit_transform(sys.argv[2:])
            """
        )
        folder = tmp_path / "cache"
        done = subprocess.run([sys.executable, "-c", program, folder, *paths], check=False)
        assert done.returncode == -9
        with closing(sqlite3.connect(folder / StoredFeatures.name)) as db:
            (n_kept,) = db.execute("SELECT COUNT(*) FROM features").fetchone()
        assert n_kept >= 8  # how many depends on how long the disk takes


def test_equal_pictures_get_the_same_rows():
    views = PlainViews(as_image_source(np.zeros((12, 40, 40, 3), np.uint8)), 40, "bicubic")

    def compute(some, n_all):
        assert (len(some), n_all) == (1, 12)
        yield np.ones((1, 5), np.float32)

    store = MemoryArrays(1 << 20)
    np.testing.assert_array_equal(cached_features(compute, views, store, ("a",)), np.ones((12, 5)))
    rows = known_features(compute, views, store, ("a",))
    assert all(row is rows[0] for row in rows)


@pytest.mark.parametrize("read", [known_features, cached_features])
def test_pictures_of_a_part_get_their_own_rows(read):
    pictures = np.arange(0, 240, 12, dtype=np.uint8)[:, None, None, None]
    pictures = np.broadcast_to(pictures, (20, 40, 40, 3)).copy()
    views, store = PlainViews(as_image_source(pictures), 40, "bicubic"), MemoryArrays(1 << 20)
    part = torch.utils.data.Subset(views, [11, 3, 17, 5, 2, 19, 8, 9, 1, 3])
    computed = []

    def compute(some, n_all=None):
        computed.append(len(some))
        levels = np.array([float(some[i].float().mean()) for i in range(len(some))])
        yield np.repeat(levels[:, None], 5, axis=1).astype(np.float32)

    def levels(views, store, kind="kind"):
        return [round(float(row[0])) for row in read(compute, views, store, (kind,))]

    expected = [12 * i for i in part.indices]
    assert levels(part, None) == levels(part, store) == levels(part, store) == expected
    assert levels(views, store) == list(range(0, 240, 12))
    assert computed == [10, 9, 11]  # without a store, a picture twice is two
    assert levels(part, store, "other") == expected and computed[3:] == [9]


@pytest.mark.parametrize("n", [7, 8])
def test_features_of_few_pictures_are_not_kept(n):
    """They may be rounded in another way than those of many."""
    pictures = np.arange(n, dtype=np.uint8)[:, None, None, None] * np.ones((40, 40, 3), np.uint8)
    views, store = PlainViews(as_image_source(pictures), 40, "bicubic"), MemoryArrays(1 << 20)

    def compute(some, n_all):
        yield np.arange(5.0 * len(some), dtype=np.float32).reshape(-1, 5)

    rows = known_features(compute, views, store, ("kind",))
    assert [row[0] for row in rows] == [5 * i for i in range(n)]
    assert store.n_bytes == (n * 5 * 4 if n >= 8 else 0)


def test_a_file_that_changes_while_it_is_computed_with_is_not_known(tmp_path):
    paths = [tmp_path / f"{i}.png" for i in range(9)]
    for i, path in enumerate(paths):
        Image.new("RGB", (48, 48), (20 * i, 0, 0)).save(path)
    views, cache = PlainViews(as_image_source(paths), 40, "bicubic"), MemoryArrays(1 << 20)

    def compute(some, n_all):
        Image.new("RGB", (48, 60), (0, 255, 0)).save(paths[3])
        yield np.ones((len(some), 5), np.float32)

    known_features(compute, views, cache, ("kind",))
    assert cache.n_bytes == 8 * 5 * 4


@pytest.mark.parametrize("kind", ["tensor", "pandas", "polars"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_features_keep_their_type(kind, dtype):
    rows = np.random.default_rng(0).normal(size=(12, 4)).astype(dtype)
    if kind == "tensor":
        X = torch.from_numpy(rows)
    else:
        X = pytest.importorskip(kind).DataFrame({f"x{i}": rows[:, i] for i in range(4)})
    y = np.arange(12) % 2
    common = {"max_epochs": 1, "random_state": 0}
    clf = LiftClassifier("precomputed", **common).fit(X, y)
    assert str(clf.model_.mean.dtype) == f"torch.{dtype}"
    expected = LiftClassifier("precomputed", **common).fit(rows, y).predict_proba(rows)
    np.testing.assert_array_equal(clf.predict_proba(X), expected)


@pytest.mark.parametrize("stored", [np.zeros(1), np.zeros(400), b"abc", b"", None, 5])
def test_stored_rows_of_another_kind_are_computed_anew(tmp_path, stored):
    pictures = np.random.default_rng(0).integers(0, 256, (9, 40, 40, 3), np.uint8)
    embedder = ImageEmbedder("emoji-tiny", compute__cache=tmp_path).fit()
    expected = embedder.transform(pictures)
    vector = stored.astype(np.float32).tobytes() if isinstance(stored, np.ndarray) else stored
    for _ in range(2):
        with closing(sqlite3.connect(tmp_path / StoredFeatures.name)) as db, db:
            db.execute("UPDATE features SET vector = ?", (vector,))
        np.testing.assert_array_equal(embedder.transform(pictures), expected)
    with closing(sqlite3.connect(tmp_path / StoredFeatures.name)) as db:
        lengths = {length for (length,) in db.execute("SELECT LENGTH(vector) FROM features")}
    assert lengths == {4 * expected.shape[1]}
