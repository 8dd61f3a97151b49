from __future__ import annotations

import pickle

import numpy as np
import pytest
from PIL import Image
from sklearn.model_selection import train_test_split

from sklift._store._memory import MemoryArrays
from sklift.images import ImageCrops
from sklift.images import _crops as module
from sklift.images._as_source import as_image_source
from sklift.images._cache import CachedSource

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 40, 3), dtype=np.uint8)


@pytest.fixture
def file(tmp_path):
    Image.fromarray(PIXELS).save(tmp_path / "1.png")
    return tmp_path / "1.png"


@pytest.mark.parametrize(
    ("box", "rows", "columns"),
    [
        ((0, 0, 1, 1), (0, 20), (0, 40)),
        ((0.5, 0.25, 0.25, 0.5), (5, 15), (20, 30)),
        ((0.01, 0.01, 0.98, 0.98), (0, 20), (0, 40)),  # every pixel that it touches
        ((0.1, 0.2, 0.2, 0.1), (4, 6), (4, 12)),  # 0.1 + 0.2 is a bit more than 0.3
        ((0.575, 0, 0.25, 1), (0, 20), (23, 33)),  # times 40, a bit less than 23
        ((0.999, 0.999, 0.0001, 0.0001), (19, 20), (39, 40)),
        ((-0.005, 0.5, 0.5, 0.505), (10, 20), (0, 20)),  # rounded beyond the picture
    ],
)
def test_a_crop_is_that_part_of_the_picture(file, box, rows, columns):
    crops = ImageCrops([file], [box])
    expected = PIXELS[slice(*rows), slice(*columns)]
    np.testing.assert_array_equal(np.asarray(crops[0]), expected)
    np.testing.assert_array_equal(as_image_source(crops)[0], expected)


def test_boxes_are_of_the_upright_picture(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned a quarter
    Image.fromarray(PIXELS).save(tmp_path / "turned.png", exif=exif)
    crop = as_image_source(ImageCrops([tmp_path / "turned.png"], [[0, 0, 1, 0.5]]))[0]
    np.testing.assert_array_equal(crop, np.rot90(PIXELS, -1)[:20])


@pytest.mark.parametrize(
    "box",
    [[4, 2, 10, 10], [0, 0, 0, 1], [0.5, 0, 0.6, 1], [0, 0, float("nan"), 1], [1, 0, 0.005, 1]],
)
def test_what_is_no_part_of_a_picture_is_refused(file, box):
    with pytest.raises(ValueError, match=r"boxes\[1\] = .* pixels are to be divided"):
        ImageCrops([file, file], [[0, 0, 1, 1], box])


def test_one_box_for_each_path(file):
    with pytest.raises(ValueError, match=r"boxes must be of shape \(2, 4\), .* got \(1, 4\)"):
        ImageCrops([file, file], [[0, 0, 1, 1]])
    assert len(ImageCrops([], [])) == 0
    with pytest.raises(ValueError, match="X is empty"):
        as_image_source(ImageCrops([], []))


def test_indexing_reads_nothing_and_agrees_with_numpy(file, monkeypatch):
    boxes = np.column_stack([np.arange(6) / 8, np.zeros(6), np.full(6, 0.125), np.ones(6)])
    crops = ImageCrops([file] * 6, boxes)
    monkeypatch.setattr(module, "read", None)
    mask = np.array([True, False, False, True, True, False])
    for key in (slice(1, 5, 2), np.array([4, -1, 0]), [3, 3], mask, np.array([], int)):
        np.testing.assert_array_equal(crops[key].boxes, boxes[key])
    train, test = train_test_split(crops, test_size=2, random_state=0)
    assert crops.shape == (6,) and len(train) == 4 and repr(test) == "ImageCrops(n_images=2)"
    monkeypatch.undo()
    assert [crop.size for crop in crops] == [(5, 20)] * 6
    again = pickle.loads(pickle.dumps(crops))
    np.testing.assert_array_equal(np.asarray(again[3]), PIXELS[:, 15:20])


def test_each_crop_is_decoded_once_and_kept_by_file_and_box(file, tmp_path, monkeypatch):
    Image.fromarray(PIXELS).save(tmp_path / "same.png")
    decoded = []
    read = module.read
    monkeypatch.setattr(module, "read", lambda path, *how: decoded.append(path) or read(path, *how))
    left, right = [0, 0, 0.5, 1], [0.5, 0, 0.5, 1]
    source = as_image_source(ImageCrops([file, file], [left, right]))
    cached = CachedSource(source, store=MemoryArrays(1 << 20))
    for _ in range(2):
        np.testing.assert_array_equal(cached[0], PIXELS[:, :20])
        np.testing.assert_array_equal(cached[1], PIXELS[:, 20:])
    assert len(decoded) == 2
    same = as_image_source(ImageCrops([tmp_path / "same.png"] * 2, [left, right]))
    assert [source.fingerprint(i) for i in (0, 1)] == [same.fingerprint(i) for i in (0, 1)]
    assert source.fingerprint(0) != source.fingerprint(1)
    assert source.identity() != as_image_source(ImageCrops([file] * 2, [right, left])).identity()
    reduced = source.reduced(2)  # a crop is small as it is
    assert reduced[0].shape == (20, 20, 3) and reduced.factor(0) == 1 and source.reads_files


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.png"):
        as_image_source(ImageCrops([tmp_path / "gone.png"], [[0, 0, 1, 1]]))
