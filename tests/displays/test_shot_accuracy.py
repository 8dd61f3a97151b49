from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV

from sklift.displays import ShotAccuracyDisplay
from sklift.metrics import shot_accuracy_score

COUNTS = {"ant": 300, "bee": 12, "cat": 50, "dog": 3}
Y_TRUE = ["ant", "ant", "bee", "cat", "dog"]
Y_PRED = {
    "plain": ["ant", "ant", "ant", "cat", "ant"],
    "LIFT": ["ant", "bee", "bee", "cat", "dog"],
}


def heights(display, name):
    return [bar.get_height() for bar in display.bars_[name]]


def test_the_bars_are_the_scores():
    display = ShotAccuracyDisplay.from_predictions(Y_TRUE, Y_PRED, COUNTS)
    for name, y_pred in Y_PRED.items():
        expected = [
            *shot_accuracy_score(Y_TRUE, y_pred, COUNTS).values(),
            balanced_accuracy_score(Y_TRUE, y_pred),
        ]
        assert heights(display, name) == pytest.approx(expected)
    ticks = [text.get_text() for text in display.ax_.get_xticklabels()]
    assert ticks == [
        "many\n(> 100)\n1 class",
        "medium\n(20 to 100)\n1 class",
        "few\n(< 20)\n2 classes",
        "all\n(balanced)\n4 classes",
    ]
    texts = [text.get_text() for text in display.ax_.get_legend().get_texts()]
    assert texts == ["plain", "LIFT"]
    assert "0.50" in [text.get_text() for text in display.ax_.texts]


def test_bars_of_several_models_do_not_overlap():
    models = {f"model {i}": Y_PRED["LIFT"] for i in range(10)}
    display = ShotAccuracyDisplay.from_predictions(Y_TRUE, models, COUNTS)
    bars = sorted(
        (bar.get_x(), bar.get_x() + bar.get_width()) for c in display.bars_.values() for bar in c
    )
    assert all(a[1] <= b[0] + 1e-9 for a, b in pairwise(bars))
    looks = {(c[0].get_facecolor(), c[0].get_hatch()) for c in display.bars_.values()}
    assert len(looks) == 10


def test_a_group_without_a_class_has_no_bar():
    display = ShotAccuracyDisplay.from_predictions(["ant"], ["ant"], COUNTS)
    assert display.scores["Classifier"]["all"] == 1
    assert np.isnan(heights(display, "Classifier")[1:3]).all()
    assert display.group_sizes == {"many": 1, "medium": 0, "few": 0, "all": 1}


def test_counts_come_from_the_estimators_that_tell_them(counting):
    X, y = np.arange(140.0)[:, None], np.repeat(["ant", "bee"], [125, 15])
    plain = DummyClassifier().fit(X, y)
    searched = GridSearchCV(counting(), {"shift": [0.0, 0.5]}, cv=2).fit(X, y)
    models = {"dummy": plain, "counting": searched}
    display = ShotAccuracyDisplay.from_estimators(models, X, y)
    assert heights(display, "dummy")[0] == 1
    assert heights(display, "dummy")[2] == 0
    assert display.group_sizes == {"many": 1, "medium": 0, "few": 1, "all": 2}
    one = ShotAccuracyDisplay.from_estimator(plain, X, y, class_counts={"ant": 5, "bee": 50})
    assert heights(one, "DummyClassifier")[1:3] == [0, 1]
    named = ShotAccuracyDisplay.from_estimator(searched, X, y, name="mine", color="red")
    assert list(named.bars_) == ["mine"]


def test_models_of_different_counts_need_class_counts(counting):
    X = np.zeros((6, 1))
    models = {
        "a": counting().fit(X, [0, 0, 0, 1, 1, 1]),
        "b": counting().fit(X, [0, 0, 1, 1, 1, 1]),
    }
    with pytest.raises(
        ValueError, match="'a' and 'b' were trained on different counts: give class"
    ):
        ShotAccuracyDisplay.from_estimators(models, X, [0, 0, 0, 1, 1, 1])


def test_what_is_wrong_is_said(counting):
    X, y = [[0.0], [1.0]], ["ant", "bee"]
    dummy = DummyClassifier().fit(X, y)
    with pytest.raises(ValueError, match=r"none of \['DummyClassifier'\] has class_counts_"):
        ShotAccuracyDisplay.from_estimator(dummy, X, y)
    with pytest.raises(TypeError, match="estimators must be a dict name -> estimator, got list"):
        ShotAccuracyDisplay.from_estimators([dummy], X, y)
    with pytest.raises(ValueError, match="there is no model to draw"):
        ShotAccuracyDisplay.from_predictions(y, {}, COUNTS)
