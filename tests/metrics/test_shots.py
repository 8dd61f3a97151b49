from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest

from sklift.metrics import (
    few_shot_accuracy_score,
    many_shot_accuracy_score,
    medium_shot_accuracy_score,
    shot_accuracy_score,
    shot_groups,
)

COUNTS = [150, 101, 100, 60, 20, 19, 3, 1]


def test_boundaries_follow_the_rule():
    groups = shot_groups(COUNTS)
    members = {name: np.flatnonzero(mask).tolist() for name, mask in groups.items()}
    assert members == {"many": [0, 1], "medium": [2, 3, 4], "few": [5, 6, 7]}


@pytest.mark.parametrize(("many", "few"), [(100, 20), (3, 3), (0, 0), (59, 2)])
def test_every_class_is_in_exactly_one_group(many, few):
    groups = shot_groups([*COUNTS, 0], many=many, few=few)
    np.testing.assert_array_equal(sum(mask.astype(int) for mask in groups.values()), np.ones(9))


def test_wrong_counts_and_boundaries():
    with pytest.raises(ValueError, match="few must not be above many; got few=30, many=10"):
        shot_groups(COUNTS, many=10, few=30)
    for counts in ([3, -1], [3, np.nan], [[1, 2]]):
        with pytest.raises(ValueError, match="one finite number of training samples per class"):
            shot_groups(counts)


def test_group_accuracy_is_the_mean_of_recalls_not_of_hits():
    # Class 0: 3 of 4, class 1: 0 of 1; the share of hits would be 3 / 5.
    scores = shot_accuracy_score([0, 0, 0, 0, 1], [0, 0, 0, 1, 0], [200, 300])
    assert scores["many"] == 0.375


@pytest.mark.filterwarnings("error")
def test_absent_class_never_shifts_the_groups_and_empty_group_is_nan():
    scores = shot_accuracy_score([0, 2, 2], [0, 2, 0], [500, 50, 5], labels=[0, 1, 2])
    assert scores["many"] == 1.0
    assert np.isnan(scores["medium"])
    assert scores["few"] == 0.5


@pytest.mark.parametrize("kind", ["dict", "Counter", "Series", "array"])
def test_counts_in_every_form(kind):
    y_train = np.repeat(["cat", "ant", "bee"], [150, 50, 2])
    counts, labels = {
        "dict": ({"cat": 150, "ant": 50, "bee": 2}, None),
        "Counter": (Counter(y_train), None),
        "Series": (pd.Series(y_train).value_counts(), None),
        "array": ([50, 2, 150], ["ant", "bee", "cat"]),
    }[kind]
    y_true = pd.Series(["ant", "bee", "bee", "cat"])
    y_pred = ["bee", "bee", "cat", "cat"]
    scores = shot_accuracy_score(y_true, y_pred, counts, labels=labels)
    assert scores == {"many": 1.0, "medium": 0.0, "few": 0.5}


def test_scalar_scores_are_those_of_the_dict():
    rng = np.random.default_rng(0)
    y_true, y_pred = rng.integers(8, size=(2, 300))
    scores = shot_accuracy_score(y_true, y_pred, COUNTS, many=60, few=4)
    given = {"labels": np.arange(8), "many": 60, "few": 4}
    assert many_shot_accuracy_score(y_true, y_pred, COUNTS, **given) == scores["many"]
    assert medium_shot_accuracy_score(y_true, y_pred, COUNTS, **given) == scores["medium"]
    assert few_shot_accuracy_score(y_true, y_pred, COUNTS, **given) == scores["few"]
    assert len(set(scores.values())) == 3


def test_counts_that_do_not_fit():
    with pytest.raises(ValueError, match=r"shape \(2,\), for 3 labels: give labels="):
        shot_accuracy_score([0, 1, 2], [0, 1, 2], [5, 6])
    with pytest.raises(ValueError, match=r"y_true holds \['dog'\], of which class_counts"):
        shot_accuracy_score(["ant", "dog"], ["ant", "ant"], {"ant": 5})
    with pytest.raises(ValueError, match=r"no training count of the labels \['dog'\]"):
        shot_accuracy_score(["ant"], ["ant"], {"ant": 5}, labels=["ant", "dog"])
