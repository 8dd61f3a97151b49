from __future__ import annotations

import numpy as np
import pytest

from sklift.displays import RecallDisplay
from sklift.metrics import per_class_recall, shot_accuracy_score

COUNTS = {"ant": 300, "bee": 12, "cat": 12, "dog": 12, "elk": 50, "fox": 7}
Y_TRUE = ["ant", "ant", "bee", "cat", "dog", "dog", "elk"]
Y_PRED = ["ant", "bee", "bee", "cat", "cat", "cat", "elk"]


def points(display, group):
    drawn = display.points_[group]
    return {tuple(xy): s for xy, s in zip(drawn.get_offsets(), drawn.get_sizes(), strict=True)}


def height(line):
    (segment,) = line.get_segments()
    assert segment[0, 1] == segment[1, 1]
    return segment[0, 1]


def test_points_means_and_areas():
    display = RecallDisplay.from_predictions(Y_TRUE, Y_PRED, COUNTS)
    assert set(points(display, "many")) == {(300, 0.5)}
    assert set(points(display, "medium")) == {(50, 1)}
    few = points(display, "few")  # without the fox, which is not in the test data
    assert set(few) == {(12, 1), (12, 0)}
    assert few[12, 1] == 2 * few[12, 0]  # bee and cat are on one point
    scores = shot_accuracy_score(Y_TRUE, Y_PRED, COUNTS)
    assert {name: height(line) for name, line in display.means_.items()} == scores
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts[2] == "few (< 20): mean 0.67 of 3 classes"
    assert display.ax_.get_xscale() == "log"
    for name, line in display.means_.items():  # which may hide the points otherwise
        assert display.points_[name].get_zorder() > line.get_zorder()


def test_an_array_of_counts_goes_by_labels():
    labels = sorted(COUNTS, reverse=True)
    counts = [COUNTS[label] for label in labels]
    display = RecallDisplay.from_predictions(Y_TRUE, Y_PRED, counts, labels=labels)
    assert display.class_counts.tolist() == counts
    np.testing.assert_array_equal(display.recalls, per_class_recall(Y_TRUE, Y_PRED, labels))


def test_from_an_estimator_with_a_class_that_it_has_not_seen(counting):
    estimator = counting().fit(np.zeros((30, 1)), ["ant"] * 25 + ["bee"] * 5)
    X, y = [[0.0], [0.0], [1.0], [1.0]], ["ant", "bee", "bee", "new"]
    display = RecallDisplay.from_estimator(estimator, X, y)
    assert set(points(display, "medium")) == {(25, 1)}
    assert set(points(display, "few")) == {(5, 0.5), (0, 0)}
    assert display.ax_.get_xscale() == "symlog"
    assert display.ax_.get_xlim()[0] < 0


def test_a_thousand_classes_are_all_drawn():
    rng = np.random.default_rng(0)
    counts = np.sort(rng.integers(1, 1000, 1000))
    display = RecallDisplay(rng.random(1000), counts, many=500, few=100).plot()
    assert sum(len(drawn.get_offsets()) for drawn in display.points_.values()) == 1000


def test_scatter_settings_pass_through():
    display = RecallDisplay.from_predictions(Y_TRUE, Y_PRED, COUNTS, alpha=0.25)
    assert display.points_["many"].get_alpha() == 0.25


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: RecallDisplay(np.ones(3), np.ones(2)).plot(), r"recalls has shape \(3,\)"),
        (lambda: RecallDisplay(np.full(2, np.nan), np.ones(2)).plot(), "NaN for every class"),
        (
            lambda: RecallDisplay.from_predictions(["new"], ["ant"], COUNTS),
            r"y_true holds \['new'\]",
        ),
        (lambda: RecallDisplay.from_estimator(object(), [[1]], [1]), "object has no class_counts_"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
