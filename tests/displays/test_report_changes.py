"""A report that is read back, and one that is compared with an earlier one."""

from __future__ import annotations

import base64
import io
import json
import re
from html import escape, unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from scipy.stats import binomtest, fisher_exact

from sklift.displays import Report
from sklift.images import Reader
from sklift.images._picked import PickedSource

LABELS = ["ant", "bee", "cat"]
COUNTS = {"ant": 300, "bee": 50, "cat": 3}
Y = np.repeat(LABELS, [40, 30, 10])


def predicted(wrong):
    """Labels of which those at some places are those of the next class."""
    y = Y.copy()
    y[wrong] = np.roll(LABELS, -1)[np.searchsorted(LABELS, Y[wrong])]
    return y


PICTURES = np.zeros((len(Y), 8, 8), np.uint8)
PICTURES[:, 0, 0] = np.arange(len(Y))  # no two are the same


def report(wrong, X=None, y_true=Y, y_pred=None, **arguments):
    X = PICTURES if X is None else X
    y_pred = predicted(np.asarray(wrong, int)) if y_pred is None else y_pred
    proba = np.eye(3)[np.searchsorted(LABELS, y_pred)]
    return Report.from_predictions(X, y_true, y_pred, proba, COUNTS, **arguments)


@pytest.fixture(scope="module")
def then():
    return report([0, 1, 2, *range(40, 60)], model={"rank": "4", "lr": "0.1"})


def test_a_page_is_read_back_as_it_was(then, tmp_path):
    now = report([0, *range(70, 75)], against=then, model={"rank": "8"}, title="<b>")
    for each in (then, now):
        each.save(tmp_path / "r.html")
        again = Report.load(tmp_path / "r.html")
        assert again.to_html() == each.to_html() and str(again) == str(each)
        np.testing.assert_equal(again.to_dict(), each.to_dict())


OTHERS = {
    "": "it holds no data of one",
    "<p>no report</p>": "it holds no data of one",
    '<template id="report-data">{}</template>': "title, text, .* are missing",
    '<template id="report-data">[1]</template>': r"its data must be an object; got \[1\]",
    '<template id="report-data">{"title": </template>': "Expecting value",
    f'<template id="report-data">{"[" * 200_000}</template>': "recursion",
    "<![a[": "marked section",
    "\udcff": "utf-8",
}


@pytest.mark.parametrize("text", OTHERS, ids=range(len(OTHERS)))
def test_another_file_is_no_page(tmp_path, text):
    (tmp_path / "r.html").write_text(text, encoding="utf-8", errors="surrogateescape")
    with pytest.raises(ValueError, match=rf"r\.html is no page of a report .*{OTHERS[text]}"):
        Report.load(tmp_path / "r.html")


@pytest.fixture(scope="module")
def saved(then, tmp_path_factory):
    """Reports of common and of other pictures, and one without an earlier one, as pages."""
    earlier = report([0], np.roll(PICTURES, 1, axis=1))
    reports = [then, report([0, 41], against=then), report([0, 41], against=earlier)]
    return [each.to_html() for each in reports]


def changed(html, change):
    """A page whose data were changed by hand."""
    start, end = html.index(START) + len(START), html.rindex("</template>")
    data = json.loads(unescape(html[start:end]))
    change(data)
    return html[:start] + escape(json.dumps(data), quote=False) + html[end:]


def put(place, value):
    *path, last = (int(key) if key.isdigit() else key for key in place.split("."))

    def change(data):
        for key in path:
            data = data[key]
        if value is None:
            del data[last]
        else:
            data[last] = value

    return change


