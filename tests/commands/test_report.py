"""`sklift report`: text, JSON and a page."""

from __future__ import annotations

import json
import shutil

import pytest

from sklift import ZeroShotClassifier


def test_scores_as_text_json_and_page(sklift, model, damaged, tmp_path):
    page = tmp_path / "r.html"
    words = ("report", model, damaged, "--many", "10", "--few", "5")
    done = sklift(*words, "-o", page, "--title", "<Station>")
    assert done.status == 1 and "many-shot (> 10)" in done.out
    assert done.out.splitlines()[-1].startswith("calibration error")
    told = json.loads(sklift(*words, "--json").out)
    assert f"{told['scores']['accuracy']:.3f}" in done.out.splitlines()[0]
    assert told["classes"]["n_train"] == [12, 8, 4] and told["classes"]["group"][2] == "few"
    assert told["model"]["backbone"] == "'emoji-tiny'"
    html = page.read_text(encoding="utf-8")
    assert "<title>&lt;Station&gt;</title>" in html and "blue square/cut.png" in html
    assert "where the model looks" not in html  # nothing is wrong


def test_the_page_shows_where_the_model_looked_at_a_mistake(sklift, model, photos, tmp_path):
    (tmp_path / "blue square").mkdir()
    shutil.copy(photos / "red triangle" / "20.png", tmp_path / "blue square" / "0.png")
    assert sklift("report", model, tmp_path, "-o", tmp_path / "r.html").status == 0
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "where the model looks" in html and html.count("<img") == 2


@pytest.mark.parametrize(
    ("place", "message"),
    [("red triangle/20.png", "is one picture"), ("red triangle", "has no sub-folders")],
)
def test_pictures_without_labels(sklift, model, photos, place, message):
    done = sklift("report", model, photos / place)
    assert done.status == 2 and message in done.err


def test_other_models_are_refused(sklift, photos, tmp_path):
    file = tmp_path / "zero.safetensors"
    ZeroShotClassifier("emoji-tiny").fit(None, ["red triangle", "blue square"]).save(file)
    done = sklift("report", file, photos)
    assert done.status == 2
    assert "holds a ZeroShotClassifier; this command needs a LiftClassifier" in done.err
    assert "red triangle" in sklift("predict", file, photos / "red triangle").out


def test_against_an_earlier_page(sklift, model, photos, tmp_path):
    assert sklift("report", model, photos, "-o", tmp_path / "a.html").status == 0
    done = sklift(
        "report", model, photos, "-o", tmp_path / "b.html", "--against", tmp_path / "a.html"
    )
    assert done.status == 0 and "against the earlier report, on 24 pictures:" in done.out
    assert "No class has changed" in (tmp_path / "b.html").read_text()
    done = sklift("report", model, photos, "--against", model)
    assert done.status == 2 and "is no page of a report that can be read back" in done.err
