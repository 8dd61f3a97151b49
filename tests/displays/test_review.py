"""The list of pictures to review, and its sheet."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from PIL import Image

from sklift import LiftClassifier, MultilabelClassifier, ShrunkGaussianClassifier
from sklift.displays import ReviewDisplay, review_list
from sklift.images import Reader


class Given:
    """Classifier of the rows of a table of probabilities, by the level of a picture."""

    classes_ = np.array(["ant", "bee", "cat"])
    table = np.array(
        [[0.8, 0.1, 0.1], [0.4, 0.35, 0.25], [0.1, 0.7, 0.2], [0.34, 0.33, 0.33], [0, 0.1, 0.9]]
    )

    def predict_proba(self, X):
        return self.table[: len(X)]


class Detector:
    def score_samples(self, X):
        return np.array([3.0, 1.0, -2.0, 0.5, 9.0])


X = np.full((5, 6, 8, 3), np.arange(5, dtype=np.uint8)[:, None, None, None] * 40)
Y = ["ant", "cat", "ant", "ant", "cat"]


def of(reason, k=5, **arguments):
    table = review_list(Given(), X, k, reasons=[reason], **arguments)
    return table["index"].tolist(), table["score"]


def test_the_unsure_are_those_of_close_classes():
    index, scores = of("unsure")
    assert index == [3, 1, 2, 0, 4]
    assert_allclose(scores, [0.01, 0.05, 0.5, 0.7, 0.8])


def test_the_foreign_are_those_of_low_scores():
    index, scores = of("foreign", 2, detector=Detector())
    assert index == [2, 3] and scores.tolist() == [-2, 0.5]


def test_the_labels_that_look_wrong_are_those_of_low_probability():
    index, scores = of("label", y=Y)
    assert index == [2, 1] and scores.tolist() == [0.1, 0.25]
    index, scores = of("label", y=["dog", "ant", "bee", "ant", "cat"])  # no class of the model
    assert index == [0] and scores.tolist() == [0]


def test_the_diverse_are_far_from_each_other():
    features = [[0.0], [1.0], [1.1], [-10.0], [5.0]]
    index, scores = of("diverse", features=features)
    assert index == [0, 3, 4, 2, 1]  # the mean is -0.58
    assert_allclose(scores, [0.58, 10, 5, 1.1, 0.1])
    assert of("diverse", features=np.zeros((5, 1)))[0] == [0, 1, 2, 3, 4]
    features[3] = [np.nan]  # not read by the model of these features
    assert of("diverse", features=features)[0] == [2, 4, 0, 1]


def test_each_picture_is_listed_once_and_reasons_in_turn():
    table = review_list(Given(), X, 4, y=Y, detector=Detector())
    assert len(set(table["index"].tolist())) == 4
    assert table["reason"].tolist() == ["unsure", "foreign", "diverse", "label"]
    everything = review_list(Given(), X, 99, y=Y, detector=Detector(), output="dataframe")
    assert sorted(everything["index"]) == [0, 1, 2, 3, 4]
    assert_array_equal(everything["label"], np.array(Y)[everything["index"]])
    assert everything["picture"].tolist() == [f"X[{i}]" for i in everything["index"]]


def test_rows_without_probabilities_are_left_out():
    proba = Given.table.copy()
    proba[3] = np.nan
    assert sorted(of("diverse", proba=proba)[0]) == sorted(of("unsure", proba=proba)[0])
    assert 3 not in of("unsure", proba=proba)[0]
    assert of("unsure", proba=np.full((5, 3), np.nan))[0] == []


def test_reasons_are_those_that_there_is_a_base_for():
    assert set(review_list(Given(), X)["reason"]) == {"unsure", "diverse"}
    rows = np.random.default_rng(0).normal(size=(30, 3)) + 3 * np.eye(3).repeat(10, axis=0)
    clf = ShrunkGaussianClassifier().fit(rows, np.repeat(["a", "b", "c"], 10))
    table = review_list(clf, rows, 6)
    assert set(table["reason"]) == {"unsure", "foreign", "diverse"}
    assert table["picture"][0] == f"X[{table['index'][0]}]"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"k": 0}, "k must be an int of at least 1, got 0"),
        ({"reasons": ["odd"]}, r"reasons must be of \['unsure', 'foreign', 'diverse', 'label'\]"),
        ({"reasons": ["label"]}, "the reason 'label' has no base: give y"),
        ({"reasons": ["foreign"]}, "the reason 'foreign' has no base: give a detector"),
        ({"reasons": "label"}, "reasons must be a list of names; got 'label'"),
        ({"features": np.zeros(5)}, r"a row for each picture; got shape \(5,\)"),
        ({"proba": np.eye(5)}, r"proba has shape \(5, 5\), for 3 classes"),
        ({"y": ["ant"]}, "inconsistent numbers of samples"),
        ({"output": "list"}, "output must be one of"),
    ],
)
def test_what_is_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        review_list(Given(), X, **arguments)


def test_several_labels_are_refused():
    """Margins and sums of independent probabilities gave a list without a meaning."""
    X = np.eye(4, dtype=np.float32)
    clf = MultilabelClassifier("precomputed", max_epochs=1).fit(X, X)
    with pytest.raises(TypeError, match=r"one label a picture.*MultilabelClassifier"):
        review_list(clf, X)


def test_the_sheet_reads_as_the_classifier_does(tmp_path):
    class Reading(Given):
        reader = Reader(on_error="skip", value_range=12)
        table = np.append(Given.table[:2], [[np.nan] * 3], axis=0)

    paths = [tmp_path / f"{i}.png" for i in range(3)]  # the last one is not there
    for path in paths[:2]:
        Image.fromarray(np.full((6, 8), 4095, np.uint16)).save(path)
    display = ReviewDisplay.from_estimator(Reading(), paths, reasons=["unsure"])
    assert [image.min() for image in display.images] == [255, 255]


@pytest.fixture(scope="module")
def sheet(tmp_path_factory):
    """A sheet of pictures in files, of which one is listed with a wrong label."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"a_{i}.png" for i in range(5)]
    for path, picture in zip(paths, X, strict=True):
        Image.fromarray(picture).save(path)
    clf = LiftClassifier("emoji-tiny", adapter=None, max_epochs=1, random_state=0)
    clf = clf.fit(X, ["ant", "ant", "bee", "bee", "bee"])
    y = np.where(clf.predict(X) == "ant", "bee", "ant")
    return ReviewDisplay.from_estimator(clf, paths, 3, y=y, reasons=["label"]), paths


def test_the_sheet_names_files_and_places(sheet):
    display, paths = sheet
    first = int(display.table["index"][0])
    assert display.table["picture"][0] == str(paths[first])
    assert int(display.axes_[0].images[0].get_array()[0, 0, 0]) == 40 * first
    lines = display.axes_[0].get_title().split("\n")
    assert lines[0] == f"{first}: a_{first}.png" and lines[1].startswith("label 0.")
    assert lines[2].startswith(f"{display.table['label'][0]}, or {display.table['predicted'][0]} (")
    assert display.ax_.get_title() == "3 pictures to review"
    with pytest.raises(ValueError, match="the table lists no picture"):
        ReviewDisplay.from_table(X, {name: column[:0] for name, column in display.table.items()})
