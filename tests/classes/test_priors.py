from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from scipy.special import log_softmax, softmax
from sklearn.exceptions import ConvergenceWarning

from sklift._classes._priors import adjust_logits, estimate_prior, resolve_target_prior

MEANS = np.array([[0.0, 0.0], [2.0, 0.0], [0.0, 2.0]])
IMPLIED = np.array([0.7, 0.2, 0.1])


def gaussians(prior, n_samples=20_000):
    """Points of three unit Gaussians mixed by `prior`, their classes, and log p(x|k) + const(x)."""
    rng = np.random.default_rng(0)
    y = rng.choice(3, size=n_samples, p=prior)
    X = MEANS[y] + rng.normal(size=(n_samples, 2))
    return y, -((X[:, None] - MEANS) ** 2).sum(axis=2) / 2


def test_adjusted_logits_are_those_of_bayes_rule():
    _, likelihood = gaussians(IMPLIED, 50)
    target = np.array([0.2, 0.3, 0.5])
    adjusted = adjust_logits(likelihood + np.log(IMPLIED), IMPLIED, target)
    np.testing.assert_allclose(
        softmax(adjusted, axis=1), softmax(likelihood + np.log(target), axis=1), rtol=1e-12
    )
    back = adjust_logits(adjusted, target, IMPLIED)
    np.testing.assert_allclose(back, likelihood + np.log(IMPLIED), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("given", "kept"),
    [(np.float64, np.float64), (np.float32, np.float32), (np.float16, np.float32)],
)
def test_precision_is_kept_and_the_input_too(given, kept):
    logits = np.ones((4, 3), given)
    assert adjust_logits(logits, IMPLIED, [0.2, 0.3, 0.5]).dtype == kept
    np.testing.assert_array_equal(logits, 1)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_share_of_zero_is_finite_and_never_wins(dtype):
    logits = np.array([[300.0, 0.0, -5.0]], dtype)
    adjusted = adjust_logits(logits, IMPLIED, [0, 1, 0])
    assert np.isfinite(adjusted).all() and adjusted.argmax() == 1
    assert softmax(adjusted.astype(np.float64), axis=1)[0, 0] < 1e-100


@pytest.mark.parametrize("true", [[0.7, 0.2, 0.1], [0.1, 0.3, 0.6], [1 / 3] * 3, [0.0, 0.5, 0.5]])
def test_a_shifted_mix_is_recovered(true):
    y, likelihood = gaussians(true)
    estimate = estimate_prior(likelihood + np.log(IMPLIED), IMPLIED)
    np.testing.assert_allclose(estimate, np.bincount(y, minlength=3) / len(y), atol=0.015)
    np.testing.assert_allclose(estimate.sum(), 1, rtol=1e-12)


def test_the_estimate_is_the_maximum_of_the_likelihood():
    _, likelihood = gaussians([0.1, 0.3, 0.6], 500)

    def log_likelihood(prior):
        return np.log(np.exp(likelihood) @ prior).mean()

    best = estimate_prior(likelihood + np.log(IMPLIED), IMPLIED, tol=1e-10)
    rng = np.random.default_rng(1)
    for step in rng.normal(scale=1e-3, size=(50, 3)):
        moved = best * np.exp(step)
        assert log_likelihood(moved / moved.sum()) < log_likelihood(best)


def test_the_mix_that_the_logits_imply_and_their_offset_do_not_matter():
    _, likelihood = gaussians([0.1, 0.3, 0.6], 2000)
    balanced = estimate_prior(likelihood, np.ones(3), tol=1e-9)
    shifted = estimate_prior(log_softmax(likelihood + np.log(IMPLIED), axis=1), IMPLIED, tol=1e-9)
    np.testing.assert_allclose(shifted, balanced, atol=1e-6)


def test_certain_logits_are_counted():
    logits = 1e4 * np.eye(3)[[0, 0, 2, 2, 2]]
    np.testing.assert_allclose(estimate_prior(logits, IMPLIED), [0.4, 0, 0.6], atol=1e-12)


def test_too_few_steps_warn():
    _, likelihood = gaussians([0.1, 0.3, 0.6], 100)
    with pytest.warns(ConvergenceWarning, match=r"after 2 steps \(tol=1e-06\): raise max_iter"):
        estimate_prior(likelihood, IMPLIED, max_iter=2)


@pytest.mark.parametrize(
    ("logits", "message"),
    [
        (np.zeros((4, 2)), r"shape \(n_samples, 3\) with at least one sample; got \(4, 2\)"),
        (np.zeros((0, 3)), r"got \(0, 3\)"),
        (np.zeros(3), r"got \(3,\)"),
        ([[0, 0, 0], [0, np.inf, 0]], "must be finite; those of sample 1"),
    ],
)
def test_wrong_logits(logits, message):
    with pytest.raises(ValueError, match=message):
        estimate_prior(logits, IMPLIED)


CLASSES = np.array(["ant", "bee", "cat"])


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        ("balanced", [1 / 3] * 3),
        ("train", IMPLIED),
        ([1, 1, 2], [0.25, 0.25, 0.5]),
        ((0, 0, 3), [0, 0, 1]),
        ({"cat": 2, "ant": 1, "bee": 1}, [0.25, 0.25, 0.5]),
        (pd.Series(["cat", "bee", "ant", "cat"]).value_counts(), [0.25, 0.25, 0.5]),
    ],
)
def test_target_in_every_form(target, expected):
    np.testing.assert_allclose(resolve_target_prior(target, CLASSES, IMPLIED), expected)


def test_no_target():
    assert resolve_target_prior(None, CLASSES, IMPLIED) is None


def test_labels_that_are_numbers():
    prior = resolve_target_prior({7: 1, np.int64(3): 3}, np.array([3, 7]), [0.5, 0.5])
    np.testing.assert_allclose(prior, [0.75, 0.25])


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("uniform", "target_prior must be None, 'balanced', 'train', .*; got 'uniform'"),
        ([1, 2], r"target_prior has shape \(2,\), expected \(3,\): one share for each class"),
        ([[1, 2, 3]], r"target_prior has shape \(1, 3\)"),
        (3, r"target_prior has shape \(\)"),
        ([1, -1, 1], "target_prior must be finite and >= 0; the share of class 'bee' is -1.0"),
        ([1, 1, np.nan], "the share of class 'cat' is nan"),
        ([0, 0, 0], "target_prior must not be zero for every class"),
        (["a", "b", "c"], "target_prior must hold one number per class; got"),
        ({"ant": 1, "bee": 1, "cat": 1, "dog": 1}, r"target_prior holds \['dog'\], which the"),
        ({"ant": 1, "bee": 1}, r"target_prior has no share of the classes \['cat'\]"),
    ],
)
def test_wrong_target(target, message):
    with pytest.raises(ValueError, match=message):
        resolve_target_prior(target, CLASSES, IMPLIED)
