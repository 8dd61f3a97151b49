from __future__ import annotations

import json
import warnings
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sklift.datasets import load_image_csv, load_image_list, load_megadetector
from sklift.images._as_source import as_image_source


def one(conf, box=(0.5, 0, 0.25, 0.5), category="1", **more):
    return {"category": category, "conf": conf, "bbox": list(box), **more}


@pytest.fixture
def content(tmp_path):
    for i in range(4):
        pixels = np.full((20, 40, 3), i, np.uint8)
        pixels[:10, 20:30] = 100 + i
        (tmp_path / "in").mkdir(exist_ok=True)
        Image.fromarray(pixels).save(tmp_path / "in" / f"{i}.png")
    found = [
        [one(0.9), one(0.3, (0, 0, 1, 1)), one(0.9, category="2")],
        [one(0.1)],
        [one(0.25)],
        [],
    ]
    return {"images": [{"file": f"in/{i}.png", "detections": f} for i, f in enumerate(found)]}


def load(tmp_path, content, **kwargs):
    (tmp_path / "found.json").write_text(json.dumps(content))
    with warnings.catch_warnings(record=True) as record:
        warnings.simplefilter("always")
        found = load_megadetector(tmp_path / "found.json", **kwargs)
    return found, [str(w.message) for w in record]


def where(animals):
    return [Path(path).name for path in animals.filenames]


def test_each_animal_above_the_threshold_is_a_picture(tmp_path, content):
    animals, messages = load(tmp_path, content)
    assert where(animals) == ["0.png", "0.png", "2.png"] and messages == []
    assert animals.scores.tolist() == [0.9, 0.3, 0.25]
    assert [image.size for image in animals.data] == [(10, 10), (40, 20), (10, 10)]
    source = as_image_source(animals.data)
    assert [int(source[i][0, 0, 0]) for i in range(3)] == [100, 0, 102]
    assert animals.target is None and animals.groups.tolist() == animals.filenames.tolist()
    assert sorted(animals.left_out.values()) == ["no animal above 0.2"] * 2
    people, _ = load(tmp_path, content, category="person")
    assert where(people) == ["0.png"]


def test_threshold(tmp_path, content):
    assert where(load(tmp_path, content, threshold=0.05)[0]) == ["0.png", "0.png", "1.png", "2.png"]
    content["info"] = {"detector_metadata": {"typical_detection_threshold": 0.8}}
    assert where(load(tmp_path, content)[0]) == ["0.png"]
    assert len(load(tmp_path, content, threshold=0.25)[0].data) == 3
    for wrong in (-0.1, 80, "0.2"):
        with pytest.raises(ValueError, match=r"threshold must be a confidence in \[0, 1\], got"):
            load(tmp_path, content, threshold=wrong)
    content["info"]["detector_metadata"]["typical_detection_threshold"] = 5.2
    with pytest.raises(ValueError, match=r"\.json: its typical_detection_threshold must be a conf"):
        load(tmp_path, content)


def test_a_box_outside_of_its_picture_is_refused_with_the_file(tmp_path, content):
    found = content["images"][0]["detections"][0]
    found["bbox"] = [0, 0.1, 1.5, 0.5]
    with pytest.raises(ValueError, match=r"\.json: boxes\[0\] = .* is no part of a picture"):
        load(tmp_path, content)
    found["bbox"] = [0, 0, 10**400, 1]
    with pytest.raises(ValueError, match=r"\.json: .*too large"):
        load(tmp_path, content)
    found["conf"] = 10**400
    with pytest.raises(ValueError, match=r"\.json, images\[0\]: a confidence .*10{9,}\.\.\.0+$"):
        load(tmp_path, content)


def test_labels_groups_and_parts_come_from_another_loader(tmp_path, content):
    lines = ["path,label,split,group", "in/0.png,fox,train,7", "in/2.png,lynx,test,8"]
    (tmp_path / "t.csv").write_text("\n".join(lines))
    photos = load_image_csv(tmp_path / "t.csv")
    animals, messages = load(tmp_path, content, photos=photos, threshold=0.05)
    assert animals.target.tolist() == ["fox", "fox", "lynx"] and set(photos) < set(animals)
    assert animals.target_names.tolist() == ["fox", "lynx"]
    assert animals.class_counts.tolist() == [2, 1]
    assert animals.split.tolist() == ["train", "train", "test"]
    assert animals.groups.tolist() == ["7", "7", "8"]
    assert animals.left_out[str(tmp_path / "in" / "1.png")] == "no entry in photos"
    assert len(messages) == 1 and "1 with no entry in photos" in messages[0]
    X, y = load(tmp_path, content, photos=photos, return_X_y=True)[0]
    np.testing.assert_array_equal(X.boxes, animals.data.boxes)
    assert y.tolist() == animals.target.tolist()