START = '<template id="report-data">'
NAN = float("nan")
WRONG = [  # where, what is put there, and what the error says
    ("title", None, "title is missing"),
    ("text", 3, "text must be a text; got 3"),
    ("limits", [1], r"limits must be a list of two; got \[1\]"),
    ("limits", [-1, 2], r"limits\[0\] must be a number from 0"),
    ("limits", [10**400, 2], r"limits\[0\] must be a number from 0"),
    ("scores.accuracy", "x", "scores.accuracy must be a number from 0 to 1; got 'x'"),
    ("scores.accuracy", NAN, "scores.accuracy must be a number from 0 to 1; got nan"),
    ("scores.macro_f1", 1.5, "scores.macro_f1 must be a number from 0 to 1, or NaN; got 1.5"),
    ("scores.few", None, "scores.few is missing"),
    ("scores.few.n_classes", -1, "scores.few.n_classes must be a number of pictures or"),
    ("scores.few.n_samples", True, "scores.few.n_samples must be .*; got True"),
    ("classes.n_train.1", "x", r"classes.n_train\[1\] must be a number of pictures or .* 'x'"),
    ("classes.n_train.1", 10**20, r"classes.n_train\[1\] must be"),
    ("classes.group.0", "bird", r"classes.group\[0\] must be one of many, .* got 'bird'"),
    ("classes.label.0", [], r"classes.label\[0\] must be a label"),
    ("classes.name", ["ant"], "columns of classes must be of one length; got name 1, n_train 3"),
    ("calibration.weight", 0.5, "calibration.weight must be a list; got 0.5"),
    ("calibration.error", None, "calibration.error is missing"),
    ("confusions.n_back", None, "confusions.n_back is missing"),
    ("mistakes", [], "it has 23 pictures of 0 mistakes"),
    ("mistakes.1.true", 2, r"mistakes\[1\].true must be a text; got 2"),
    ("model.rank", 4, r"model\['rank'\] must be a text; got 4"),
    ("unreadable", [], r"unreadable must be an object; got \[\]"),
    ("predictions.true.5", 3, "predictions.true must be places in predictions.names, below 3"),
    ("predictions.true.5", -1, r"predictions.true\[5\] must be"),
    ("changes", "x", "changes must be an object; got 'x'"),
    ("changes.model.lr", ["0.1"], r"changes.model\['lr'\] must be a list of two"),
    ("changes.scores.accuracy.p_value", NAN, "scores.accuracy.p_value must be a number"),
    ("changes.scores.balanced_accuracy.low", None, "balanced_accuracy.low is missing"),
    ("changes.classes.clear.0", 1, r"changes.classes.clear\[0\] must be true or false"),
]


@pytest.mark.parametrize(("place", "value", "message"), WRONG, ids=[row[0] for row in WRONG])
def test_a_page_that_was_changed_by_hand_says_where(saved, tmp_path, place, value, message):
    html = saved[1] if place.startswith("changes") else saved[0]
    (tmp_path / "r.html").write_text(changed(html, put(place, value)), encoding="utf-8")
    with pytest.raises(ValueError, match=rf"r\.html is no page of .*\(.*{message}.*\): give"):
        Report.load(tmp_path / "r.html")


def test_what_a_later_version_adds_is_not_read(saved, tmp_path):
    for html in saved:
        more = changed(html, lambda data: [d.update(new=1) for d in (data, data["scores"])])
        (tmp_path / "r.html").write_text(more, encoding="utf-8")
        assert Report.load(tmp_path / "r.html").to_html() == html


@pytest.mark.parametrize("picture", ["AAAA", "/9j/4AAQSkZJRg==", "A", "large"])
def test_a_picture_of_a_mistake_that_cannot_be_read(saved, tmp_path, picture):
    if picture == "large":
        file = io.BytesIO()
        Image.new("RGB", (400, 8)).save(file, "JPEG")
        picture = base64.b64encode(file.getvalue()).decode()
    page = re.sub(r"base64,[^\"]+", f"base64,{picture}", saved[0], count=1)
    (tmp_path / "r.html").write_text(page, encoding="utf-8")
    with pytest.raises(ValueError, match=r"r\.html is no page of .*\(.*(mistakes\[0\]|base64)"):
        Report.load(tmp_path / "r.html")


def test_pictures_of_both_are_compared_one_by_one(then):
    now = report([0, 3, *range(70, 75)], against=then, model={"rank": "8", "lr": "0.1"})
    found = now.changes
    assert (found["n_common"], found["n_better"], found["n_worse"]) == (80, 22, 6)
    table = {k: v.tolist() for k, v in found["classes"].items()}
    assert table["name"] == ["bee", "cat", "ant"]  # the most certain first
    assert table["recall_then"] == [1 / 3, 1.0, 37 / 40] and table["recall_now"][:2] == [1.0, 0.5]
    assert table["n_better"] == [20, 0, 2] and table["n_worse"] == [0, 5, 1]
    expected = [binomtest(20, 20).pvalue, binomtest(0, 5).pvalue, binomtest(2, 3).pvalue]
    np.testing.assert_allclose(table["p_value"], expected)
    assert table["clear"] == [True, False, False]  # 0.06 is not below 0.05
    accuracy, balanced = found["scores"]["accuracy"], found["scores"]["balanced_accuracy"]
    assert (accuracy["then"], accuracy["now"]) == (57 / 80, 73 / 80)
    assert accuracy["p_value"] == pytest.approx(binomtest(22, 28).pvalue)
    difference = balanced["now"] - balanced["then"]
    assert difference == pytest.approx((2 / 3 - 0.5 + 1 / 40) / 3)
    assert balanced["low"] < difference < balanced["high"] < difference + 0.15
    assert found["model"] == {"rank": ("4", "8")}
    html, text = now.to_html(), str(now)
    assert "22 became right and 6 wrong" in html and "<b>bee</b>" in html and "rank" in html
    assert "on 80 pictures" in text and "recall of bee: 0.33 -> 1.00" in text
    assert "Since the earlier report" not in then.to_html()


