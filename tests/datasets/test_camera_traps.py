from __future__ import annotations

import json
import warnings
from pathlib import Path

import pytest
from PIL import Image

from sklift.datasets import load_camera_traps

CATEGORIES = [{"id": 0, "name": "empty"}, {"id": 5, "name": "bobcat"}, {"id": 9, "name": "deer"}]


@pytest.fixture
def content(tmp_path):
    images, annotations = [], []
    for i, (location, seq, category) in enumerate([(33, "s1", 5), (33, "s1", 9), ("7b", "s2", 0)]):
        path = tmp_path / "images" / f"{location}" / f"{i}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (6, 5)).save(path)
        name = path.relative_to(tmp_path / "images").as_posix()
        images.append({"id": f"x{i}", "file_name": name, "location": location, "seq_id": seq})
        annotations.append({"id": i, "image_id": f"x{i}", "category_id": category})
    return {"info": {}, "images": images, "annotations": annotations, "categories": CATEGORIES}


def load(tmp_path, content, **kwargs):
    text = content if isinstance(content, str) else json.dumps(content)
    (tmp_path / "traps.json").write_text(text, encoding="utf-8-sig")
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        found = load_camera_traps(tmp_path / "traps.json", tmp_path / "images", **kwargs)
    return found, [str(w.message) for w in record]


def test_category_and_location_of_each_picture(tmp_path, content):
    photos, messages = load(tmp_path, content)
    assert [Path(path).name for path in photos.data] == ["0.jpg", "1.jpg", "2.jpg"]
    assert photos.target.tolist() == ["bobcat", "deer", "empty"]
    assert photos.groups.tolist() == ["33", "33", "7b"] and photos.split is None and not messages
    assert load(tmp_path, content, group="seq_id")[0].groups.tolist() == ["s1", "s1", "s2"]
    X, y = load(tmp_path, content, return_X_y=True)[0]
    assert X.tolist() == photos.data.tolist() and y.tolist() == photos.target.tolist()


def test_several_boxes_of_one_species_are_one_label(tmp_path, content):
    content["annotations"].append(
        {"id": 9, "image_id": "x0", "category_id": 5, "bbox": [1, 1, 2, 2]}
    )
    assert load(tmp_path, content)[0].target.tolist() == ["bobcat", "deer", "empty"]


def test_what_is_left_out_is_told(tmp_path, content):
    content["images"][1]["corrupt"] = True
    content["annotations"].append({"id": 9, "image_id": "x2", "category_id": 5})
    content["images"].append({"id": "x3", "file_name": "33/0.jpg"})  # no label
    content["images"].append({"id": "x4", "file_name": "gone.jpg", "location": 1})
    content["annotations"].append({"id": 10, "image_id": "x4", "category_id": 5})
    photos, (message,) = load(tmp_path, content)
    assert [Path(path).name for path in photos.data] == ["0.jpg"]
    reasons = {Path(path).name: why for path, why in photos.left_out.items()}
    assert reasons["1.jpg"] == "a mark as corrupt"
    assert reasons["2.jpg"] == "several labels: bobcat, empty"
    assert reasons["gone.jpg"] == "no file"
    assert "with a mark as corrupt" in message


def test_splits_by_location(tmp_path, content):
    splits = tmp_path / "splits.json"
    splits.write_text(json.dumps({"splits": {"train": ["33"], "val": ["7b"]}}))
    photos, messages = load(tmp_path, content, splits=splits)
    assert photos.split.tolist() == ["train", "train", "val"] and messages == []
    splits.write_text(json.dumps({"splits": {"train": [33]}}))
    photos, _ = load(tmp_path, content, splits=splits)
    assert photos.split.tolist() == ["train"] * 2
    assert list(photos.left_out.values()) == ["no part of the split"]
    splits.write_text(json.dumps({"splits": {"train": [33], "val": [33]}}))
    with pytest.raises(ValueError, match="location '33' is in train and val"):
        load(tmp_path, content, splits=splits)
    for wrong in ({"splits": {"train": 33}}, {"splits": [33]}, [33]):
        splits.write_text(json.dumps(wrong))
        with pytest.raises(ValueError, match=r"splits\.json"):
            load(tmp_path, content, splits=splits)


def test_a_leak_is_told_and_unknown_locations_are_apart(tmp_path, content):
    (tmp_path / "splits.json").write_text(json.dumps({"splits": {"train": [33], "val": ["7b"]}}))
    content["images"][2]["seq_id"] = "s1"
    _, (message,) = load(tmp_path, content, splits=tmp_path / "splits.json", group="seq_id")
    assert "1 of 1 groups ('s1') have pictures in several of train, val" in message
    del content["images"][2]["location"]
    groups = load(tmp_path, content)[0].groups.tolist()
    assert groups[:2] == ["33", "33"] and groups[2].endswith("2.jpg")
    for image in content["images"]:
        image.pop("location", None)
    assert load(tmp_path, content)[0].groups is None


def test_ids_and_locations_may_be_numbers_or_text(tmp_path, content):
    content["annotations"][0]["category_id"] = "5"
    content["images"][1] |= {"id": 4, "location": 33.0}
    content["annotations"][1]["image_id"] = "4"
    photos, messages = load(tmp_path, content)
    assert photos.target.tolist() == ["bobcat", "deer", "empty"] and not messages
    assert photos.groups.tolist() == ["33", "33", "7b"]


@pytest.mark.parametrize(("kind", "text"), [("images", "file_name"), ("categories", "name")])
def test_an_id_of_two_is_refused(tmp_path, content, kind, text):
    content[kind] = [*content[kind], content[kind][0]]  # twice the same is none of two
    assert len(load(tmp_path, content)[0].data) == 3
    content[kind][-1] = content[kind][0] | {text: "other"}
    with pytest.raises(ValueError, match=rf"{kind} '.*' and 'other' have the same id"):
        load(tmp_path, content)


@pytest.mark.parametrize("name", ["../secret.jpg", "/etc/passwd", "33/../../secret.jpg"])
def test_paths_that_lead_elsewhere_are_refused(tmp_path, content, name):
    Image.new("RGB", (6, 5)).save(tmp_path / "secret.jpg")
    content["images"][0]["file_name"] = name
    with pytest.raises(ValueError, match=r"images\[0\]: .* is not below"):
        load(tmp_path, content)


def test_what_is_of_another_format_is_named(tmp_path, content):
    for text, message in (
        ("{", "is no JSON"),
        ("[" * 100_000, "is no JSON"),
        ("[]", "has no list 'images': it must be labels"),
        ('{"images": 3}', "has no list 'images'"),
        ('{"images": ["1.jpg"]}', "must have a text file_name"),
        ('{"images": [{"file_name": 3}]}', "must have a text file_name"),
        ('{"images": []}', "not of the format COCO Camera Traps: 'categories' is missing"),
    ):
        with pytest.raises(ValueError, match=message):
            load(tmp_path, text)
    with pytest.raises(
        ValueError, match=r"group='burst' is no field .* they have file_name, id, loc"
    ):
        load(tmp_path, content, group="burst")
    content["annotations"][0]["category_id"] = 77
    with pytest.raises(ValueError, match="'77' is missing or wrong"):
        load(tmp_path, content)
    content["annotations"] = []
    with pytest.raises(ValueError, match=r"no picture of .* is left: .* with no label"):
        load(tmp_path, content)
