from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sklift.datasets import list_images, load_image_folder

RNG = np.random.default_rng(0)


def noise(path, size=(12, 12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    return path


def mask(path, size=(12, 12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(255 * RNG.integers(0, 2, size, dtype=np.uint8)).save(path)
    return path


def said(load, *args, **kwargs):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        found = load(*args, **kwargs)
    return found, [str(w.message) for w in record]


def reasons(photos, root):
    return {Path(path).relative_to(root).as_posix(): why for path, why in photos.left_out.items()}


@pytest.mark.parametrize(
    "name",
    ["1_mask.png", "1-Mask_2.png", "1 segmentation.png", "1_GT.png", "1_superpixels.png", "1.png"],
)
def test_masks_beside_their_picture_are_left_out(tmp_path, name):
    noise(tmp_path / "cat" / "1.jpg")
    noise(tmp_path / "dog" / "1.jpg")
    mask(tmp_path / "cat" / name)
    photos, (message,) = said(load_image_folder, tmp_path)
    assert reasons(photos, tmp_path) == {f"cat/{name}": "the name of a mask: of 1.jpg"}
    assert f"1 with the name of a mask (cat/{name})" in message
    assert photos.class_counts.tolist() == [1, 1]
    assert len(said(list_images, tmp_path)[0]) == 2


@pytest.mark.parametrize("folder", ["masks", "Ground_Truth", "annotations"])
def test_masks_in_a_folder_beside_that_of_the_pictures_are_left_out(tmp_path, folder):
    for kind in ("covid", "normal"):
        noise(tmp_path / kind / "images" / "1.png")
        mask(tmp_path / kind / folder / "1.png")
    mask(tmp_path / "normal" / folder / "1_mask.png")
    photos, _ = said(load_image_folder, tmp_path)
    assert photos.class_counts.tolist() == [1, 1] and len(photos.left_out) == 3
    assert all("images" in path for path in photos.data)


def test_what_is_only_called_like_a_mask_is_a_picture(tmp_path):
    for name in (
        "mask/1.png",  # faces with a mask, and without: classes
        "no mask/1.png",
        "cat/carnival_mask.png",  # of nothing
        "cat/2.png",  # beside 2.jpg, but with as many values
        "cat/2.jpg",
        "cat/masks/9.png",  # no picture of that name beside it
        "cat/images/8.png",
        "cat/fox.png",
        "cat/fox_label.png",
    ):
        noise(tmp_path / name)
    mask(tmp_path / "cat" / "3.png", size=(4, 4))
    noise(tmp_path / "cat" / "3.jpg")  # of another size
    mask(tmp_path / "cat" / "4.png")
    mask(tmp_path / "cat" / "4.gif")  # drawings
    photos, messages = said(load_image_folder, tmp_path)
    assert photos.left_out == {} and messages == [] and len(photos.data) == 13
