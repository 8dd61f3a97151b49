"""`sklift predict`: tables that go on where they were."""

from __future__ import annotations

import csv
import json
import os

import numpy as np
import pytest

from sklift import LiftClassifier
from sklift._commands import _predictions, _reading, main
from sklift._commands._model_file import identity
from sklift._commands._sets import read_threshold


@pytest.fixture
def small_parts(monkeypatch):
    """Parts of a few pictures, so that there are several."""
    monkeypatch.setattr(_reading, "FIRST", 5)
    monkeypatch.setattr(_reading, "MOST", 5)


@pytest.fixture
def counted(monkeypatch):
    """Numbers of pictures of the calls of predict_proba."""
    sizes, given = [], LiftClassifier.predict_proba

    def predict_proba(self, X):
        sizes.append(len(X))
        return given(self, X)

    monkeypatch.setattr(LiftClassifier, "predict_proba", predict_proba)
    return sizes


def rows_of(file):
    with open(file, newline="", encoding="utf-8") as opened:
        return list(csv.DictReader(opened))


def test_rows_are_those_of_the_model(sklift, model, damaged, tmp_path, small_parts):
    out = tmp_path / "p.csv"
    done = sklift("predict", model, damaged, "-o", out, "--top", "2")
    assert done.status == 1 and done.out == ""
    assert "1 picture could not be read" in done.err
    rows = rows_of(out)
    assert [row["path"] for row in rows] == sorted(map(str, damaged.rglob("*.png")))
    (bad,) = [row for row in rows if row["error"]]
    assert bad["path"].endswith("cut.png") and bad["error"] == "no picture that Pillow reads"
    assert bad["label"] == bad["probability"] == bad["label_2"] == ""
    good = [row for row in rows if not row["error"]]
    clf = LiftClassifier.load(model)
    proba = clf.predict_proba([row["path"] for row in good])
    assert [row["label"] for row in good] == clf.classes_[proba.argmax(axis=1)].tolist()
    order = np.sort(proba, axis=1)[:, ::-1]
    for k, name in enumerate(("probability", "probability_2")):
        np.testing.assert_allclose([float(r[name]) for r in good], order[:, k], atol=1e-3)
    assert "label_3" not in rows[0] and len({row["model"] for row in rows}) == 1


def paths_in(content, ending):
    lines = content.decode().splitlines()
    if ending == ".jsonl":
        return [json.loads(line)["path"] for line in lines]
    return [row["path"] for row in csv.DictReader(lines)]


