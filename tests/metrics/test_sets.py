"""Coverage of sets of labels."""

from __future__ import annotations

import numpy as np
import pytest

from sklift.metrics import per_class_coverage, prediction_set_scores

SETS = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 0], [0, 1, 0], [1, 1, 1]], dtype=bool)
TRUE = ["ant", "bee", "ant", "bee", "dog"]  # of the last no column tells


def test_by_hand():
    labels = ["ant", "bee", "cat"]
    np.testing.assert_array_equal(per_class_coverage(TRUE, SETS, labels), [0.5, 0.5, np.nan])
    scores = prediction_set_scores(TRUE, SETS, labels)
    assert scores == {
        "coverage": 2 / 5, "macro_coverage": 0.5, "mean_size": 7 / 5, "empty": 1 / 5
    }  # fmt: skip


@pytest.mark.parametrize("y_set", [SETS.astype(int), SETS[:, :2], SETS[0]])
def test_other_arrays_are_refused(y_set):
    with pytest.raises(ValueError, match=r"y_set must be bool of shape \(n_samples, 3\)"):
        prediction_set_scores(TRUE, y_set, ["ant", "bee", "cat"])


def test_no_samples():
    with pytest.raises(ValueError, match="y_true is empty"):
        per_class_coverage([], SETS[:0], ["ant", "bee", "cat"])
