from __future__ import annotations

import pickle
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from torch.utils.data import DataLoader

from sklift._compute import _threads
from sklift._data._pictures import Pictures
from sklift._store._memory import MemoryArrays
from sklift.images import MixUp, _dataset, _views, resolve_tta
from sklift.images._as_source import as_image_source
from sklift.images._cache import CachedSource
from sklift.images._dataset import PlainViews, TestViews, TrainViews
from sklift.images._files import FileSource
from sklift.images._picked import PickedSource

N, SIZE = 6, 16
IMAGES = np.random.default_rng(0).integers(0, 256, (N, 30, 40, 3), dtype=np.uint8)
TARGETS = [2, 0, 1, 1, 0, 2]
WEIGHTS = [1.0, 2.0, 0.5, 1.0, 1.0, 3.0]


def train_views(source=None, augmentation="minimal", **kwargs):
    source = as_image_source(IMAGES) if source is None else source
    return TrainViews(source, TARGETS, WEIGHTS, SIZE, "bicubic", augmentation, 3, seed=5, **kwargs)


@pytest.fixture
def files(tmp_path):
    for i, image in enumerate(IMAGES):
        Image.fromarray(image).save(tmp_path / f"{i}.png")
    source = as_image_source([tmp_path / f"{i}.png" for i in range(N)])
    return CachedSource(source, store=MemoryArrays(1 << 30))


def test_items_and_batches():
    data = train_views()
    (view, weight), target = data[2]
    assert (view.shape, view.dtype) == ((3, SIZE, SIZE), torch.uint8)
    assert (target, weight, len(data)) == (1, 0.5, N)
    (views, weights), targets = next(iter(DataLoader(data, batch_size=N)))
    assert views.shape == (N, 3, SIZE, SIZE)
    assert torch.equal(targets, torch.tensor(TARGETS))
    assert torch.equal(weights, torch.tensor(WEIGHTS, dtype=torch.float32))
    assert weights.dtype == torch.float32


@pytest.mark.parametrize(
    "augmentation", ["minimal", "lift", MixUp(), lambda x: torch.rand(3, SIZE, SIZE)]
)
def test_views_depend_on_seed_epoch_and_index_alone(augmentation):
    data = train_views(augmentation=augmentation)
    data.set_epoch(1)
    forward = [data[i][0][0] for i in range(N)]
    backward = [item[0][0] for item in data.__getitems__(range(N - 1, -1, -1))]
    other = train_views(augmentation=augmentation)
    first = [other[i][0][0] for i in range(N)]
    assert all(torch.equal(a, b) for a, b in zip(forward, backward[::-1], strict=True))
    assert not any(torch.equal(a, b) for a, b in zip(forward, first, strict=True))
    assert torch.equal(pickle.loads(pickle.dumps(train_views()))[1][0][0], train_views()[1][0][0])


def test_a_callable_is_called_in_order_in_the_thread_of_the_caller(monkeypatch):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 4)
    seen = []

    def look(image):
        seen.append((threading.current_thread(), image[0, 0, 0].item()))
        return image[:, :SIZE, :SIZE]

    train_views(augmentation=look).__getitems__(range(N))
    assert seen == [(threading.current_thread(), image[0, 0, 0]) for image in IMAGES]


def test_views_are_made_by_threads_in_order(monkeypatch):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 4)
    data = train_views()
    items = data.__getitems__([*range(N)] * 12)  # more than are made at once
    expected = [data[i] for i in range(N)] * 12
    for item, other in zip(items, expected, strict=True):
        assert torch.equal(item[0][0], other[0][0]) and item[1] == other[1]


def test_crops_grow_over_the_epochs():
    data = train_views(as_image_source(IMAGES[:, :, :30]))
    data.set_epoch(2)
    views = torch.stack([data[i][0][0] for i in range(N)])
    whole = PlainViews(data.source, SIZE, "bicubic")
    assert torch.equal(views, torch.stack([whole[i] for i in range(N)]))
    data.set_epoch(0)
    assert not torch.equal(views, torch.stack([data[i][0][0] for i in range(N)]))