def test_many_classes_are_not_clear_by_chance():
    """Of 40 classes one changes by 6 of 6 pictures: p is 0.03, which is nothing among 40."""
    names = [f"{k:02}" for k in range(40)]
    y = np.repeat(names, 6)
    half = y.copy()
    half[::2] = "other"
    one = half.copy()
    one[:6] = y[:6]
    X, counts = (
        np.arange(240, dtype=np.uint8)[:, None, None].repeat(8, 1).repeat(8, 2),
        dict.fromkeys([*names, "other"], 5),
    )
    proba = np.full((240, 41), 1 / 41)
    wrong = np.where(np.arange(240) < 6, "other", half)
    before = Report.from_predictions(X, y, wrong, proba, counts)
    after = Report.from_predictions(X, y, one, proba, counts, against=before)
    assert after.changes["classes"]["p_value"][0] == pytest.approx(2 / 2**6)
    assert not after.changes["classes"]["clear"].any()


def write(folder, n=80, blue=0):
    folder.mkdir()
    for i in range(n):
        Image.new("RGB", (8, 8), (i, 0, blue)).save(folder / f"{i:02}.png")
    return [str(folder / f"{i:02}.png") for i in range(n)]


def test_a_folder_may_move_and_a_label_may_change(tmp_path):
    before, after = write(tmp_path / "here"), write(tmp_path / "there")
    earlier = report([5], before)
    assert "here" not in earlier.to_html().split("report-data")[1].split('"mistakes"')[0]
    shuffled = np.r_[79:-1:-1]
    y_true = Y.copy()
    y_true[7] = "cat"
    now = report(None, [after[i] for i in shuffled], y_true[shuffled], Y[shuffled], against=earlier)
    assert now.changes["n_common"] == 79 and now.changes["n_better"] == 1
    assert now.changes["n_worse"] == 0


def test_arrays_are_told_by_their_pixels(then):
    order = np.r_[79:-1:-1]
    turned = report(None, PICTURES[order], Y[order], Y[order], against=then)
    assert turned.changes["n_common"] == 80 and turned.changes["n_better"] == 23
    part = report(None, PICTURES[:30], Y[:30], Y[:30], against=then)
    assert part.changes["n_common"] == 30 and part.changes["n_better"] == 3
    others = report(None, 255 - PICTURES, against=then, y_pred=Y)
    assert others.changes["n_common"] == 0


@pytest.mark.parametrize("settings", [{"framing": "squash"}, {"value_range": (0, 200)}])
@pytest.mark.parametrize("form", ["files", "bytes", "array", "list", "subset"])
def test_pictures_are_the_same_however_they_are_read(tmp_path, settings, form):
    paths = write(tmp_path / "x")
    array = PICTURES.copy()
    X = {"array": array, "list": list(array), "files": paths, "subset": paths}.get(form)
    if form == "bytes":
        X = [Path(path).read_bytes() for path in paths]
    sources = [Reader(**given).build(X) for given in ({}, settings)]
    if form == "subset":
        sources = [PickedSource(source, np.arange(80)) for source in sources]
    assert report([], sources[1], against=report([1], sources[0])).changes["n_common"] == 80


def test_other_pictures_are_compared_by_their_counts(tmp_path):
    earlier = report(list(range(40, 60)), write(tmp_path / "a"))
    others = write(tmp_path / "b", blue=1)  # of the same names
    earlier.save(tmp_path / "r.html")
    now = report([], others, against=tmp_path / "r.html")
    found = now.changes
    assert found["n_common"] == 0 and found["classes"]["name"][0] == "bee"
    expected = fisher_exact([[10, 20], [30, 0]]).pvalue
    assert found["classes"]["p_value"][0] == pytest.approx(expected)
    assert found["classes"]["clear"].tolist() == [True, False, False]
    assert "no picture in common" in now.to_html() and "other pictures" in str(now)
