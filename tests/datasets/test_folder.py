from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sklift.datasets import list_images, load_image_folder
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
            path.write_text("no picture")
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
    assert photos.DESCR.startswith("4 pictures of 2 classes in ") and str(root) in photos.DESCR
    assert photos.data.dtype.kind == photos.target.dtype.kind == "U"
    assert as_image_source(photos.data)[3].shape == (5, 6, 3)


def test_return_X_y(root):
    photos = load_image_folder(str(root))
    X, y = load_image_folder(str(root), return_X_y=True)
    np.testing.assert_array_equal(X, photos.data)
    np.testing.assert_array_equal(y, photos.target)


@pytest.mark.parametrize("extensions", [[".png"], ("png",), "PNG", ".png"])
def test_extensions(root, extensions):
    with pytest.warns(UserWarning, match=r"no pictures in .*photos for dog$"):
        photos = load_image_folder(root, extensions=extensions)
    assert relative(photos.data, root) == ["cat/deep/er/1.png"]


def test_an_empty_class_is_named_and_counted(root):
    (root / "bee").mkdir()
    (root / "yak" / "in").mkdir(parents=True)
    with pytest.warns(UserWarning, match=r"no pictures in .*photos for bee, yak$"):
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
        FileNotFoundError, match=r"one sub-folder of pictures per class; got .*nowhere"
    ):
        load_image_folder(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError, match=r"root must be a folder .* got .*loose\.jpg"):
        load_image_folder(root / "loose.jpg")
    with pytest.raises(ValueError, match="dog has no sub-folders: it must have one of pictures"):
        load_image_folder(root / "dog")
    with pytest.raises(ValueError, match=r"none of the 2 sub-folders of .* has pictures \(\.gif\)"):
        load_image_folder(root, extensions=[".gif"])


