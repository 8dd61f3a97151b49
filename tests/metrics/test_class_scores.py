from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import precision_recall_fscore_support

from sklift.metrics import per_class_scores
from sklift.metrics._class_scores import wilson_interval

RNG = np.random.default_rng(0)
Y_TRUE = RNG.choice(["ant", "bee", "cat", "dog"], 200, p=[0.6, 0.3, 0.08, 0.02])
Y_PRED = np.where(RNG.random(200) < 0.6, Y_TRUE, RNG.choice(["ant", "bee", "cat"], 200))


def test_scores_are_those_of_scikit_learn():
    table = per_class_scores(Y_TRUE, Y_PRED)
    expected = precision_recall_fscore_support(Y_TRUE, Y_PRED, zero_division=np.nan)
    np.testing.assert_allclose(table["precision"], expected[0])
    np.testing.assert_allclose(table["recall"], expected[1])
    np.testing.assert_allclose(table["f1"], expected[2])
    assert table["n_true"].tolist() == expected[3].tolist()
    assert table["n_predicted"].sum() == 200 and table["label"].tolist() == sorted(set(Y_TRUE))


@pytest.mark.parametrize("confidence", [0.5, 0.95, 0.99])
def test_intervals_are_wilsons(confidence):
    hits, totals = [0, 0, 1, 3, 9, 10, 400], [1, 10, 1, 7, 10, 10, 1000]
    for hit, total, *ends in zip(
        hits, totals, *wilson_interval(hits, totals, confidence), strict=True
    ):
        expected = binomtest(hit, total).proportion_ci(confidence, method="wilson")
        np.testing.assert_allclose(ends, expected, atol=1e-12)


def test_the_interval_of_f1_covers_it_as_often_as_it_says():
    """Samples of a known mix of hits and mistakes, of 60 samples each."""
    rng = np.random.default_rng(1)
    shares = np.array([0.2, 0.1, 0.15, 0.55])  # true and false positives, false negatives, others
    truth = 2 * 0.2 / (2 * 0.2 + 0.1 + 0.15)
    kinds = rng.choice(4, (2000, 60), p=shares)
    covered = []
    for row in kinds:
        y_true, y_pred = np.isin(row, [0, 2]).astype(int), np.isin(row, [0, 1]).astype(int)
        table = per_class_scores(y_true, y_pred, labels=[1])
        covered.append(table["f1_low"][0] <= truth <= table["f1_high"][0])
    assert np.mean(covered) == pytest.approx(0.95, abs=0.02)


def test_a_class_without_samples_has_no_score():
    table = per_class_scores(["ant"], ["bee"], labels=["bee", "cow", "ant"])
    assert table["label"].tolist() == ["bee", "cow", "ant"]
    for name in ("recall", "recall_low", "recall_high"):
        assert np.isnan(table[name]).tolist() == [True, True, False]
    assert np.isnan(table["f1"]).tolist() == [False, True, False]
    frame = per_class_scores([1], [1], output="dataframe")
    assert frame.loc[0, "f1"] == 1 and 0.2 < frame.loc[0, "f1_low"] < 0.4


def test_wrong_arguments():
    with pytest.raises(ValueError, match="confidence must be between 0 and 1; got 95"):
        per_class_scores([1], [1], confidence=95)
    with pytest.raises(ValueError, match="output must be one of"):
        per_class_scores([1], [1], output="text")
    with pytest.raises(ValueError, match="inconsistent numbers"):
        per_class_scores([1, 2], [1])
