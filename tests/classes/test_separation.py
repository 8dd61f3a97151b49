"""Separation of classes by texts."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import roc_auc_score

from sklift._classes._separation import separation


def test_it_is_the_area_under_the_curve_with_classes_that_count_the_same():
    rng = np.random.default_rng(0)
    codes = np.r_[np.arange(5), rng.integers(0, 5, 45) // 2]
    scores = rng.integers(0, 9, (50, 3)).astype(float)  # with ties
    areas = separation(scores, codes, 5)
    weights = 1 / np.bincount(codes)[codes]
    for k in range(5):
        for j in range(3):
            area = roc_auc_score(codes == k, scores[:, j], sample_weight=weights)
            np.testing.assert_allclose(areas[k, j], area)


def test_texts_that_are_equally_good_are_equal():
    codes = np.repeat([0, 1, 2], [3, 10, 7])
    scores = np.array([codes == 0, (codes == 0) * np.arange(1, 21)]).T
    areas = separation(scores.astype(float), codes, 3)
    assert areas[0].tolist() == [1, 1]
