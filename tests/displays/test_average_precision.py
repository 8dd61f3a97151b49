from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("matplotlib")

from sklift import MultilabelClassifier
from sklift.displays import AveragePrecisionDisplay
from sklift.metrics import per_label_table

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 4)).astype(np.float32)
Y = (X[:, :3] > [0, 0.5, 1]).astype(int)


def test_from_estimator_draws_the_table():
    lists = [[("ant", "bee", "cat")[k] for k in np.flatnonzero(row)] for row in Y]
    clf = MultilabelClassifier("precomputed", max_epochs=1, random_state=0).fit(X, lists)
    display = AveragePrecisionDisplay.from_estimator(clf, X, lists, many=15, few=10)
    table = per_label_table(Y, Y, clf.predict_proba(X), clf.label_counts_)
    np.testing.assert_array_equal(display.average_precisions, table["average_precision"])
    np.testing.assert_array_equal(display.label_counts, Y.sum(0))
    assert set(display.points_) == set(display.means_) == {"many", "medium", "few"}
    drawn = np.concatenate([points.get_offsets() for points in display.points_.values()])
    expected = np.c_[Y.sum(0), table["average_precision"]]
    np.testing.assert_allclose(sorted(drawn.tolist()), sorted(expected.tolist()))
    assert display.ax_.get_ylabel() == "average precision of the label"
    assert "of 1 label" in display.means_["few"].get_label()


def test_labels_without_pictures_are_left_out():
    display = AveragePrecisionDisplay(np.array([0.5, np.nan]), np.array([300, 3])).plot()
    assert set(display.points_) == {"many"}
    listed = AveragePrecisionDisplay([0.5, float("nan")], [300, 3]).plot()
    assert set(listed.points_) == {"many"}
    with pytest.raises(ValueError, match="average_precisions is NaN for every label"):
        AveragePrecisionDisplay(np.array([np.nan]), np.array([3])).plot()
    with pytest.raises(ValueError, match=r"label_counts \(3,\): give one of each per label"):
        AveragePrecisionDisplay(np.array([0.5]), np.array([3, 4, 5])).plot()


def test_an_estimator_without_counts():
    from sklearn.dummy import DummyClassifier

    with pytest.raises(ValueError, match="has no label_counts_"):
        AveragePrecisionDisplay.from_estimator(DummyClassifier().fit(X, Y), X, Y)


def test_pictures_that_can_not_be_read_are_left_out():
    class Skipping:
        classes_, label_counts_ = np.arange(3), np.array([300, 30, 3])

        def predict_proba(self, X):
            return np.where(np.arange(len(X))[:, None] < 5, np.nan, X[:, :3])

    display = AveragePrecisionDisplay.from_estimator(Skipping(), X, Y)
    table = per_label_table(Y[5:], Y[5:], X[5:, :3], [300, 30, 3])
    np.testing.assert_array_equal(display.average_precisions, table["average_precision"])
    with pytest.raises(ValueError, match="inconsistent numbers of samples"):
        AveragePrecisionDisplay.from_estimator(Skipping(), X, Y[:4])