def test_numbers_stay_numbers(tmp_path, content):
    (tmp_path / "t.txt").write_text("in/0.png 2\nin/2.png 0")
    photos = load_image_list(tmp_path / "t.txt", class_names=["a", "b", "c"])
    animals, _ = load(tmp_path, content, photos=photos)
    assert animals.target.tolist() == [2, 2, 0] and animals.class_counts.tolist() == [1, 0, 2]
    assert animals.target_names.tolist() == ["a", "b", "c"]


def test_what_is_left_out_is_told(tmp_path, content):
    content["images"] += [
        {"file": "in/9.png", "failure": "Failure image access"},
        {"file": "in/8.png", "detections": None, "failure": "Failure inference"},
        {"file": "in/7.png", "detections": [one(0.9)]},
        {"file": "in/3.png", "detections": [one(0.9, frame_number=12)]},
    ]
    animals, (message,) = load(tmp_path, content)
    assert len(animals.data) == 3
    assert animals.left_out[str(tmp_path / "in" / "3.png")] == "frames of a video"
    assert "1 with frames of a video, 2 with a failure of the detector, 1 with no file" in message


def test_a_box_without_area_is_left_out(tmp_path, content):
    content["images"][0]["detections"].append(one(0.9, (0.5, 0.5, 0, 0.2)))
    animals, (message,) = load(tmp_path, content)
    assert len(animals.data) == 3 and "1 with a box without area" in message
    assert animals.left_out[f"{tmp_path / 'in' / '0.png'}, animal 2"] == "a box without area"


@pytest.mark.parametrize("name", ["../secret.png", "/etc/passwd", "in\\..\\..\\secret.png"])
def test_paths_that_lead_elsewhere_are_refused(tmp_path, content, name):
    (tmp_path / "json").mkdir()
    Image.new("RGB", (6, 5)).save(tmp_path / "secret.png")
    content["images"][0]["file"] = name
    with pytest.raises(ValueError, match=r"images\[0\]: .* is not below"):
        load(tmp_path / "json", content, root=tmp_path / "in")


def test_what_is_of_another_format_is_named(tmp_path, content):
    with pytest.raises(
        ValueError, match="has no list 'images': it must be results of MegaDetector"
    ):
        load(tmp_path, {"annotations": []})
    with pytest.raises(
        ValueError, match=r"category='deer' is none of .* it has animal, person, veh"
    ):
        load(tmp_path, content, category="deer")
    with pytest.raises(TypeError, match=r"photos must be what a loader .* got list"):
        load(tmp_path, content, photos=["in/0.png"])
    with pytest.raises(ValueError, match=r"left to cut out: .* with no animal above 0.95"):
        load(tmp_path, content, threshold=0.95)
    with pytest.raises(FileNotFoundError, match=r"found\.json is left .* no file; root must be"):
        (tmp_path / "elsewhere").mkdir()
        load(tmp_path, content, root=tmp_path / "elsewhere")
    for wrong in ({"file": 3}, {}, "in/0.png", {"file": "in/0.png", "detections": [{"conf": 1}]}):
        with pytest.raises(ValueError, match=r"images\[0\] is no result of MegaDetector"):
            load(tmp_path, {"images": [wrong]})
    for change, message in (
        ({"bbox": [0.5, 0.5, 0.1]}, r"images\[0\]: a bbox has four numbers, got \[0.5, 0.5, 0.1\]"),
        ({"bbox": None}, r"images\[0\]: a bbox has four numbers, got None"),
        ({"bbox": [0.5, 0.5, 0.1, -0.1]}, r"images\[0\]: a bbox has no negative width"),
        ({"conf": 90}, r"images\[0\]: a confidence is in \[0, 1\], got 90"),
    ):
        with pytest.raises(ValueError, match=message):
            load(tmp_path, {"images": [{"file": "in/0.png", "detections": [one(0.9) | change]}]})
    content["images"][0]["detections"][0]["bbox"] = [20, 0, 10, 10]
    with pytest.raises(ValueError, match=r"boxes\[0\] .* pixels are to be divided"):
        load(tmp_path, content)


@pytest.mark.parametrize("categories", [{"1": {}}, ["animal"], 7])
def test_categories_that_are_no_names_are_refused(tmp_path, content, categories):
    content["detection_categories"] = categories
    with pytest.raises(ValueError, match=r"\.json: detection_categories must be names by number"):
        load(tmp_path, content)
