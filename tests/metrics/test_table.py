from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from sklift.metrics import per_class_recall, per_class_recall_table, shot_accuracy_score

NAMES = np.array(["ant", "bee", "cat", "dog"])
COUNTS = {"ant": 150, "bee": 60, "cat": 19, "dog": 0}


@pytest.fixture
def prediction():
    rng = np.random.default_rng(0)
    true = NAMES[[0] * 9 + [2] * 5 + [3] * 4]  # no bee
    return true, np.where(rng.uniform(size=len(true)) < 0.6, true, "bee")


def test_columns(prediction):
    y_true, y_pred = prediction
    table = per_class_recall_table(y_true, y_pred, COUNTS)
    assert list(table) == ["label", "n_train", "n_test", "recall", "group"]
    assert table["label"].tolist() == NAMES.tolist()
    assert table["n_train"].tolist() == [150, 60, 19, 0]
    assert table["n_test"].tolist() == [9, 0, 5, 4]
    assert table["group"].tolist() == ["many", "medium", "few", "few"]
    np.testing.assert_array_equal(table["recall"], per_class_recall(y_true, y_pred, NAMES))
    assert np.isnan(table["recall"][1])


def test_dataframe_groups_to_the_group_scores(prediction):
    boundaries = {"many": 60, "few": 10}
    table = per_class_recall_table(*prediction, COUNTS, output="dataframe", **boundaries)
    assert table["n_test"].sum() == len(prediction[0])
    scores = shot_accuracy_score(*prediction, COUNTS, **boundaries)
    assert table.groupby("group")["recall"].mean().to_dict() == pytest.approx(scores)


def test_rows_follow_labels_and_series_are_taken(prediction):
    y_true, y_pred = (pd.Series(y) for y in prediction)
    table = per_class_recall_table(y_true, y_pred, COUNTS, labels=NAMES[::-1])
    assert table["label"].tolist() == ["dog", "cat", "bee", "ant"]
    assert table["n_test"].tolist() == [4, 5, 0, 9]


def test_unknown_output():
    with pytest.raises(ValueError, match=r"one of \['dict', 'dataframe'\]; got 'text'"):
        per_class_recall_table([0], [0], [1], output="text")
