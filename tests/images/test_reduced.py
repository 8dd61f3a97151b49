"""Pictures far larger than a view are decoded at a fraction of their size."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sklift._store._folder_arrays import StoredArrays
from sklift._store._memory import MemoryArrays
from sklift.images import FiveCrop, MinimalistCrop, MixUp, ResizedCrop, StoredViews, _files
from sklift.images._as_source import as_image_source
from sklift.images._cache import CachedSource
from sklift.images._dataset import PlainViews, TestViews, TrainViews
from sklift.images._decode import read, read_reduced
from sklift.images._in_memory import ArraySource
from sklift.images._picked import PickedSource

SIZE = 24


def photograph(height: int, width: int) -> np.ndarray:
    """Noise that has the less of a scale the finer it is, as photographs do."""
    rng, sides = np.random.default_rng(0), (height, width)
    image, scales = np.zeros((height, width, 3)), (4, 8, 16, 32, 64)
    for scale in scales:
        coarse = rng.integers(0, 256, (*(side // scale + 1 for side in sides), 3), dtype=np.uint8)
        coarse = Image.fromarray(coarse).resize(sides[::-1], Image.BICUBIC)
        image += np.asarray(coarse) * (scale / sum(scales))
    return image.astype(np.uint8)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """For views of 24, shorter sides of 192, 384 and 768 are enough for a half, quarter, eighth."""
    folder, paths = tmp_path_factory.mktemp("large"), []
    for i, (height, width) in enumerate([(190, 300), (300, 192), (380, 500), (384, 504)]):
        paths.append(folder / f"{i}.jpg")
        Image.fromarray(photograph(height, width)).save(paths[-1], quality=95)
    paths.append(folder / "4.png")
    Image.fromarray(photograph(400, 808)).save(paths[-1])
    return paths


@pytest.mark.parametrize("factor", [2, 4, 8])
@pytest.mark.parametrize(
    ("mode", "suffix"),
    [
        ("RGB", ".jpg"),
        ("L", ".jpg"),
        ("CMYK", ".jpg"),
        ("RGB", ".png"),
        ("L", ".png"),
        ("P", ".png"),
    ],
)
def test_reading_at_a_fraction_is_reading_and_averaging(tmp_path, factor, mode, suffix):
    path = tmp_path / f"a{suffix}"
    image = Image.fromarray(photograph(96, 136))
    exif = Image.Exif()
    exif[274] = 6  # lies on its side
    image.convert(mode).save(path, exif=exif)
    expected = np.asarray(Image.fromarray(read(path)).reduce(factor)).astype(int)
    found = read_reduced(path, factor)
    assert found.shape == expected.shape == (136 // factor, 96 // factor, 3)
    assert abs(found - expected).mean() < (4 if suffix == ".jpg" else 1e-9)
    assert abs(found[::-1] - expected).mean() > 10


def test_files_are_reduced_as_far_as_enough_is_left(paths):
    source = as_image_source(paths)
    assert [source.factor(i) for i in range(5)] == [1] * 5
    for size, factors in ((SIZE, [1, 2, 2, 4, 4]), (48, [1, 1, 1, 2, 2]), (49, [1, 1, 1, 1, 2])):
        views = PlainViews(source, size, "bicubic")
        assert [views.source.factor(i) for i in range(5)] == factors
    assert [source.reduced(least).factor(3) for least in (48, 49, 192, 193)] == [8, 4, 2, 1]
    picked = PickedSource(source, np.array([3, 0])).reduced(96)
    assert [picked.factor(i) for i in range(2)] == [4, 1]
    assert picked[0].shape == (96, 126, 3)


@pytest.mark.parametrize(
    ("recipe", "factor"),
    [
        (MinimalistCrop(), 2),
        (MinimalistCrop(least_area=0.5), 2),
        (MinimalistCrop(least_area=0.02), 1),
        (ResizedCrop(least_area=0.02), 1),
        (StoredViews(views=ResizedCrop(least_area=0.02)), 1),
        (MixUp(views=ResizedCrop(least_area=0.02)), 1),
        (MixUp(views="lift"), 2),
    ],
)
def test_more_is_left_for_smaller_crops(paths, recipe, factor):
    source = as_image_source(paths[2:3])
    assert TrainViews(source, [0], None, SIZE, "bicubic", recipe, 1, 0).source.factor(0) == factor


@pytest.mark.parametrize(("expand", "factor"), [(SIZE, 2), (3 * SIZE, 1)])
def test_more_is_left_for_larger_pictures(paths, expand, factor):
    views = TestViews(as_image_source(paths[2:3]), SIZE, "bicubic", FiveCrop(expand))
    assert views.source.factor(0) == factor


@pytest.mark.parametrize(("width", "factor"), [(500, 4), (502, 2), (501, 1)])
def test_sides_are_divided_without_rest(tmp_path, width, factor):
    Image.new("RGB", (width, 400)).save(tmp_path / "a.jpg")
    source = as_image_source([tmp_path / "a.jpg"]).reduced(10)
    assert source.factor(0) == factor
    assert source[0].shape == (400 // factor, width // factor, 3)


@pytest.mark.parametrize(
    ("make", "allowed"),
    [
        (lambda source: PlainViews(source, SIZE, "bicubic"), 1),
        (lambda source: TestViews(source, SIZE, "bicubic"), 1),
        (lambda source: TestViews(source, SIZE, "bicubic", tta="tencrop"), 2),
    ],
    ids=["plain", "test", "tencrop"],
)
def test_views_are_nearly_those_of_the_whole_picture(paths, make, allowed):
    views = make(as_image_source(paths))
    for i, path in enumerate(paths):  # photographs differ by less, see `_Views`
        whole = make(Whole(read(path)[None]))[0]
        assert abs(views[i].int() - whole.int()).float().mean() < allowed


def test_training_crops_are_nearly_those_of_the_whole_picture(paths):
    def train_views(source):
        labelled = (source, [0] * len(source), None)
        return TrainViews(*labelled, SIZE, "bicubic", MinimalistCrop("max"), 1, 0)

    # the largest squares: a place that is drawn in coarser pixels is another
    square = Image.fromarray(read(paths[3])[:384, :384])
    path = paths[3].with_name("square.jpg")
    square.save(path, quality=95)
    view = train_views(as_image_source([path]))[0][0]
    whole = train_views(Whole(read(path)[None]))[0][0]
    assert 0 < abs(view.int() - whole.int()).float().mean() < 1


def test_a_callable_is_given_all_of_the_pixels(paths):
    shapes = []

    def look(image):
        shapes.append(tuple(image.shape))
        return image[:, :SIZE, :SIZE]

    views = TrainViews(as_image_source(paths[3:4]), [0], None, SIZE, "bicubic", look, 1, 0)
    views.__getitems__([0])
    assert shapes == [(3, 384, 504)]


@pytest.mark.parametrize("kind", ["memory", "folder"])
def test_caches_tell_fractions_apart_and_change_nothing(paths, tmp_path, kind, monkeypatch):
    read_at, decode = [], _files.read_reduced
    monkeypatch.setattr(
        _files,
        "read_reduced",
        lambda path, factor, *how: read_at.append(factor) or decode(path, factor, *how),
    )
    decoded = MemoryArrays(1 << 30) if kind == "memory" else StoredArrays(tmp_path, "pictures-2")
    plain = as_image_source(paths)
    cached = CachedSource(plain, store=decoded)
    for _ in range(2):
        for least in (96, 192):
            one, other = plain.reduced(least), cached.reduced(least)
            for image, expected in zip(
                other.fetch(range(5)), map(read_own(one), range(5)), strict=True
            ):
                np.testing.assert_array_equal(image, expected)
        np.testing.assert_array_equal(cached[3], read(paths[3]))
    assert sorted(read_at) == [2, 2, 2, 2, 4, 4]


class Whole(ArraySource):
    """Pictures that are never reduced."""

    def reduced(self, least):
        return self


def read_own(source):
    """Decode apart from what is counted."""
    return lambda i: (
        read(source.paths[i])
        if source.factor(i) == 1
        else read_reduced(source.paths[i], source.factor(i))
    )
