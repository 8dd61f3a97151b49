from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from PIL import Image

from sklift.datasets import load_image_folder
from sklift.datasets._copies import find_copies

RNG = np.random.default_rng(0)


def noise(path, size=(12, 12)):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(RNG.integers(0, 256, (*size, 3), dtype=np.uint8)).save(path)
    return path


def said(load, *args, **kwargs):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        found = load(*args, **kwargs)
    return found, [str(w.message) for w in record]


def reasons(photos, root):
    return {Path(path).relative_to(root).as_posix(): why for path, why in photos.left_out.items()}


def test_copies_in_several_classes_are_left_out_of_all(tmp_path):
    noise(tmp_path / "cat" / "1.png")
    noise(tmp_path / "dog" / "1.png")
    copied = noise(tmp_path / "cat" / "2.png").read_bytes()
    (tmp_path / "dog" / "other name.png").write_bytes(copied)
    (tmp_path / "cat" / "2 again.png").write_bytes(copied)
    photos, (message,) = said(load_image_folder, tmp_path)
    assert reasons(photos, tmp_path) == {
        "cat/2.png": "a copy in another class: dog/other name.png",
        "cat/2 again.png": "a copy in another class: dog/other name.png",
        "dog/other name.png": "a copy in another class: cat/2 again.png",
    }
    assert "3 with a copy in another class" in message
    assert photos.class_counts.tolist() == [1, 1]


def test_a_class_of_nothing_but_copies_has_pictures(tmp_path):
    (tmp_path / "ant").mkdir()
    for i in range(2):
        content = noise(tmp_path / "cat" / f"{i}.png").read_bytes()
        (tmp_path / "dog").mkdir(exist_ok=True)
        (tmp_path / "dog" / f"{i}.png").write_bytes(content)
    noise(tmp_path / "cat" / "2.png")
    _, messages = said(load_image_folder, tmp_path)
    assert [text for text in messages if "no pictures" in text] == [
        f"no pictures in {tmp_path} for ant"
    ]
    (text,) = (text for text in messages if "all pictures" in text)
    assert "for dog are left out: each is a copy, " in text
    assert text.endswith(f"{Path('dog', '0.png')} in another class: {Path('cat', '0.png')}")


def test_equal_starts_and_copies_within_a_class_are_no_reason(tmp_path):
    picture = noise(tmp_path / "cat" / "1.png").read_bytes()
    (tmp_path / "cat" / "2.png").write_bytes(picture)
    for kind in ("cat", "dog"):  # the same size, and alike for long
        (tmp_path / kind / "long.bmp").parent.mkdir(exist_ok=True)
        pixels = np.arange(90_000, dtype=np.uint8).reshape(300, 100, 3)
        pixels[0, 0] = len(kind + kind[0]) + (kind == "dog")  # the last row of the file
        Image.fromarray(pixels).save(tmp_path / kind / "long.bmp")
    photos, messages = said(load_image_folder, tmp_path)
    assert photos.class_counts.tolist() == [3, 1] and messages == []


def test_only_what_is_in_several_places_is_compared(tmp_path):
    noise(tmp_path / "1.png")
    (tmp_path / "2.png").write_bytes((tmp_path / "1.png").read_bytes())
    paths = [str(tmp_path / "1.png"), str(tmp_path / "2.png"), str(tmp_path / "gone.png")]
    assert find_copies(paths, ["cat", "cat", "dog"]) == []
    assert find_copies(paths, ["cat", "dog", "dog"]) == [[0, 1]]


def test_pictures_of_one_colour_are_no_copies(tmp_path):
    for kind in ("cat", "dog"):
        (tmp_path / kind).mkdir()
        Image.new("RGB", (9, 9), "red").save(tmp_path / kind / "1.png")
    assert said(load_image_folder, tmp_path)[0].class_counts.tolist() == [1, 1]


def test_copies_stay_in_the_part_that_must_be_clean(tmp_path):
    parts = tmp_path
    for part in ("train", "valid", "test"):
        for kind in ("cat", "dog"):
            noise(parts / part / kind / "1.png")
    for before, after in (("train/cat", "test/cat"), ("valid/dog", "train/dog")):
        copied = (parts / before / "1.png").read_bytes()
        (parts / after / "copy.png").write_bytes(copied)
    photos, _ = said(load_image_folder, parts, levels="split/class")
    assert reasons(photos, parts) == {
        "train/cat/1.png": "a copy in another part: test/cat/copy.png",
        "train/dog/copy.png": "a copy in another part: valid/dog/1.png",
    }
    assert len(photos.data) == 6
