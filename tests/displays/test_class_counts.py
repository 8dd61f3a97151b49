from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklift.displays import ClassCountsDisplay

COUNTS = {"ant": 12, "bee": 150, "cat": 40, "dog": 3}


def edges(span):
    box = span.get_path().get_extents(span.get_patch_transform())
    return round(box.x0, 6), round(box.x1, 6)


def legend(display):
    return [text.get_text() for text in display.ax_.get_legend().get_texts()]


def test_the_curve_falls_and_the_groups_part_it():
    display = ClassCountsDisplay.from_counts(COUNTS)
    assert display.line_.get_xdata().tolist() == [1, 2, 3, 4]
    assert display.line_.get_ydata().tolist() == [150, 40, 12, 3]
    assert {name: edges(span) for name, span in display.spans_.items()} == {
        "many": (0.5, 1.5),
        "medium": (1.5, 2.5),
        "few": (2.5, 4.5),
    }
    assert legend(display) == [
        "many (> 100): 1 class",
        "medium (20 to 100): 1 class",
        "few (< 20): 2 classes",
    ]
    assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["bee", "cat", "ant", "dog"]
    assert display.ax_.get_yscale() == "log"
    assert display.figure_ is display.ax_.figure


def test_boundaries_move_the_groups():
    display = ClassCountsDisplay.from_counts(COUNTS, many=39, few=10)
    assert edges(display.spans_["many"]) == (0.5, 2.5)
    assert "many (> 39): 2 classes" in legend(display)


def test_all_ways_in_draw_the_same(counting):
    y = np.repeat(list(COUNTS), list(COUNTS.values()))
    estimator = counting().fit(np.zeros((len(y), 1)), y)
    displays = [
        ClassCountsDisplay.from_labels(y),
        ClassCountsDisplay.from_labels(y.tolist()),
        ClassCountsDisplay.from_counts(pd.Series(y).value_counts()),
        ClassCountsDisplay.from_counts(list(COUNTS.values()), labels=list(COUNTS)),
        ClassCountsDisplay.from_estimator(estimator),
        ClassCountsDisplay.from_estimator(make_pipeline(FunctionTransformer(), estimator)),
    ]
    for display in displays:
        assert display.line_.get_ydata().tolist() == [150, 40, 12, 3]
        assert [t.get_text() for t in display.ax_.get_xticklabels()] == ["bee", "cat", "ant", "dog"]


def test_a_thousand_classes_are_not_named_and_empty_ones_have_a_place():
    counts = np.arange(1000)
    display = ClassCountsDisplay.from_counts(counts, labels=counts)
    assert display.line_.get_ydata().tolist() == counts[::-1].tolist()
    assert len(display.ax_.get_xticks()) < 15
    assert display.ax_.get_yscale() == "symlog"
    low, high = display.ax_.get_ylim()
    assert low <= 0 < 999 <= high


def test_it_draws_where_it_is_told_to_and_as():
    import matplotlib.pyplot as plt

    _, ax = plt.subplots()
    display = ClassCountsDisplay.from_counts(COUNTS, ax=ax, color="red")
    assert display.ax_ is ax
    assert display.line_.get_color() == "red"
    assert display.plot() is display
    assert display.ax_ is not ax


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ClassCountsDisplay.from_counts([]), "class_counts is empty"),
        (lambda: ClassCountsDisplay.from_counts([3, -1]), "class_counts must be one finite number"),
        (lambda: ClassCountsDisplay.from_counts([3, 1], labels=["a"]), "1 label for 2 class"),
        (
            lambda: ClassCountsDisplay.from_estimator(LogisticRegression().fit([[0], [1]], [0, 1])),
            r"LogisticRegression has no class_counts_.* use ClassCountsDisplay\.from_labels",
        ),
        (lambda: ClassCountsDisplay.from_labels([]), "y is empty"),
    ],
)
def test_what_is_wrong_is_said(call, message):
    with pytest.raises(ValueError, match=message):
        call()
