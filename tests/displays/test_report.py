"""Report: its content, and a page that holds all of it and nothing that acts."""

from __future__ import annotations

import copy
import io
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from sklift.displays import Report
from sklift.metrics import expected_calibration_error, long_tail_report, per_class_scores

EVIL = '<script>alert("1")</script>\u202e'
COUNTS = {"ant": 300, "bee": 50, EVIL: 3}
LABELS = ["ant", "bee", EVIL]
Y_TRUE = np.array(["ant", "ant", "bee", EVIL, EVIL])
Y_PROBA = np.array([[0.9, 0.1, 0], [0.2, 0.8, 0], [0.3, 0.6, 0.1], [0.5, 0.2, 0.3], [0, 0.1, 0.9]])
Y_PRED = np.array(LABELS)[Y_PROBA.argmax(axis=1)]
ALONE = {"meta", "img", "rect", "path", "circle", "br"}


class Reader(HTMLParser):
    """Elements, attributes and text of a page; it fails where elements don't nest."""

    def __init__(self, html):
        super().__init__()
        self.opened, self.tags, self.attributes, self.text = [], [], [], []
        self.feed(html)
        assert self.opened == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += [(tag, *pair) for pair in attributes]
        if tag not in ALONE:
            self.opened.append(tag)

    def handle_endtag(self, tag):
        if tag not in ALONE:
            assert self.opened.pop() == tag

    def handle_data(self, data):
        if self.opened[-1:] != ["style"]:
            self.text.append(data)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report")
    for i in range(5):
        Image.new("RGB", (300, 200), (40 * i, 0, 0)).save(folder / f"<i>{i}.png")
    return [str(folder / f"<i>{i}.png") for i in range(5)]


@pytest.fixture(scope="module")
def report(paths):
    facts = {"backbone": EVIL}
    return Report.from_predictions(
        paths, Y_TRUE, Y_PRED, Y_PROBA, COUNTS, labels=LABELS, model=facts,
        unreadable={f"{EVIL}.png": EVIL}, title=EVIL,
    )  # fmt: skip


def test_scores_are_those_of_the_metrics(report):
    expected = long_tail_report(Y_TRUE, Y_PRED, COUNTS, output="dict")
    assert report.scores == expected
    text = str(report)
    assert text.startswith(long_tail_report(Y_TRUE, Y_PRED, COUNTS))
    error = expected_calibration_error(Y_TRUE, Y_PROBA, labels=LABELS)
    assert report.calibration["error"] == error and text.endswith(f"{error:.3f}")
    assert report.classes["name"].tolist() == LABELS  # the most frequent in training first
    assert report.classes["group"].tolist() == ["many", "medium", "few"]
    scores = per_class_scores(Y_TRUE, Y_PRED, labels=LABELS)
    np.testing.assert_allclose(report.classes["f1_high"], scores["f1_high"])
    assert set(report.confusions["true"].tolist()) == {"ant", EVIL}
    json.dumps(report.to_dict())  # plain data


def test_the_worst_mistakes_come_first(report, paths):
    assert [row["picture"] for row in report.mistakes] == [paths[1], paths[3]]
    worst = report.mistakes[0]
    assert (worst["true"], worst["predicted"]) == ("ant", "bee")
    assert (worst["probability_true"], worst["probability_predicted"]) == (0.2, 0.8)
    with Image.open(io.BytesIO(worst["thumbnail"])) as small:
        assert small.size == (192, 128) and abs(small.getpixel((0, 0))[0] - 40) < 4


def test_the_page_holds_all_and_nothing_that_acts(report, paths, tmp_path):
    report.save(tmp_path / "r.html")
    html = (tmp_path / "r.html").read_text(encoding="utf-8")
    page = Reader(html)
    assert not {"script", "i", "link", "iframe", "form", "object"} & set(page.tags)
    assert not [a for a in page.attributes if a[1].startswith("on") or a[1] == "href"]
    assert [a[2][:23] for a in page.attributes if a[1] == "src"] == ["data:image/jpeg;base64,"] * 2
    assert "http" not in re.sub(r'http-equiv="[^"]*"', "", html) and "url(" not in html
    assert "\u202e" not in html and html.count("&lt;script&gt;") >= 6
    text = " ".join(page.text)
    for part in (paths[1], "20\u00a0%", "80\u00a0%", "ant", "bee", "\\u202e", "Few-shot (< 20)"):
        assert part in text
    assert text.count("could not be read") == 1
    policy = next(a[2] for a in page.attributes if a[1] == "content" and "default-src" in a[2])
    assert policy.startswith("default-src 'none'")
    assert "prefers-color-scheme: dark" in html and "@media print" in html


def test_a_report_without_mistakes():
    X = np.zeros((2, 8, 8), np.uint8)
    report = Report.from_predictions(X, [0, 1], [0, 1], np.eye(2), {0: 5, 1: 5})
    text = " ".join(Reader(report.to_html()).text)
    assert "No picture was taken for another class." in text and "There is none." in text
    assert "Left out" not in text and "The model" not in text


def test_of_an_estimator_with_names_and_settings(fitted, shapes):
    X, y = shapes
    report = Report.from_estimator(fitted, X, np.roll(y, 1), many=10, few=5, n_mistakes=2)
    assert len(report.mistakes) == 2 and report.mistakes[0]["picture"].startswith("X[")
    assert report.model["backbone"] == "'emoji-tiny'" and report.model["epochs"] == "2"
    assert report.model["adapter"].startswith("AdaptFormer(rank=")
    assert report.model["trained on"] == "24 pictures of 3 classes, 4 to 12 of each"
    assert "lr" not in report.model  # the default
    assert report.classes["group"].tolist() == ["many", "medium", "few"]
    inner = report._repr_html_()
    assert inner.startswith("<iframe") and Reader(inner).tags == ["iframe"]


def test_no_file_is_left_by_a_report_that_cannot_be_written(report, tmp_path):
    with pytest.raises(OSError):
        report.save(tmp_path / "none" / "r.html")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("as_bytes", [False, True])
def test_pictures_that_are_not_read_are_listed(fitted, shapes, tmp_path, as_bytes):
    X, y = shapes
    paths = [str(tmp_path / f"{i}.png") for i in range(3)]
    for path, picture in zip(paths, X, strict=False):
        Image.fromarray(picture).save(path)
    (tmp_path / "1.png").write_bytes(b"no picture")
    pictures = [Path(p).read_bytes() for p in paths] if as_bytes else paths
    names = ["X[0]", "X[1]", "X[2]"] if as_bytes else paths
    clf = copy.copy(fitted).set_params(reader__on_error="skip")
    wrong = [label for label in np.unique(y) if label != y[0]][:1] * 3
    with pytest.warns(UserWarning, match="1 of 3 pictures"):
        report = Report.from_estimator(clf, pictures, wrong)
    alone = Report.from_estimator(fitted, [paths[0], paths[2]], [wrong[0], wrong[2]])
    assert list(report.unreadable) == [names[1]] and report.text == alone.text
    named = dict(zip([paths[0], paths[2]], [names[0], names[2]], strict=True))
    shown = [named[mistake["picture"]] for mistake in alone.mistakes]
    assert shown and [mistake["picture"] for mistake in report.mistakes] == shown
