from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.pipeline import make_pipeline

from sklift.displays import TrainingCurveDisplay

HISTORY = [
    {"train_loss": 2.0, "lr": 0.02, "train_acc": 0.4, "dur": 1.0, "valid_loss": 2.5},
    {"train_loss": 1.5, "lr": 0.01, "train_acc": 0.6, "dur": 1.1, "valid_loss": 2.25},
    {"train_loss": 1.0, "lr": 0.0, "train_acc": 0.7, "dur": 0.9, "valid_loss": 2.0},
]


def panels(display):
    return [panel.get_ylabel() for panel in display.axes_]


def test_each_key_is_a_curve_by_epoch():
    display = TrainingCurveDisplay.from_history(HISTORY)
    assert set(display.lines_) == {"train_loss", "valid_loss", "train_acc", "lr"}
    for key, line in display.lines_.items():
        assert line.get_xdata().tolist() == [1, 2, 3]
        assert line.get_ydata().tolist() == [row[key] for row in HISTORY]
    assert panels(display) == ["loss", "accuracy", "learning rate"]
    assert [t.get_text() for t in display.axes_[0].get_legend().get_texts()] == ["train", "valid"]
    assert display.axes_[1].get_legend() is None
    train, valid = display.lines_["train_loss"], display.lines_["valid_loss"]
    assert train.get_marker() != valid.get_marker()  # not by colour alone


def test_there_are_panels_only_for_what_the_history_has():
    display = TrainingCurveDisplay.from_history([{"train_acc": 0.5, "dur": 1.0}])
    assert panels(display) == ["accuracy"]
    assert display.axes_[0].get_xlabel() == "epoch"


def test_other_scores_share_a_panel_with_their_names():
    history = [{"train_loss": 1.0, "dur": 1.0, "$f_1$": 0.5, "_gap": -1.0}] * 2
    display = TrainingCurveDisplay.from_history(history)
    assert panels(display) == ["loss", "other scores"]
    texts = display.axes_[1].get_legend().get_texts()
    assert [text.get_text().strip() for text in texts] == ["$f_1$", "_gap"]
    assert not any(text.get_parse_math() for text in texts)
    assert display.lines_["_gap"].get_ydata().tolist() == [-1, -1]


def test_scores_of_some_epochs_and_what_is_no_score():
    rows = [{"train_loss": 1.0, "epoch": i, "batches": [], "best": True} for i in (1, 2, 3)]
    rows[0] |= {"f1": 0.5, "note": "first"}
    rows[2] |= {"f1": 0.7}
    display = TrainingCurveDisplay.from_history(rows)
    assert list(display.lines_) == ["train_loss", "f1"]
    assert display.lines_["f1"].get_xydata().tolist() == [[1, 0.5], [3, 0.7]]


def test_a_loss_below_zero_is_seen():
    display = TrainingCurveDisplay.from_history([{"train_loss": 1.0}, {"train_loss": -1.0}])
    assert display.axes_[0].get_ylim()[0] < -1
    assert TrainingCurveDisplay.from_history(HISTORY).axes_[0].get_ylim()[0] == 0


def test_the_highest_marker_has_room():
    display = TrainingCurveDisplay.from_history([{"lr": 0.05}, {"lr": 0.049}])
    assert display.axes_[0].get_ylim()[1] > 1.04 * 0.05


def test_a_thousand_epochs_are_a_line_without_markers():
    display = TrainingCurveDisplay.from_history([{"train_loss": 1 / (i + 1)} for i in range(1000)])
    assert len(display.lines_["train_loss"].get_xdata()) == 1000
    assert display.lines_["train_loss"].get_marker() == ""


def test_from_an_estimator():
    class Trained(BaseEstimator):
        history_ = HISTORY

        def fit(self, X, y=None):
            return self

    for estimator in (Trained(), make_pipeline(Trained())):
        display = TrainingCurveDisplay.from_estimator(estimator, alpha=0.5)
        assert display.lines_["lr"].get_ydata().tolist() == [0.02, 0.01, 0]
        assert display.lines_["lr"].get_alpha() == 0.5


def test_from_a_classifier_of_ours(fitted):
    display = TrainingCurveDisplay.from_estimator(fitted)
    expected = [row["train_loss"] for row in fitted.history_]
    np.testing.assert_array_equal(display.lines_["train_loss"].get_ydata(), expected)


@pytest.mark.parametrize(
    ("history", "message"),
    [
        ([], "history is empty"),
        ([{"dur": 1.0}], r"history has none of .*; its first epoch has \['dur'\]"),
        ([{"lr": 1.0}, {"train_loss": 1.0, "lr": 1.0}], r"history\[0\] has no 'train_loss'"),
    ],
)
def test_what_is_wrong_is_said(history, message):
    with pytest.raises(ValueError, match=message):
        TrainingCurveDisplay.from_history(history)


def test_an_estimator_without_a_history():
    with pytest.raises(ValueError, match="BaseEstimator has no history_: give a fitted"):
        TrainingCurveDisplay.from_estimator(BaseEstimator())
