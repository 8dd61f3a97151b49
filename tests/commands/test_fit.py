"""`sklift fit`: the model, its settings, its scores."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest

from sklift import LiftClassifier
from sklift._commands._fit import _held_out
from sklift._commands._pictures import with_labels

TINY = ("--backbone", "emoji-tiny", "--max_epochs", "1", "--verbose", "0")


def test_a_model_its_scores_and_the_settings_that_give_it_again(sklift, damaged, tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    done = sklift("fit", damaged, "-o", first, *TINY, "--set", "adapter__rank=3", "--json")
    facts = json.loads(done.out)
    assert done.status == 1  # a picture can't be read
    assert list(facts["unreadable"]) == [str(damaged / "blue square" / "cut.png")]
    assert "1 picture could not be read" in done.err and "cut.png: no picture" in done.err
    assert facts["n_test"] + facts["n_train"] == 24 and facts["n_test"] == 5
    assert set(facts["report"]) >= {"accuracy", "balanced_accuracy", "many", "few"}
    clf = LiftClassifier.load(first)
    assert clf.adapter_.rank == 3 and clf.random_state == 0
    assert clf.class_counts_.sum() == facts["n_train"] < 24

    again = sklift("fit", "--config", first.with_suffix(".fit.json"), "-o", second)
    assert again.status == 1 and again.out.startswith("accuracy")
    paths = sorted(damaged.rglob("[0-9]*.png"))
    same = LiftClassifier.load(second).predict_proba(paths)
    np.testing.assert_array_equal(same, clf.predict_proba(paths))
    wanted = {"backbone": "emoji-tiny", "max_epochs": 1, "verbose": 0, "random_state": 0}
    config = json.loads(second.with_suffix(".fit.json").read_text())
    assert config["parameters"].items() >= (wanted | {"adapter__rank": 3}).items()
    assert (config["pictures"], config["output"]) == ("damaged", "b.safetensors")


def test_flags_replace_the_settings_of_a_file(sklift, photos, tmp_path):
    file = tmp_path / "sub" / "old.fit.json"
    file.parent.mkdir()
    parameters = {"backbone": "emoji-tiny", "max_epochs": 1, "verbose": 0, "lr": 0.5}
    content = {"command": "fit", "pictures": str(photos), "test": str(photos), "test_size": 0.5}
    file.write_text(json.dumps(content | {"output": "m.safetensors", "parameters": parameters}))
    done = sklift("fit", "--config", file, "--lr", "0.01", "--test-size=0", "--adapter", "none")
    assert (done.status, done.out) == (0, "")  # nothing to score on
    clf = LiftClassifier.load(file.parent / "m.safetensors")
    assert (clf.lr, clf.adapter, clf.class_counts_.sum()) == (0.01, "none", 24)


def test_labels_of_a_table_and_a_test_set_of_ones_own(sklift, photos, tmp_path):
    paths = sorted(path.relative_to(photos) for path in photos.rglob("*.png"))
    lines = [f"{path};{path.parent.name.split()[0]}" for path in paths]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["file;colour", *lines[:-1], f"{paths[-1]};"]) + "\n")
    words = ("--labels", table, "--path_column", "file", "--label_column", "colour")
    beside = photos.parent / "all.csv"  # a table beside the pictures
    beside.write_text("path,label\n" + "".join(f"photos/{p},blue\n" for p in paths[:2]))
    model = tmp_path / "m.safetensors"
    done = sklift("fit", photos, *words, "-o", model, *TINY, "--test", photos)
    assert done.status == 2 and "none of the classes of these pictures" in done.err
    assert LiftClassifier.load(model).classes_.tolist() == ["blue", "green", "red"]
    words = ("--path_column", "path", "--label_column", "label")
    done = sklift("report", model, beside, *words, "--json")
    assert json.loads(done.out)["scores"]["accuracy"] == 1.0


def test_groups_stay_on_one_side(sklift, photos, tmp_path):
    paths = sorted(path.relative_to(photos) for path in photos.rglob("*.png"))
    sites = {str(path): f"site {i % 6}" for i, path in enumerate(paths)}
    table = tmp_path / "table.csv"
    rows = [f"{path},{path.parent.name},{sites[str(path)]}" for path in paths]
    table.write_text("\n".join(["path,label,site", *rows]))
    words = ("--labels", table, "-o", tmp_path / "m.safetensors", *TINY)
    done = sklift("fit", photos, *words, "--group_column", "site", "--json", "--test_size", "0.34")
    facts = json.loads(done.out)
    assert (facts["n_train"], facts["n_test"]) == (16, 8)  # two of six sites
    options = argparse.Namespace(path_column=None, label_column=None, group_column="site")
    given = with_labels(str(photos), options, str(table))
    train, test = _held_out(given, 0.34, 0)
    assert set(train.groups) | set(test.groups) == set(sites.values())
    assert not set(train.groups) & set(test.groups)
    assert [sites[str(Path(p).relative_to(photos))] for p in test.paths] == test.groups.tolist()
    assert sorted([*train.paths, *test.paths]) == sorted(given.paths)
    done = sklift("fit", photos, *words, "--group_column", "camera")
    assert done.status == 2 and "group='camera' is no column of" in done.err


def test_the_split_of_a_table_and_labels_that_the_model_lacks(sklift, photos, tmp_path):
    paths = sorted(path.relative_to(photos) for path in photos.rglob("*.png"))
    parts = ["train", "train", "val", "test"]
    lines = [f"{p},{p.parent.name},{parts[i % 4]}" for i, p in enumerate(paths)]
    table = tmp_path / "table.csv"
    table.write_text("\n".join(["path,label,split", *lines]))
    model = tmp_path / "m.safetensors"
    done = sklift("fit", photos, "--labels", table, "-o", model, *TINY, "--json")
    facts = json.loads(done.out)
    assert (facts["n_train"], facts["n_test"]) == (12, 6)
    assert "'test' is held out; 6 pictures of other parts are not used" in done.err
    table.write_text(
        "path,label\n"
        + "".join(f"{p},{p.parent.name.upper()}\n" for p in paths[:1])
        + "".join(f"{p},{p.parent.name}\n" for p in paths[1:])
    )
    done = sklift("report", model, photos, "--labels", table)
    label = paths[0].parent.name
    assert f"no class {label.upper()!r}" in done.err and f"'{label}'" in done.err


def test_a_folder_that_takes_no_files_is_told_before_training(sklift, photos, monkeypatch):
    def fails(**where):
        raise OSError("no room")

    monkeypatch.setattr("tempfile.TemporaryFile", fails)
    done = sklift("fit", photos, "-o", "m.safetensors", *TINY)
    assert done.status == 2 and "the output can't be written to" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "give PICTURES and -o MODEL, or --config FILE"),
        (("PHOTOS", "-o", "m.bin"), "must end with .safetensors"),
        (("PHOTOS", "-o", "none/m.safetensors"), "there is no folder none"),
        (("PHOTOS", "-o", "m.safetensors", "--test_size", "2"), "share between 0 and 1; got 2.0"),
        (("PHOTOS", "-o", "m.safetensors", "--adaptr", "x"), "Did you mean '--adapter'?"),
        (("PHOTOS", "-o", "m.safetensors", "--set", "rank=1"), "Did you mean 'adapter__rank'?"),
        (("PHOTOS", "-o", "m.safetensors", "--set", "adapter__rnk=1"), "Did you mean 'rank'?"),
        (("PHOTOS", "-o", "m.safetensors", "--labels", "none.csv"), "none.csv"),
        (("none", "-o", "m.safetensors"), "there is no folder or file none"),
        (("--config", "none.json"), "none.json"),
        (("--config", "odd.json"), "unknown setting 'test_siz'. Did you mean 'test_size'?"),
        (("--config", "other.json"), "other.json has no settings of sklift fit"),
    ],
)
def test_what_is_not_usable_is_told_at_once(sklift, photos, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "odd.json").write_text('{"command": "fit", "test_siz": 1}')
    (tmp_path / "other.json").write_text("[]")
    done = sklift("fit", *(str(photos) if word == "PHOTOS" else word for word in words))
    assert (done.status, done.out) == (2, "") and message in done.err
    assert len(done.err.splitlines()) == 1
    assert {path.name for path in tmp_path.iterdir()} == {"odd.json", "other.json"}


def test_a_stopped_fit_leaves_no_file(sklift, photos, tmp_path, monkeypatch):
    def stop(*args, **kwargs):
        raise KeyboardInterrupt

    monkeypatch.setattr(LiftClassifier, "fit", stop)
    done = sklift("fit", photos, "-o", tmp_path / "m.safetensors", *TINY)
    assert done.status == 130 and not list(tmp_path.iterdir())