@pytest.mark.parametrize("ending", [".csv", ".jsonl"])
@pytest.mark.parametrize("cut", [1, 7, 150])
def test_it_goes_on_after_a_kill(
    sklift, model, damaged, tmp_path, small_parts, counted, ending, cut
):
    """A process that was killed leaves a part of the file, with half a row at the end."""
    out = tmp_path / f"p{ending}"
    assert sklift("predict", model, damaged, "-o", out).status == 1
    whole = out.read_bytes()
    place = whole.index(b"\n", len(whole) // 2) + 1
    out.write_bytes(whole[: place + cut])
    counted.clear()
    n_done = whole[: place + cut].count(b"\n") - (ending == ".csv")
    done = sklift("predict", model, damaged, "-o", out)
    assert done.status == 1 and f"{n_done} pictures are in {out} already" in done.err
    again = out.read_bytes()
    assert again.startswith(whole[:place]) and again.count(b"\n") == whole.count(b"\n")
    assert paths_in(again, ending) == paths_in(whole, ending)
    assert sum(counted) <= 25 - n_done + 5  # the part with the damaged one is tried again
    counted.clear()
    assert sklift("predict", model, damaged, "-o", out).status == 1  # nothing is left to do
    assert counted == [] and out.read_bytes() == again


def test_only_new_pictures_of_a_folder_are_predicted(sklift, model, photos, damaged, tmp_path):
    out = tmp_path / "p.csv"
    assert sklift("predict", model, photos / "red triangle", "-o", out).status == 0
    first = out.read_bytes()
    done = sklift("predict", model, photos / "red triangle", damaged / "green circle", "-o", out)
    assert done.status == 0 and "4 pictures are in" in done.err
    assert out.read_bytes().startswith(first) and len(rows_of(out)) == 12


def test_half_a_head_is_mended_and_an_odd_path_kept(sklift, model, photos, tmp_path):
    odd = tmp_path / os.fsdecode(b'a,"b\nc\xff.png')
    odd.write_bytes((photos / "red triangle" / "20.png").read_bytes())
    out = tmp_path / "p.csv"
    out.write_bytes(b"path,lab")
    assert sklift("predict", model, odd, photos / "red triangle", "-o", out).status == 0
    whole = out.read_bytes()
    with open(out, newline="", encoding="utf-8", errors="surrogateescape") as file:
        assert next(csv.DictReader(file))["path"] == str(odd)
    assert "5 pictures are" in sklift("predict", model, odd, photos / "red triangle", "-o", out).err
    assert out.read_bytes() == whole
    printed = sklift("predict", model, odd)
    assert "\\n" in printed.out and len(printed.out.splitlines()) == 2


def test_files_of_others_are_left_as_they_are(sklift, model, photos, tmp_path):
    out, one = tmp_path / "p.csv", photos / "red triangle" / "20.png"
    for content in (b"mine", b"a,b\n1,2\n", b"path,label\n"):
        out.write_bytes(content)
        done = sklift("predict", model, one, "-o", out)
        assert done.status == 2 and "has other columns" in done.err
        assert out.read_bytes() == content
    lines = tmp_path / "p.jsonl"
    for content in (b"mine", b"mine\n", b'{"a": 1}\n'):
        lines.write_bytes(content)
        done = sklift("predict", model, one, "-o", lines)
        assert done.status == 2 and "row 1 of" in done.err
        assert lines.read_bytes() == content
    assert sklift("predict", model, one, "-o", out, "--overwrite").status == 0
    whole = out.read_bytes()
    done = sklift("predict", model, one, "-o", out, "--target-prior", "train")
    assert done.status == 2 and "another model, or of other settings" in done.err
    assert sklift("predict", model, one, "-o", out, "--device", "cpu").status == 0
    head, row = whole.splitlines(keepends=True)
    out.write_bytes(head + b"broken\n" + row)
    done = sklift("predict", model, one, "-o", out)
    assert done.status == 2 and "row 1" in done.err and b"broken" in out.read_bytes()


def test_a_stop_leaves_whole_rows(sklift, model, photos, tmp_path, small_parts, monkeypatch):
    given, calls = LiftClassifier.predict_proba, []

    def predict_proba(self, X):
        calls.append(X)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return given(self, X)

    monkeypatch.setattr(LiftClassifier, "predict_proba", predict_proba)
    out = tmp_path / "p.jsonl"
    assert sklift("predict", model, photos, "-o", out).status == 130
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert len(rows) == 10 and out.read_bytes().endswith(b"\n")
    assert rows[0]["top"][0] == [rows[0]["label"], rows[0]["probability"]]
    assert len(rows[0]["top"]) == 3 and rows[0]["error"] is None


def test_lists_tables_and_single_pictures(sklift, model, photos, tmp_path):
    (tmp_path / "a.png").write_bytes((photos / "red triangle" / "20.png").read_bytes())
    (tmp_path / "list.txt").write_text("a.png\n\n")
    (tmp_path / "table.csv").write_text("file,n\na.png,1\n")
    expected = sklift("predict", model, tmp_path / "a.png").out
    assert sklift("predict", model, tmp_path / "list.txt").out == expected
    (tmp_path / "list.txt").write_bytes('\ufeff"a.png" 7\r\n'.encode("utf-16-le"))
    assert sklift("predict", model, tmp_path / "list.txt").out == expected
    (tmp_path / "list.txt").write_text(f".\\..\\{tmp_path.name}\\a.png\n")
    rows = sklift("predict", model, tmp_path / "list.txt").out.splitlines()
    assert rows[1].partition(",")[2] == expected.splitlines()[1].partition(",")[2]
    (tmp_path / "list.txt").write_text("path,label\na.png,7\n")
    done = sklift("predict", model, tmp_path / "list.txt")
    assert done.status == 2 and "none of the 2 lines" in done.err and "end with .csv" in done.err
    words = ("--path_column", "file")
    assert sklift("predict", model, tmp_path / "table.csv", *words).out == expected
    done = sklift("predict", model, tmp_path / "table.csv")
    assert done.status == 2 and "path='path' is no column of" in done.err


def test_the_device_is_that_of_the_words(sklift, model, photos, monkeypatch):
    given, devices = LiftClassifier.load.__func__, []

    def load(cls, path, **options):
        devices.append(options["device"])
        return given(cls, path, **options)

    monkeypatch.setattr(LiftClassifier, "load", classmethod(load))
    one = photos / "red triangle" / "20.png"
    assert sklift("predict", model, one).out == sklift("predict", model, one, "--device", "cpu").out
    assert devices == [None, "cpu"]


def test_parquet_is_written_of_rows_that_were_kept(sklift, model, photos, tmp_path, monkeypatch):
    import pandas

    out, one = tmp_path / "p.parquet", photos / "red triangle"
    monkeypatch.setattr(_predictions, "find_spec", lambda name: name == "pandas")
    done = sklift("predict", model, one, "-o", out)
    assert done.status == 2 and "pip install pandas pyarrow" in done.err
    monkeypatch.setattr(_predictions, "find_spec", lambda name: True)

    def fail(self, buffer, index):
        raise KeyboardInterrupt

    monkeypatch.setattr(pandas.DataFrame, "to_parquet", fail)
    assert sklift("predict", model, one, "-o", out).status == 130
    assert not out.exists()
    # pyarrow is not among the packages of the tests: the table is written in another format
    monkeypatch.setattr(
        pandas.DataFrame, "to_parquet", lambda self, buffer, index: self.to_pickle(buffer)
    )
    done = sklift("predict", model, one, "-o", out)
    assert done.status == 0 and "4 pictures are in" in done.err
    table = pandas.read_pickle(out)
    assert list(tmp_path.iterdir()) == [out] and len(table) == 4
    assert list(table.columns) == _predictions.columns(5) and table["set_size"].dtype == "Int64"
    done = sklift("predict", model, one, "-o", out)
    assert done.status == 2 and "--overwrite" in done.err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("MODEL", "PHOTOS", "-o", "p.txt"), "must end with .csv, .jsonl or .parquet"),
        (("MODEL", "PHOTOS", "--top", "0"), "--top must be at least 1"),
        (("MODEL", "none"), "there is no folder or file none"),
        (("none", "PHOTOS"), "there is no file 'none'"),
        (("PICTURE", "PHOTOS"), "it is no safetensors file"),
    ],
)
def test_what_is_not_usable(sklift, model, photos, words, message):
    places = {"MODEL": model, "PHOTOS": photos, "PICTURE": photos / "red triangle" / "20.png"}
    done = sklift("predict", *(places.get(word, word) for word in words))
    assert (done.status, done.out) == (2, "") and message in done.err


