from __future__ import annotations

import codecs
import json
import os

import numpy as np
import pytest
from PIL import Image

from sklift.datasets import (
    load_image_list,
    load_imagenet_lt,
    load_inaturalist2018,
    load_places_lt,
)
from sklift.images._as_source import as_image_source

PATHS = ("train/n01440764/n01440764_190.JPEG", "train/n01443537/a b.JPEG", "val/n01440764/1.JPEG")
LINES = f"{PATHS[0]} 0\n{PATHS[1]} 2\r\n\n{PATHS[2]}\t0"


@pytest.fixture
def root(tmp_path):
    root = tmp_path / "images"
    for path in PATHS:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5)).save(root / path)
    return root


@pytest.fixture
def lists(tmp_path):
    (tmp_path / "lists").mkdir()
    return tmp_path / "lists"


def test_paths_and_labels(root, lists):
    (lists / "any.txt").write_bytes(LINES.encode())
    data = load_image_list(lists / "any.txt", root)
    assert data.data.tolist() == [str(root / path) for path in PATHS]
    assert data.target.tolist() == [0, 2, 0] and data.target.dtype.kind == "i"
    assert data.class_counts.tolist() == [2, 0, 1]
    assert data.target_names is None
    assert data.DESCR.startswith("3 pictures of 3 classes listed in ") and "any.txt" in data.DESCR
    assert as_image_source(data.data)[1].shape == (5, 6, 3)
    X, y = load_image_list(str(lists / "any.txt"), str(root), return_X_y=True)
    np.testing.assert_array_equal(X, data.data)
    np.testing.assert_array_equal(y, data.target)


def test_root_is_the_folder_of_the_list_by_default(root):
    (root / "any.txt").write_text(LINES, encoding="utf-8")
    assert load_image_list(root / "any.txt").data[0] == str(root / PATHS[0])


def test_names_may_be_more_than_the_labels_but_not_less(root, lists):
    (lists / "any.txt").write_text(LINES, encoding="utf-8")
    data = load_image_list(lists / "any.txt", root, class_names=["a", "b", "b", "d"])
    assert data.target_names.tolist() == ["a", "b", "b", "d"]
    assert data.class_counts.tolist() == [2, 0, 1, 0]
    with pytest.raises(ValueError, match="labels up to 2, so at least 3 class_names are needed"):
        load_image_list(lists / "any.txt", root, class_names=["a", "b"])


