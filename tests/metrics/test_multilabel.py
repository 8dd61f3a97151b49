from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.sparse import csr_array
from scipy.special import logit
from sklearn.metrics import (
    accuracy_score,
    average_precision_score,
    f1_score,
    precision_score,
    recall_score,
)

from sklift.metrics import f1_thresholds, multilabel_report, per_label_table

RNG = np.random.default_rng(0)
TRUE = (RNG.uniform(size=(60, 5)) < [0.5, 0.3, 0.2, 0.1, 0.0]).astype(int)
SCORE = np.clip(0.4 * TRUE + RNG.uniform(0, 0.6, TRUE.shape), 0, 1)
PRED = (SCORE > 0.5).astype(int)
PRED[:, 3] = 0
COUNTS = np.array([150, 100, 20, 19, 0])


def test_the_table_agrees_with_scikit_learn():
    table = per_label_table(TRUE, csr_array(PRED), SCORE, COUNTS, labels=list("abcde"))
    present = slice(0, 4)
    for name, score in (("recall", recall_score), ("f1", f1_score)):
        expected = score(TRUE, PRED, average=None, zero_division=0)
        np.testing.assert_allclose(table[name][present], expected[present])
    expected = precision_score(TRUE, PRED, average=None, zero_division=np.nan)
    np.testing.assert_allclose(table["precision"], expected)
    expected = average_precision_score(TRUE[:, :4], SCORE[:, :4], average=None)
    np.testing.assert_allclose(table["average_precision"][present], expected)
    assert np.isnan([table[name][4] for name in ("recall", "f1", "average_precision")]).all()
    assert table["n_test"].tolist() == TRUE.sum(0).tolist()
    assert table["group"].tolist() == ["many", "medium", "medium", "few", "few"]
    frame = per_label_table(TRUE, PRED, SCORE, COUNTS, output="dataframe")
    assert frame["label"].tolist() == [0, 1, 2, 3, 4] and list(frame) == list(table)


def test_the_report_is_the_mean_of_the_table():
    report = multilabel_report(TRUE, PRED, SCORE, COUNTS, output="dict")
    table = per_label_table(TRUE, PRED, SCORE, COUNTS)
    assert report["mean_average_precision"] == pytest.approx(np.nanmean(table["average_precision"]))
    assert report["macro_f1"] == pytest.approx(
        f1_score(TRUE[:, :4], PRED[:, :4], average="macro", zero_division=0)
    )
    assert report["micro_f1"] == pytest.approx(f1_score(TRUE, PRED, average="micro"))
    assert report["exact_match"] == accuracy_score(TRUE, PRED)
    assert report["few"] == {
        "mean_average_precision": pytest.approx(table["average_precision"][3]),
        "macro_f1": 0.0,
        "n_labels": 1,
    }
    assert report["medium"]["n_labels"] == 2
    text = multilabel_report(TRUE, PRED, SCORE, COUNTS, many=200)
    assert "many (> 200)            -      -      0 labels" in text


def test_counts_of_any_kind():
    names = list("abcde")
    by_label = dict(zip(names, COUNTS.tolist(), strict=True))
    for counts in (by_label, pd.Series(by_label)):
        table = per_label_table(TRUE, PRED, SCORE, counts, labels=names)
        np.testing.assert_array_equal(table["n_train"], COUNTS)
    with pytest.raises(ValueError, match=r"no training count of the labels \['f'\]"):
        per_label_table(TRUE, PRED, SCORE, by_label, labels=list("abcdf"))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_true": TRUE[:, 0]}, "y_true has shape .* MultiLabelBinarizer"),
        ({"y_true": 2 * TRUE}, "0 and 1 only"),
        ({"y_pred": PRED[:, :4]}, "y_pred"),
        ({"y_score": SCORE[:, :4]}, "y_score"),
        ({"label_counts": COUNTS[:4]}, "4 label_counts"),
        ({"label_counts": list("abcde")}, "label_counts must be finite numbers"),
        ({"label_counts": -COUNTS - 1}, "label_counts must be finite numbers"),
        ({"y_pred": np.ma.MaskedArray(PRED, mask=PRED == 1)}, r"y_pred\[.*\] is masked"),
        ({"y_true": [["a"], [], ["a", "b"]]}, "y_true has shape .* MultiLabelBinarizer"),
        ({"output": "html"}, "output must be one of"),
    ],
)
def test_wrong_input(change, message):
    given = {"y_true": TRUE, "y_pred": PRED, "y_score": SCORE, "label_counts": COUNTS}
    with pytest.raises(ValueError, match=message):
        multilabel_report(**{**given, **change})


def best_f1(y, score):
    cuts = np.r_[0, (np.sort(score)[1:] + np.sort(score)[:-1]) / 2]
    found = score > cuts[:, None]
    return max(2 * (found & (y == 1)).sum(1) / (found.sum(1) + y.sum()))


def test_thresholds_of_each_label_by_itself_are_the_best():
    thresholds = f1_thresholds(TRUE, SCORE, pictures=0)
    for k in range(4):
        found = f1_score(TRUE[:, k], SCORE[:, k] > thresholds[k])
        assert found == pytest.approx(best_f1(TRUE[:, k], SCORE[:, k]))
    tied = f1_thresholds([[1], [1], [0]], [[0.4], [0.4], [0.4]], pictures=0)
    assert 0 < tied[0] < 0.4


def test_probabilities_of_zero_are_never_above_the_threshold():
    """The best was to predict the label for all pictures, which no threshold above 0 does."""
    y, proba = [[1], [0], [1], [1], [0]], np.array([[0.0], [0.1], [0.2], [0.0], [0.3]])
    threshold = f1_thresholds(y, proba, pictures=0)
    assert 0.1 < threshold[0] < 0.2
    assert 0 < f1_thresholds(y, 0 * proba, pictures=0)[0] < 1


def test_rare_labels_lean_on_all():
    each = f1_thresholds(TRUE, SCORE, pictures=0)
    common = f1_thresholds(TRUE, SCORE, pictures=1e9)
    np.testing.assert_allclose(common, common[0], rtol=1e-6)
    assert each[4] == pytest.approx(common[0])  # a label without pictures
    scores = [f1_score(TRUE[:, :4], SCORE[:, :4] > t, average="macro") for t in (common[0], 0.3)]
    assert scores[0] >= scores[1]
    n = TRUE.sum(0)
    expected = n / (n + 30) * logit(each) + 30 / (n + 30) * logit(common)
    np.testing.assert_allclose(logit(f1_thresholds(TRUE, SCORE)), expected, atol=1e-6)


def test_thresholds_want_probabilities():
    with pytest.raises(ValueError, match="probabilities in"):
        f1_thresholds(TRUE, 3 * SCORE)
    with pytest.raises(ValueError, match="pictures"):
        f1_thresholds(TRUE, SCORE, pictures=-1)
