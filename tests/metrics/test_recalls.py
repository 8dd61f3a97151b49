from __future__ import annotations

import numpy as np
import pytest

from sklift.metrics import (
    geometric_mean_recall,
    harmonic_mean_recall,
    per_class_recall,
    worst_class_recall,
)

MEANS = [harmonic_mean_recall, geometric_mean_recall, worst_class_recall]


@pytest.mark.parametrize("names", [np.arange(5), np.array(["ant", "bee", "cat", "dog", "eel"])])
def test_per_class_recall_counts_hits(names):
    rng = np.random.default_rng(0)
    true, pred = rng.integers(5, size=(2, 200))
    expected = [(pred[true == k] == k).mean() for k in range(5)]
    np.testing.assert_allclose(per_class_recall(names[true], names[pred]), expected)
    reverse = per_class_recall(names[true], names[pred], labels=names[::-1])
    np.testing.assert_allclose(reverse, expected[::-1])


def test_absent_class_is_nan_and_only_asked_for_with_labels():
    recalls = per_class_recall([0, 0, 2], [0, 1, 2], labels=[0, 1, 2])
    np.testing.assert_array_equal(recalls, [0.5, np.nan, 1.0])
    np.testing.assert_array_equal(per_class_recall([0, 0, 2], [0, 1, 2]), [0.5, 1.0])


def test_means_are_ordered_and_ignore_classes_only_predicted():
    true, pred = [0, 0, 1, 1, 2], [0, 7, 1, 1, 2]
    low, middle, high = (m(true, pred) for m in (worst_class_recall, *MEANS[:2]))
    assert low == 0.5
    np.testing.assert_allclose(middle, 3 / (2 + 1 + 1))
    np.testing.assert_allclose(high, 0.5 ** (1 / 3))


@pytest.mark.parametrize("mean", MEANS)
def test_means_of_equal_recalls_are_that_recall(mean):
    true = np.repeat(np.arange(4), 5)
    pred = np.where(np.arange(20) % 5 == 0, -1, true)
    np.testing.assert_allclose(mean(true, pred), 0.8)


def test_class_never_found():
    true, pred = [0, 1], [0, 0]
    assert worst_class_recall(true, pred) == geometric_mean_recall(true, pred) == 0.0
    np.testing.assert_allclose(harmonic_mean_recall(true, pred), 2 / (1 + 1e5), rtol=1e-12)


def test_geometric_mean_does_not_underflow_with_many_classes():
    true = np.repeat(np.arange(3000), 2)
    pred = np.where(np.arange(6000) % 2, true, -1)
    np.testing.assert_allclose(geometric_mean_recall(true, pred), 0.5)