def test_persistent_workers_see_the_epoch(files):
    expected = train_views()
    data = train_views(files)
    loader = DataLoader(data, batch_size=2, num_workers=2, persistent_workers=True)
    for epoch in (0, 1, 2):
        data.set_epoch(epoch)
        expected.set_epoch(epoch)
        found = torch.cat([views for (views, _), _ in loader])
        assert torch.equal(found, torch.stack([expected[i][0][0] for i in range(N)]))


def test_files_are_decoded_by_threads_in_order(files, monkeypatch):
    monkeypatch.setattr(_threads.joblib, "cpu_count", lambda: 4)
    for _ in range(2):  # decoded, then cached
        items = PlainViews(files, SIZE, "bicubic").__getitems__([5, 0, 3])
        for item, i in zip(items, [5, 0, 3], strict=True):
            assert torch.equal(item, _views.plain_view(IMAGES[i], SIZE))
    assert files.store.n_bytes == 3 * IMAGES[0].nbytes


@pytest.mark.parametrize(("tta", "n_views"), [(None, 1), ("fivecrop", 5), ("tencrop", 10), (3, 3)])
def test_test_views(tta, n_views):
    data = TestViews(as_image_source(IMAGES), SIZE, "bicubic", tta, seed=1)
    batch = next(iter(DataLoader(data, batch_size=N)))
    assert (batch.shape, batch.dtype) == ((N, n_views, 3, SIZE, SIZE), torch.uint8)
    assert torch.equal(data[4], data[4])
    if tta is None:
        assert torch.equal(data[4][0], _views.test_view(IMAGES[4], SIZE))
    else:
        rng = np.random.default_rng([1, 4])
        assert torch.equal(data[4], resolve_tta(tta).cut(IMAGES[4], SIZE, "bicubic", rng))


def test_without_weights_an_item_is_view_and_target():
    data = TrainViews(as_image_source(IMAGES), TARGETS, None, SIZE, "bicubic", None, 1, 0)
    assert [target for _, target in data] == TARGETS
    assert all(view.shape == (3, SIZE, SIZE) for view, _ in data)


def test_bad_parameters():
    source = as_image_source(IMAGES)
    with pytest.raises(ValueError, match=r"targets must have one value for each of the 6 pictures"):
        TrainViews(source, TARGETS[:2], None, SIZE, "bicubic", None, 1, 0)
    with pytest.raises(ValueError, match=r"weights must have one value.*\(1,\)"):
        TrainViews(source, TARGETS, [1.0], SIZE, "bicubic", None, 1, 0)
    with pytest.raises(ValueError, match="Unknown augmentation 'heavy'"):
        TrainViews(source, TARGETS, None, SIZE, "bicubic", "heavy", 1, 0)
    with pytest.raises(ValueError, match="Unknown tta 'many'"):
        TestViews(source, SIZE, "bicubic", "many")


def test_decoded_pictures_of_a_batch_are_bounded_together(tmp_path, monkeypatch):
    paths = []
    for i in range(6):  # odd sides: they can't be reduced
        paths.append(tmp_path / f"{i}.png")
        Image.new("1", (1001, 901)).save(paths[-1])
    monkeypatch.setattr(_dataset, "MOST_PIXELS", 2 * 1001 * 901)
    at_once = []
    fetch = FileSource.fetch
    monkeypatch.setattr(
        FileSource, "fetch", lambda own, some: at_once.append(len(some)) or fetch(own, some)
    )
    for source in (
        FileSource(paths),
        PickedSource(FileSource(paths), np.arange(6)),
        CachedSource(FileSource(paths), store=MemoryArrays(1 << 30)),
    ):
        assert len(PlainViews(source, 8, "bicubic").__getitems__(range(6))) == 6
    assert at_once == [2] * 9
    at_once.clear()
    Pictures(FileSource(paths)).readable()
    assert at_once == [2, 2, 2]


def test_reduced_pictures_count_as_what_they_become(tmp_path):
    path = tmp_path / "large.png"
    Image.new("1", (1600, 800)).save(path)
    source = FileSource([path, tmp_path / "none.png"], must_exist=False)
    assert [source.n_pixels(i) for i in (0, 1)] == [1600 * 800, 0]
    assert source.reduced(100).n_pixels(0) == 200 * 100
