from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from sklift.datasets import load_image_folder
from sklift.images._as_source import as_image_source


@pytest.fixture
def root(tmp_path):
    for name in (
        "dog/2.jpg",
        "dog/10.JPG",
        "cat/deep/er/1.png",
        "cat/0.jpeg",
        "cat/notes.txt",
        "cat/.hidden.jpg",
        "cat/.thumbs/1.jpg",
        ".cache/1.jpg",
        "loose.jpg",
    ):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix == ".txt":
            path.write_text("no image")
        else:
            Image.new("RGB", (6, 5)).save(path)
    return tmp_path / "photos"


def relative(paths, root):
    return [path.removeprefix(f"{root}/").replace("\\", "/") for path in paths]


def test_paths_in_order_with_their_folder_as_label(root):
    photos = load_image_folder(root)
    assert relative(photos.data, root) == [
        "cat/0.jpeg",
        "cat/deep/er/1.png",
        "dog/10.JPG",
        "dog/2.jpg",
    ]
    assert photos.target.tolist() == ["cat", "cat", "dog", "dog"]
    assert photos.target_names.tolist() == ["cat", "dog"]
    assert photos.class_counts.tolist() == [2, 2]
    assert photos.DESCR.startswith("4 images of 2 classes in ") and str(root) in photos.DESCR
    assert photos.data.dtype.kind == photos.target.dtype.kind == "U"
    assert as_image_source(photos.data)[3].shape == (5, 6, 3)


def test_return_X_y(root):
    photos = load_image_folder(str(root))
    X, y = load_image_folder(str(root), return_X_y=True)
    np.testing.assert_array_equal(X, photos.data)
    np.testing.assert_array_equal(y, photos.target)


@pytest.mark.parametrize("extensions", [[".png"], ("png",), "PNG", ".png"])
def test_extensions(root, extensions):
    with pytest.warns(UserWarning, match=r"no images in .*photos for dog$"):
        photos = load_image_folder(root, extensions=extensions)
    assert relative(photos.data, root) == ["cat/deep/er/1.png"]


def test_an_empty_class_is_named_and_counted(root):
    (root / "bee").mkdir()
    (root / "yak" / "in").mkdir(parents=True)
    with pytest.warns(UserWarning, match=r"no images in .*photos for bee, yak$"):
        photos = load_image_folder(root)
    assert photos.target_names.tolist() == ["bee", "cat", "dog", "yak"]
    assert photos.class_counts.tolist() == [0, 2, 2, 0]


def test_links_are_followed_once_and_may_loop(root):
    (root / "cat" / "loop").symlink_to(root / "cat", target_is_directory=True)
    (root / "cat" / "twice").symlink_to(root / "cat" / "deep", target_is_directory=True)
    (root / "up").symlink_to(root / "dog", target_is_directory=True)
    photos = load_image_folder(root)
    assert relative(photos.data, root) == [
        "cat/0.jpeg",
        "cat/deep/er/1.png",
        "dog/10.JPG",
        "dog/2.jpg",
        "up/10.JPG",
        "up/2.jpg",
    ]


def test_a_class_that_links_to_the_root_ends(root):
    (root / "all").symlink_to(root, target_is_directory=True)
    photos = load_image_folder(root)
    assert photos.class_counts.tolist() == [5, 2, 2]  # loose.jpg as well


def test_errors_say_what_is_expected(root, tmp_path):
    with pytest.raises(
        FileNotFoundError, match=r"one sub-folder of images per class; got .*nowhere"
    ):
        load_image_folder(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError, match=r"root must be a folder .* got .*loose\.jpg"):
        load_image_folder(root / "loose.jpg")
    with pytest.raises(ValueError, match="dog has no sub-folders: it must have one of images per"):
        load_image_folder(root / "dog")
    with pytest.raises(ValueError, match=r"none of the 2 sub-folders of .* has images \(\.gif\)"):
        load_image_folder(root, extensions=[".gif"])
