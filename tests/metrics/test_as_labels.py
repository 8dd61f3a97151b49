"""Labels of any array library: never merged, never floats."""

from __future__ import annotations

from enum import Enum

import numpy as np
import pandas as pd
import pytest
import torch

from sklift import LiftClassifier, metrics
from sklift.metrics._as_labels import as_labels

LARGE = 2**53
TRUE, WRONG = [LARGE, LARGE + 1] * 2, [LARGE + 1, LARGE] * 2
KINDS = {
    "list": list,
    "int64": np.array,
    "uint64": lambda y: np.array(y, np.uint64),
    "object": lambda y: np.array(y, object),
    "nullable": lambda y: pd.Series(y, dtype="Int64"),
    "nullable uint64": lambda y: pd.Series(y, dtype="UInt64"),
    "nullable array": lambda y: pd.array(y, dtype="Int64"),
    "categorical": lambda y: pd.Series(y).astype("category"),
    "tensor": torch.tensor,
}


@pytest.mark.parametrize("other", ["int64", "uint64", "nullable"])
@pytest.mark.parametrize("kind", KINDS)
def test_large_numbers_stay_apart(kind, other):
    y_true, y_pred = KINDS[kind](TRUE), KINDS[other](WRONG)
    counts = {LARGE: 3, LARGE + 1: 300}
    assert metrics.per_class_recall(y_true, y_pred).tolist() == [0, 0]
    assert metrics.per_class_recall(y_true, y_true).tolist() == [1, 1]
    assert metrics.worst_class_recall(y_true, y_pred) == 0
    assert metrics.few_shot_accuracy_score(y_true, y_pred, counts) == 0
    assert metrics.many_shot_accuracy_score(y_true, y_pred, [3, 300]) == 0
    assert metrics.long_tail_report(y_true, y_pred, counts, output="dict")["accuracy"] == 0
    table = metrics.per_class_recall_table(y_true, y_pred, counts)
    assert table["n_test"].tolist() == [2, 2]
    assert table["recall"].tolist() == [0, 0]
    proba = [[0.9, 0.1], [0.1, 0.9]] * 2
    assert metrics.expected_calibration_error(y_true, proba) == pytest.approx(0.1)
    assert metrics.expected_calibration_error(y_pred, proba) == pytest.approx(0.9)


@pytest.mark.parametrize("kind", KINDS)
def test_score_keeps_large_numbers_apart(kind):
    clf = LiftClassifier("precomputed", random_state=0).fit(np.eye(4), TRUE)
    predicted = clf.predict(np.eye(4))
    assert clf.score(np.eye(4), KINDS[kind](predicted.tolist())) == 1
    other = np.where(predicted == LARGE, LARGE + 1, LARGE).tolist()
    assert clf.score(np.eye(4), KINDS[kind](other)) == 0


def test_labels_keep_their_kind():
    assert as_labels(["a", "b"], "y").dtype.kind == "U"
    assert as_labels(np.array([1, 2], np.int8), "y").dtype == np.int8
    assert as_labels([True, False], "y").dtype == bool
    assert as_labels(np.array([2**64 - 1], np.uint64), "y").tolist() == [2**64 - 1]
    assert as_labels(pd.Series([2**64 - 1], dtype="UInt64"), "y").tolist() == [2**64 - 1]


class Kind(str, Enum):  # noqa: UP042 - the text of members is another than their value
    FOX = "fox"
    LYNX = "lynx"


def test_labels_are_those_of_the_estimators():
    y_pred = np.array(["fox", "fox", "lynx"])
    of_kind = [Kind.FOX, Kind.LYNX, Kind.LYNX]
    columns = [of_kind, pd.Series(["fox", "lynx", "lynx"], dtype="category")]
    if hasattr(np.dtypes, "StringDType"):  # numpy 2 has it
        columns.append(np.array(["fox", "lynx", "lynx"], dtype=np.dtypes.StringDType()))
    for y_true in columns:
        assert metrics.per_class_recall(y_true, y_pred).tolist() == [1, 0.5]
    counts = {Kind.FOX: 500, Kind.LYNX: 3}
    assert metrics.few_shot_accuracy_score(of_kind, y_pred, counts) == 0.5
    clf = LiftClassifier("precomputed", random_state=0)
    for _ in range(2):
        clf.partial_fit(np.eye(3), of_kind, classes=list(Kind))
    assert clf.classes_.tolist() == ["fox", "lynx"]


@pytest.mark.parametrize(
    "y",
    [
        ["fox", float("nan")],
        ["fox", None],
        pd.Series(["fox", None], dtype="string"),
        np.ma.masked_array(["fox", "fox"], [False, True]),
    ],
    ids=["NaN", "None", "NA", "masked"],
)
def test_a_missing_label_is_no_class(y):
    with pytest.raises(ValueError, match=r"y_true\[1\] is missing"):
        metrics.per_class_recall(y, ["fox", "lynx"])
    with pytest.raises(ValueError, match=r"y_pred\[1\] is missing"):
        metrics.long_tail_report(["fox", "lynx"], y, {"fox": 3, "lynx": 3})


def test_the_table_counts_each_label():
    y = np.repeat(["c", "a"], [3, 2])
    table = metrics.per_class_recall_table(y, y, {"a": 1, "b": 2, "c": 3})
    assert table["n_test"].tolist() == [2, 0, 3]