@pytest.mark.parametrize(
    "line",
    ["a.jpg", "a.jpg cat", "7", "a.jpg -1", "a.jpg 1.0", "a.jpg 1000000", f"a.jpg {10**30}"],
)
def test_a_wrong_line_is_named(root, lists, line):
    (lists / "any.txt").write_text(f"{PATHS[0]} 0\n{line}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=rf'any\.txt, line 2: expected "path label" .* {line!r}; '):
        load_image_list(lists / "any.txt", root)


def test_a_picture_of_several_labels_is_named(root, lists):
    (lists / "any.txt").write_text(f"{PATHS[0]} 0\n{PATHS[0]} 0\n", encoding="utf-8")
    assert len(load_image_list(lists / "any.txt", root).data) == 2
    (lists / "any.txt").write_text(f"{PATHS[0]} 0\n{PATHS[1]} 2\n{PATHS[0]} 3\n", "utf-8")
    with pytest.raises(ValueError, match=r"190\.JPEG with several labels, 0 and 3"):
        load_image_list(lists / "any.txt", root)


def test_missing_list_missing_images_and_empty_list(root, lists):
    with pytest.raises(FileNotFoundError, match=r"there is no list .*any\.txt"):
        load_image_list(lists / "any.txt", root)
    (lists / "any.txt").write_text(LINES, encoding="utf-8")
    with pytest.raises(FileNotFoundError, match=r"the first picture of .*190\.JPEG, which doesn't"):
        load_image_list(lists / "any.txt", lists)
    (lists / "any.txt").write_text("\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"any\.txt lists no pictures"):
        load_image_list(lists / "any.txt", root)


@pytest.mark.parametrize(
    ("load", "prefix", "subsets"),
    [
        (load_imagenet_lt, "ImageNet_LT", ("train", "val", "test")),
        (load_places_lt, "Places_LT", ("train", "val", "test")),
        (load_inaturalist2018, "iNaturalist18", ("train", "val")),
    ],
)
def test_each_subset_has_its_list(root, lists, load, prefix, subsets):
    for label, subset in enumerate(subsets):
        (lists / f"{prefix}_{subset}.txt").write_text(f"{PATHS[0]} {label}", encoding="utf-8")
    for label, subset in enumerate(subsets):
        data = load(root, subset, lists=lists)
        assert data.target.tolist() == [label] and data.target_names is None
        X, y = load(root, subset, lists=lists, return_X_y=True)
        assert X.tolist() == [str(root / PATHS[0])] and y.tolist() == [label]
    with pytest.raises(
        ValueError, match=f"subset must be one of 'train', .*{subsets[-1]}.; got 'x'"
    ):
        load(root, "x")
    with pytest.raises(
        FileNotFoundError, match=rf"there is no {prefix}_train\.txt in .*images: it"
    ):
        load(root)


@pytest.mark.parametrize(
    ("load", "file"),
    [(load_imagenet_lt, "ImageNet_LT_train.txt"), (load_places_lt, "Places_LT_train.txt")],
)
def test_class_names_of_lines(root, load, file):
    (root / file).write_text(LINES, encoding="utf-8")
    names = "n01440764 great white shark\nn01443537 sunglasses\n\nn01484850 sunglasses\n"
    (root / "classnames.txt").write_text(names, encoding="utf-8")
    data = load(root)
    assert data.target_names.tolist() == ["great white shark", "sunglasses", "sunglasses"]
    assert data.class_counts.tolist() == [2, 0, 1]
    (root / "classnames.txt").write_text("tench\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"classnames\.txt: expected lines .* got 'tench'"):
        load(root)


def test_class_names_of_categories(root):
    (root / "iNaturalist18_train.txt").write_text(LINES, encoding="utf-8")
    categories = [{"id": i, "name": name} for i, name in ((2, "C c"), (0, "A a"), (1, "B b"))]
    (root / "categories.json").write_text(json.dumps(categories), encoding="utf-8")
    assert load_inaturalist2018(root).target_names.tolist() == ["A a", "B b", "C c"]
    (root / "categories.json").write_text(json.dumps(categories[:2]), encoding="utf-8")
    with pytest.raises(ValueError, match=r"categories\.json: the ids must be 0, 1, \.\.\., 1"):
        load_inaturalist2018(root)


@pytest.mark.parametrize(
    "encoded",
    [
        codecs.BOM_UTF8 + LINES.encode(),
        LINES.encode("utf-16"),
        codecs.BOM_UTF16_BE + LINES.encode("utf-16-be"),
        LINES.replace("\r\n", "\n").replace("\n", "\r\n").encode(),
        LINES.replace("\r\n", "\n").replace("\n", "\r").encode(),
        LINES.replace(PATHS[1], f'"{PATHS[1]}"').encode(),
        LINES.replace(PATHS[0], f"'{PATHS[0]}'").encode(),
    ],
    ids=["BOM", "UTF-16", "UTF-16 BE", "CRLF", "CR", "quotes", "single quotes"],
)
def test_lists_of_any_origin(root, lists, encoded):
    (lists / "any.txt").write_bytes(encoded)
    data = load_image_list(lists / "any.txt", root)
    assert data.data.tolist() == [str(root / path) for path in PATHS]
    assert data.target.tolist() == [0, 2, 0]


def test_bytes_of_another_encoding_are_named(root, lists):
    (lists / "any.txt").write_bytes(f"{PATHS[0]} 0\nh\xfcte.jpg 1".encode("latin-1"))
    with pytest.raises(ValueError, match=r"any\.txt, line 2 is not UTF-8"):
        load_image_list(lists / "any.txt", root)


def test_paths_may_be_absolute_or_go_up_as_long_as_they_stay_below(root, lists):
    lines = [f"{root / PATHS[0]} 0", f"val/../{PATHS[1]} 1", f"./{PATHS[2]} 1"]
    (lists / "any.txt").write_text("\n".join(lines), encoding="utf-8")
    data = load_image_list(lists / "any.txt", root)
    assert [os.path.normpath(path) for path in data.data] == [str(root / path) for path in PATHS]
    assert data.data[1] == str(root / PATHS[1])


@pytest.mark.parametrize("path", ["..\0", "a.png\0", ".", "./", "val/.", ".\\", ".\\."])
def test_what_names_no_file_is_refused(root, lists, path):
    (lists / "any.txt").write_text(f"{PATHS[0]} 0\n{path} 1", encoding="utf-8")
    with pytest.raises(ValueError, match=r"any\.txt, line 2: .* is no name of a file"):
        load_image_list(lists / "any.txt", root)


@pytest.mark.parametrize("path", ["../secret.png", "val/../../secret.png", "{}", "{}/../images2/a"])
def test_paths_that_lead_elsewhere_are_refused(root, lists, path):
    secret = root.parent / "secret.png"
    Image.new("RGB", (6, 5)).save(secret)
    path = path.format(secret if path == "{}" else root)
    (lists / "any.txt").write_text(f"{PATHS[0]} 0\n{path} 1", encoding="utf-8")
    with pytest.raises(ValueError, match=r"any\.txt, line 2: .* is not below .*images: give a"):
        load_image_list(lists / "any.txt", root)