def test_errors_that_are_not_of_pictures_are_told(sklift, model, photos, monkeypatch):
    def predict_proba(self, X):
        raise ValueError("of another reason")

    monkeypatch.setattr(LiftClassifier, "predict_proba", predict_proba)
    done = sklift("predict", model, photos)
    assert done.status == 2 and "of another reason" in done.err


@pytest.fixture(scope="module")
def with_sets(photos, tmp_path_factory):
    """The file of a model that held out half of the pictures."""
    file = tmp_path_factory.mktemp("with_sets") / "m.safetensors"
    words = ["fit", photos, "-o", file, "--test_size", "0.5", "--max_epochs", "1"]
    assert main([*map(str, words), "--backbone", "emoji-tiny", "--verbose", "0"]) == 0
    return file


def test_sets_are_those_of_the_pictures_that_fit_held_out(sklift, with_sets, photos, tmp_path):
    from sklearn.frozen import FrozenEstimator

    from sklift import ConformalClassifier
    from sklift._commands._fit import _held_out
    from sklift._commands._pictures import Pictures

    paths = np.array(sorted(map(str, photos.rglob("*.png"))))
    labels = np.array([os.path.basename(os.path.dirname(path)) for path in paths])
    _, held = _held_out(Pictures(paths, labels, {}), 0.5, 0)
    clf = LiftClassifier.load(with_sets)
    sets = ConformalClassifier(FrozenEstimator(clf)).fit(held.paths.tolist(), held.labels)
    expected = sets.predict_set(paths.tolist())
    assert sklift("predict", with_sets, photos, "-o", tmp_path / "p.jsonl").status == 0
    rows = [json.loads(line) for line in (tmp_path / "p.jsonl").read_text().splitlines()]
    for row, inside in zip(rows, expected, strict=True):
        assert sorted(row["set"]) == clf.classes_[inside].tolist()
        assert row["set"][:1] in ([], [row["label"]])
    assert sklift("predict", with_sets, photos, "-o", tmp_path / "p.csv").status == 0
    table = rows_of(tmp_path / "p.csv")
    assert [r["set"] for r in table] == [" | ".join(r["set"]) for r in rows]
    assert [r["set_size"] for r in table] == [str(len(r["set"])) for r in rows]
    # other predictions than those that were held out
    sklift("predict", with_sets, photos, "-o", tmp_path / "b.csv", "--target_prior", "balanced")
    assert {row["set"] + row["set_size"] for row in rows_of(tmp_path / "b.csv")} == {""}


def test_sets_of_another_model_are_not_taken(sklift, with_sets, model, photos, tmp_path):
    copied = tmp_path / "m.safetensors"
    copied.write_bytes(model.read_bytes())
    sets = copied.with_suffix(".sets.json")
    sets.write_bytes(with_sets.with_suffix(".sets.json").read_bytes())
    picture = next(photos.rglob("*.png"))
    row = next(csv.DictReader(sklift("predict", copied, picture).out.splitlines()))
    assert row["set"] == "" and row["label"]
    sets.write_text(json.dumps({"threshold": 0.0, "model": identity(copied)}))
    row = next(csv.DictReader(sklift("predict", copied, picture).out.splitlines()))
    assert row["set"] == " | ".join([row["label"], row["label_2"], row["label_3"]])
    sets.write_text("{}")
    done = sklift("predict", copied, picture)
    assert done.status == 2 and "m.sets.json has no threshold of sets" in done.err
    words = ("--test_size", "0", "--max_epochs", "1", "--backbone", "emoji-tiny")
    assert sklift("fit", photos, "-o", copied, *words).status == 0 and not sets.exists()


@pytest.mark.parametrize(
    "threshold", ["NaN", "Infinity", "null", "1" * 400, "[" * 100_000], ids=lambda text: text[:8]
)
def test_thresholds_that_are_none(tmp_path, threshold):
    (tmp_path / "m.sets.json").write_text(f'{{"threshold": {threshold}, "model": "this"}}')
    with pytest.raises(ValueError, match=r"m\.sets\.json has no threshold of sets"):
        read_threshold(tmp_path / "m.safetensors", "this")
