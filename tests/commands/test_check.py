"""`sklift check`: what is wrong with pictures is found, and nothing else."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image


def test_good_pictures_have_no_findings(sklift, photos):
    done = sklift("check", photos)
    assert done.status == 0 and "nothing to complain of" in done.out
    assert "24 pictures of 3 classes (0 many-shot, 0 medium-shot, 3 few-shot)" in done.out
    assert "most: blue square, 12; fewest: red triangle, 4" in done.out


@pytest.fixture
def faulty(damaged, grey):
    """Pictures with one fault of each kind."""
    square, triangle = damaged / "blue square", damaged / "red triangle"
    rng = np.random.default_rng(0)
    for name, image in {
        "blank": grey(200),
        "blank again": grey(200),  # no copy: blank ones are alike without that
        "dark": grey(0) + rng.integers(0, 40, (40, 40, 1), np.uint8),
        "flat": grey(100) + rng.integers(0, 20, (40, 40, 1), np.uint8),
        "tiny": rng.integers(0, 255, (20, 90, 3), np.uint8),
    }.items():
        Image.fromarray(image).save(square / f"{name}.png")
    shutil.copy(square / "00.png", triangle / "a copy.png")
    shutil.copy(triangle / "20.png", triangle / "again.png")
    (damaged / "Blue_Square").mkdir()
    Image.fromarray(rng.integers(0, 255, (40, 40, 3), np.uint8)).save(damaged / "Blue_Square/1.png")
    (square / "note.txt").write_text("x")
    return damaged


def test_each_fault_is_found_once(sklift, faulty):
    done = sklift("check", faulty, "--json")
    told = json.loads(done.out)
    assert done.status == 1 and told["n_pictures"] == 33
    square = f"{faulty}/blue square"
    found = {finding["kind"]: finding for finding in told["findings"]}
    assert {kind: finding["items"] for kind, finding in found.items()} == {
        "can't be read": [f"{square}/cut.png: no picture that Pillow reads"],
        "the same picture in several classes": [
            f"{square}/00.png = {faulty}/red triangle/a copy.png"
        ],
        "class names that look alike": ["'Blue_Square' = 'blue square'"],
        "copies within a class": [
            f"{faulty}/red triangle/20.png = {faulty}/red triangle/again.png"
        ],
        "tiny": [f"{square}/tiny.png (20 pixels)"],
        "blank": [f"{square}/blank again.png", f"{square}/blank.png"],
        "dark": [f"{square}/dark.png"],
        "low in contrast": [f"{square}/flat.png"],
        "classes of one picture": ["Blue_Square"],
        "files left out": [f"{square}/note.txt: ending .txt"],
    }
    assert [found[kind]["severity"] for kind in list(found)[:3]] == ["error", "error", "warning"]
    assert all(finding["remedy"] for finding in found.values())


def test_odd_folders_are_told(sklift, photos, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(photos / "red triangle", tmp_path / part)
    (tmp_path / "void").mkdir()
    done = sklift("check", tmp_path, "--json")
    told = {finding["kind"]: finding for finding in json.loads(done.out)["findings"]}
    said = " ".join(told["odd folders or lists"]["items"])
    assert "look like parts of a split" in said and "no pictures in" in said and "void" in said
    assert len(told["the same picture in several classes"]["items"]) == 4
    assert "warning" not in done.err


def test_the_table_is_by_severity_with_the_first_of_many(sklift, faulty):
    done = sklift("check", faulty, "--least", "50")
    lines = done.out.splitlines()
    severities = [line.split()[0] for line in lines if line and line[:1] in "ewn"]
    assert severities[1:] == sorted(severities[1:], key=["error", "warning", "note"].index)
    tiny = next(i for i, line in enumerate(lines) if "tiny" in line)
    assert lines[tiny].startswith("warning") and "look for the originals" in lines[tiny]
    assert "more" in lines[tiny + 4]
    assert lines[-1] == "2 kinds of errors, 7 kinds of warnings, 1 kind of notes"


def test_pictures_of_the_other_side_and_a_page(sklift, photos, tmp_path):
    test = tmp_path / "test"
    for name in ("blue square", "red triangle"):
        (test / name).mkdir(parents=True)
    shutil.copy(photos / "blue square" / "00.png", test / "blue square" / "again.png")
    done = sklift("check", photos, "--test", test, "-o", tmp_path / "c.html", "--json")
    told = json.loads(done.out)
    [finding] = [f for f in told["findings"] if f["severity"] == "error"]
    assert done.status == 1 and "several parts of the split" in finding["kind"]
    assert finding["items"] == [f"{photos}/blue square/00.png = {test}/blue square/again.png"]
    rows = [i for i, kind in enumerate(told["table"]["kind"]) if kind == finding["kind"]]
    assert [told["table"]["part"][i] for i in rows] == ["train", "test"]
    assert [told["table"]["label"][i] for i in rows] == ["blue square"] * 2
    assert (tmp_path / "c.html").read_text().count("<figure>") == 2


def test_levels_and_a_table_tell_the_split(sklift, photos, tmp_path):
    for part in ("train", "test"):
        shutil.copytree(photos, tmp_path / part)
    done = sklift("check", tmp_path, "--levels", "split/class")
    assert "error       24  the same picture in several parts of the split" in done.out
    assert "48 pictures of 3 classes" in done.out
    rows = [f"{p}/blue square/0{i}.png,blue square,{p}" for i, p in enumerate(["train", "test"])]
    (tmp_path / "t.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")
    assert sklift("check", tmp_path / "t.csv").status == 0
    done = sklift("check", tmp_path / "t.csv", "--levels", "split/class")
    assert done.status == 2 and "--levels goes with a folder of pictures" in done.err
    done = sklift("check", tmp_path / "t.csv", "--test", photos)
    assert done.status == 2 and "has a split already: leave --test out" in done.err


def test_groups_of_two_tables_and_what_a_table_says_twice(sklift, photos, tmp_path):
    photos = shutil.copytree(photos, tmp_path / "photos")
    for part, numbers in (("train", range(4)), ("test", range(4, 8))):
        rows = [f"blue square/0{i}.png,blue square,site" for i in numbers]
        twice = [f"blue square/08.png,{label},a" for label in ("a", "b") if part == "test"]
        text = "\n".join(["path,label,place", *rows, *twice]) + "\n"
        (photos / f"{part}.csv").write_text(text)
    given = ("--group_column", "place", "--test", photos / "test.csv")
    done = sklift("check", photos / "train.csv", *given)
    assert "groups in several parts of the split" in done.out
    assert "error        1  the same picture in several classes" in done.out and done.status == 1
    done = sklift("check", photos, "--group_column", "place")
    assert done.status == 2 and "--group_column is a column of a table" in done.err


def test_a_backbone_tells_labels_that_look_wrong(sklift, photos, tmp_path):
    folder = tmp_path / "photos"
    shutil.copytree(photos, folder)
    (folder / "blue square" / "cut.png").write_bytes(b"no picture")
    wrong = folder / "blue square" / "wrong.png"
    shutil.move(folder / "green circle" / "15.png", wrong)
    done = sklift("check", folder, "--backbone", "emoji-tiny", "--json")
    found = {finding["kind"]: finding["items"] for finding in json.loads(done.out)["findings"]}
    assert set(found) == {"can't be read", "labels that look wrong"}
    assert found["labels that look wrong"] == [f"{wrong} (blue square? more like green circle)"]
