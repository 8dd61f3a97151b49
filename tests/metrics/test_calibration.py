from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import make_scorer

from sklift.metrics import expected_calibration_error, reliability_curve


def softmax(logits):
    weights = np.exp(logits)
    return weights / weights.sum(axis=1, keepdims=True)


def ece_by_the_book(y_true, proba, n_bins):
    """Equation 3 of Guo et al., bin by bin."""
    top, hit, error = proba.max(axis=1), proba.argmax(axis=1) == y_true, 0.0
    for b in range(1, n_bins + 1):
        members = ((b - 1) / n_bins < top) & (top <= b / n_bins)
        if members.any():
            error += members.mean() * abs(hit[members].mean() - top[members].mean())
    return error


@pytest.mark.parametrize("n_bins", [1, 4, 15])
def test_is_the_equation_of_guo_et_al(n_bins):
    rng = np.random.default_rng(0)
    proba, y_true = softmax(2 * rng.normal(size=(300, 5))), rng.integers(5, size=300)
    error = expected_calibration_error(y_true, proba, n_bins=n_bins)
    np.testing.assert_allclose(error, ece_by_the_book(y_true, proba, n_bins), rtol=1e-12)


def test_one_bin_is_the_gap_of_the_means():
    rng = np.random.default_rng(0)
    proba, y_true = softmax(rng.normal(size=(50, 3))), rng.integers(3, size=50)
    gap = abs((proba.argmax(axis=1) == y_true).mean() - proba.max(axis=1).mean())
    np.testing.assert_allclose(expected_calibration_error(y_true, proba, n_bins=1), gap)


def test_labels_drawn_from_the_probabilities_are_calibrated_and_sharpened_ones_are_not():
    rng = np.random.default_rng(0)
    logits = 1.5 * rng.normal(size=(40_000, 4))
    proba = softmax(logits)
    y_true = (proba.cumsum(axis=1) < rng.uniform(size=(len(proba), 1))).sum(axis=1)
    assert expected_calibration_error(y_true, proba) < 0.01
    assert expected_calibration_error(y_true, softmax(3 * logits)) > 0.1


def test_curve_leaves_out_empty_bins_and_puts_edges_into_the_lower_bin():
    proba = np.array([[0.5, 0.25, 0.25], [0.75, 0.25, 0.0], [0.7, 0.2, 0.1], [0.0, 0.0, 1.0]])
    confidence, accuracy, weight = reliability_curve([0, 1, 0, 2], proba, n_bins=4)
    np.testing.assert_allclose(confidence, [0.5, 0.725, 1.0])
    np.testing.assert_allclose(accuracy, [1.0, 0.5, 1.0])
    np.testing.assert_allclose(weight, [0.25, 0.5, 0.25])


@pytest.mark.parametrize("dtype", [np.float64, np.float32, np.float16])
def test_two_classes_as_one_column_or_two(dtype):
    rng = np.random.default_rng(0)
    second = rng.uniform(size=80).astype(dtype)
    y_true = np.where(rng.uniform(size=80) < second, "yes", "no")
    columns = np.column_stack([1 - second, second])
    one, two = (reliability_curve(y_true, p, n_bins=7) for p in (second, columns))
    for mine, theirs in zip(one, two, strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-3)


def test_labels_name_the_columns_and_a_class_without_column_is_always_missed():
    proba = np.array([[0.2, 0.8], [0.9, 0.1], [0.4, 0.6]])
    curve = reliability_curve(["a", "b", "c"], proba, labels=["b", "a"], n_bins=1)
    np.testing.assert_allclose(curve, [[2.3 / 3], [2 / 3], [1.0]])


def test_serves_as_a_scorer():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(60, 2))
    y = np.where(X[:, 0] + rng.normal(size=60) > 0, "yes", "no")
    model = LogisticRegression().fit(X, y)
    scorer = make_scorer(
        expected_calibration_error, greater_is_better=False, response_method="predict_proba"
    )
    expected = expected_calibration_error(y, model.predict_proba(X), labels=model.classes_)
    assert scorer(model, X, y) == -expected


@pytest.mark.parametrize(
    ("y_true", "y_proba", "given", "message"),
    [
        ([0, 1], [[2.0, -1.0], [0.0, 1.0]], {}, r"probabilities in \[0, 1\]; got values in \[-1"),
        ([0, 1], [[0.5, 0.5], [0.5, 0.3]], {}, "row 1 sums to 0.8"),
        ([0, 1], [[np.nan, 0.5], [0.5, 0.5]], {}, "y_proba contains NaN"),
        ([0, 1], [[0.5, 0.5, 0.0]] * 2, {}, "of 3 classes, for 2 labels: give labels="),
        ([0, 0], [0.5, 0.5], {}, "of 2 classes, for 1 label: give labels="),
        ([0, 1], [0.5, 0.5], {"labels": ["0", "1"]}, "y_true holds none of the labels"),
        ([0, 1], [0.5, 0.5], {"n_bins": 0}, "n_bins must be at least 1; got 0"),
        ([0, 1, 1], [0.5, 0.5], {}, "inconsistent numbers of samples"),
    ],
)
def test_wrong_input(y_true, y_proba, given, message):
    with pytest.raises(ValueError, match=message):
        expected_calibration_error(y_true, y_proba, **given)