def make(root, names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if name.endswith("!"):  # an empty file
            path.with_name(path.name[:-1]).touch()
        else:
            with path.open("wb") as file:  # whatever its ending
                Image.new("RGB", (6, 5)).save(file, "PNG")
    return root


def said(load, *args, **kwargs):
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        found = load(*args, **kwargs)
    assert all(w.filename == __file__ for w in record)
    return found, [str(w.message) for w in record]


@pytest.mark.parametrize("ending", ["jfif", "jpe", "avif", "ppm", "jp2", "TGA", "webp"])
def test_the_endings_of_usual_formats_are_listed(tmp_path, ending):
    root = make(tmp_path, [f"cat/1.{ending}", "dog/1.png"])
    photos, messages = said(load_image_folder, root)
    assert photos.class_counts.tolist() == [1, 1] and not messages and photos.left_out == {}


def test_what_is_left_out_is_told_once_with_the_reason(tmp_path):
    root = make(
        tmp_path,
        ["cat/1.png", "cat/2.cr2", "cat/3.CR2", "cat/4", "cat/5.png!", "dog/1.png", "dog/n.txt"],
    )
    photos, messages = said(load_image_folder, root)
    assert photos.class_counts.tolist() == [1, 1]
    assert {Path(path).name: why for path, why in photos.left_out.items()} == {
        "2.cr2": "ending .cr2",
        "3.CR2": "ending .cr2",
        "4": "no ending",
        "5.png": "empty",
        "n.txt": "ending .txt",
    }
    (message,) = messages
    assert message.startswith(f"4 files in {root} are left out: 2 with ending .cr2, 1 with no")
    assert "1 empty" in message and "2.cr2" in message and ".txt" not in message
    (X, _), again = said(load_image_folder, root, return_X_y=True)
    assert again == messages and len(X) == 2
    (message,) = said(list_images, root)[1]
    assert message == messages[0]


def test_endings_that_the_user_chose_are_meant_but_empty_files_are_not(tmp_path):
    root = make(tmp_path, ["cat/1.png", "cat/2.cr2", "dog/1.png", "dog/2.png!"])
    photos, (message,) = said(load_image_folder, root, extensions=[".png"])
    assert "1 file in" in message and "is left out: 1 empty" in message
    assert "cr2" not in message
    assert sorted(photos.left_out.values()) == ["empty", "ending .cr2"]
    photos, (message,) = said(load_image_folder, root, extensions=["png", "cr2"])
    assert photos.class_counts.tolist() == [2, 1]


@pytest.mark.parametrize(
    "parts",
    [
        ["train", "val"],
        ["Train", "Test"],
        ["training_set", "test_set"],
        ["train2017", "val2017"],
        ["train", "valid", "test", "docs"],
        ["seg_test", "seg_train"],
        ["fold1", "fold2", "docs"],
    ],
    ids="-".join,
)
def test_parts_of_a_split_are_no_classes(tmp_path, parts):
    root = make(tmp_path, [f"{part}/{kind}/1.png" for part in parts for kind in ("cat", "dog")])
    _, (message,) = said(load_image_folder, root)
    first = next(part for part in sorted(parts) if part != "docs")
    assert "parts of a split data set rather than classes" in message
    assert f"load_image_folder('{root / first}')" in message
    assert not said(load_image_folder, root / first)[1]


def test_parts_without_classes_are_to_be_listed(tmp_path):
    root = make(tmp_path, ["train/1.png", "test/1.png"])
    assert "list_images(" in said(load_image_folder, root)[1][0]


def test_a_folder_around_the_classes_is_told(tmp_path):
    root = make(tmp_path, ["images/cat/1.png", "images/dog/1.png"])
    _, (message,) = said(load_image_folder, root)
    assert "the only class is 'images'" in message and f"root='{root / 'images'}'" in message


@pytest.mark.parametrize(
    "names",
    [
        ["train/1.png", "bus/1.png"],
        ["cat/2023/1.png", "cat/2024/1.png", "dog/2023/1.png"],
        ["cat/a/1.png", "cat/b/1.png", "cat/1.png"],
        ["testudo/1.png", "trainer/1.png"],
        ["bullet_train/1.png", "steam_train/1.png", "fold1/1.png"],
        ["masks/1.png", "hats/1.png"],
    ],
)
def test_classes_that_only_look_alike_are_let_pass(tmp_path, names):
    assert not said(load_image_folder, make(tmp_path, names))[1]


def test_pictures_and_their_masks_are_no_classes(tmp_path):
    root = make(tmp_path, ["images/cat/1.png", "annotations/cat/1.png"])
    _, (message,) = said(load_image_folder, root)
    assert "'annotations', 'images', which look like pictures and their masks" in message
    assert f"give root='{root / 'images'}'" in message


@pytest.mark.parametrize("other", ["Cat", "cat ", "c\u0061\u0301t"])
def test_classes_of_one_name_in_two_spellings_are_told(tmp_path, other):
    one = "c\u00e1t" if "\u0301" in other else "cat"
    root = make(tmp_path, [f"train/{one}/1.png", f"test/{other}/1.png", "train/dog/1.png"])
    _, (message,) = said(load_image_folder, root, levels="split/class")
    assert "labels that differ only by case, blanks, Unicode form" in message


def reasons(photos, root):
    return {Path(path).relative_to(root).as_posix(): why for path, why in photos.left_out.items()}


@pytest.fixture
def parts(tmp_path):
    parts = ("train", "valid", "test")
    return make(tmp_path, [f"{part}/{kind}/1.png" for part in parts for kind in ("cat", "dog")])


def test_parts_of_a_split(parts):
    photos, messages = said(load_image_folder, parts, levels="split/class")
    assert photos.target.tolist() == ["cat", "dog"] * 3 and messages == []
    assert photos.split.tolist() == ["test"] * 2 + ["train"] * 2 + ["valid"] * 2
    assert photos.target_names.tolist() == ["cat", "dog"] and photos.groups is None
    (X, _), (message,) = said(load_image_folder, parts, levels="split/class", return_X_y=True)
    assert len(X) == 6 and "pictures of test, train, val come together" in message
    assert 'levels="split/class"' in said(load_image_folder, parts)[1][0]


def test_groups_and_what_a_split_leaks(tmp_path):
    make(
        tmp_path / "train",
        (
            "cat/site 1/1.png",
            "cat/site 1/deep/2.png",
            "cat/site 2/1.png",
            "dog/site 1/1.png",
        ),
    )
    photos, messages = said(load_image_folder, tmp_path / "train", levels="class/group")
    assert photos.groups.tolist() == ["site 1", "site 1", "site 2", "site 1"] and messages == []
    make(tmp_path / "test", ["cat/site 2/1.png"])
    _, (message,) = said(load_image_folder, tmp_path, levels="split/class/group")
    assert "1 of 2 groups ('site 2') have pictures in several of test, train" in message


def test_pictures_above_the_folders_of_classes_are_told(parts):
    make(parts, ["loose.png", "train/loose.png"])
    (parts / "notes.txt").write_text("no picture")
    photos, (message,) = said(load_image_folder, parts, levels="split/class")
    assert reasons(photos, parts) == {
        "loose.png": "no folder of a split",
        "train/loose.png": "no folder of a class",
    }
    assert "1 with no folder of a split, 1 with no folder of a class" in message


def test_folders_that_systems_make_are_no_classes(tmp_path):
    make(tmp_path, ["cat/1.png", "cat/@eaDir/1.png", "dog/1.png", "__MACOSX/cat/._1.png"])
    photos, messages = said(load_image_folder, tmp_path)
    assert photos.class_counts.tolist() == [1, 1] and messages == [] and photos.left_out == {}


def test_parts_of_a_split_within_the_classes_are_told(tmp_path):
    make(
        tmp_path, [f"{kind}/{part}/1.png" for kind in ("cat", "dog") for part in ("train", "test")]
    )
    _, (message,) = said(load_image_folder, tmp_path)
    assert "have folders 'test', 'train'" in message and 'levels="class/split"' in message
    photos, messages = said(load_image_folder, tmp_path, levels="class/split")
    assert photos.split.tolist() == ["test", "train"] * 2 and messages == []


@pytest.mark.parametrize("levels", ["", "split", "class/class", "class/kind", "class\\split", None])
def test_levels_that_mean_nothing(parts, levels):
    with pytest.raises(ValueError, match=r'levels must be "class".*got '):
        load_image_folder(parts, levels=levels)


def test_levels_that_the_folder_lacks(parts):
    with pytest.raises(ValueError, match=r"no sub-folders in the shape 'split/class/group'"):
        load_image_folder(parts, levels="split/class/group")


def test_files_without_an_ending_can_be_asked_for(tmp_path):
    make(tmp_path, ["cat/IM000001", "dog/1.png"])
    photos, messages = said(load_image_folder, tmp_path, extensions=["", "png"])
    assert photos.class_counts.tolist() == [1, 1] and messages == []


def test_images_of_a_folder_without_labels(root, tmp_path):
    assert relative(list_images(root), root) == [
        "loose.jpg",
        "cat/0.jpeg",
        "cat/deep/er/1.png",
        "dog/10.JPG",
        "dog/2.jpg",
    ]
    assert relative(list_images(str(root), extensions=["png"]), root) == ["cat/deep/er/1.png"]
    with pytest.raises(
        FileNotFoundError, match=r"folder must be a folder of pictures; got .*nowhere"
    ):
        list_images(tmp_path / "nowhere")
    with pytest.raises(NotADirectoryError, match=r"loose\.jpg; give a single picture as X="):
        list_images(root / "loose.jpg")
    (tmp_path / "all.txt").write_text("loose.jpg")
    with pytest.raises(NotADirectoryError, match=r"all\.txt; load_image_list and"):
        list_images(tmp_path / "all.txt")
    with pytest.raises(ValueError, match=r"has no pictures \(\.gif\)"):
        list_images(root, extensions="gif")
