"""Labels that look wrong, by features."""

from __future__ import annotations

import numpy as np
import pytest

from sklift.datasets import check_images
from sklift.datasets._checks._label_errors import _HeldOut, wrong_labels

RNG = np.random.default_rng(0)


def rows(n_classes=6, n_each=20, spread=1.0, distance=9.0):
    """Features of classes, and their codes."""
    codes = np.repeat(np.arange(n_classes), n_each)
    centres = RNG.normal(0, distance / 4, (n_classes, 16))
    return (centres[codes] + RNG.normal(0, spread, (len(codes), 16))).astype(np.float32), codes


def alone(n):
    return np.arange(n)


def test_wrong_labels_are_found_and_right_ones_are_not():
    X, codes = rows()
    assert list(wrong_labels(X, codes, alone(len(X)))) == []
    given = codes.copy()
    wrong = [3, 47, 90, 119]
    given[wrong] = (codes[wrong] + 2) % 6
    found = list(wrong_labels(X, given, alone(len(X))))
    assert set(row for row, _, _ in found) <= set(wrong) and len(found) >= 2
    assert all(code == codes[row] for row, code, _ in found)
    excess = [by for _, _, by in found]
    assert excess == sorted(excess, reverse=True) and min(excess) > 0


@pytest.mark.parametrize("distance", [0.0, 1.5])
def test_features_that_cannot_tell_classes_apart_say_nothing(distance):
    X, codes = rows(distance=distance, n_classes=8)
    assert list(wrong_labels(X, codes, alone(len(X)))) == []


def test_groups_are_scored_together_and_rare_classes_are_passed_over():
    X, codes = rows()
    groups = alone(len(X)) // 3
    fold = _HeldOut(X, codes, groups).fold
    assert (fold.reshape(-1, 3) == fold[::3, None]).all() and set(fold) == set(range(5))
    X[0] = X[20:40].mean(axis=0)
    few = np.r_[alone(20), alone(4) + 20]  # a class of 20 and one of 4
    assert list(wrong_labels(X[few], codes[few], alone(24))) == []
    assert list(wrong_labels(X[:40], codes[:40], np.zeros(40, int))) == []  # nothing to hold out
    assert [row for row, _, _ in wrong_labels(X[:40], codes[:40], alone(40))] == [0]


def test_classes_that_overlap_say_nothing_of_each_other():
    X, codes = rows(3)
    X[:6] = X[20:26] + RNG.normal(0, 0.3, (6, 16))  # of 20; a fifth would be looked at
    assert list(wrong_labels(X, codes, alone(60))) == []
    X[:4] = X[14:18] + RNG.normal(0, 0.3, (4, 16))
    assert {row for row, _, _ in wrong_labels(X, codes, alone(60))} == {4, 5}


def test_two_classes_and_rows_that_are_not_finite():
    X, codes = rows(2, 30, distance=8)
    labels = np.array(["ant", "bee"])[codes]
    labels[7], X[7], X[40] = "bee", X[8:30].mean(axis=0), np.nan
    images = np.random.default_rng(0).integers(0, 255, (60, 40, 40, 3), np.uint8)
    table = check_images(images, labels, features=X)
    assert table["kind"].tolist() == ["labels that look wrong"] and table["index"].tolist() == [7]
    assert (table["label"][0], table["detail"][0]) == ("bee", "more like ant")
