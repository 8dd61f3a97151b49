"""Checks of sample weights."""

from __future__ import annotations

import numpy as np
from sklearn import config_context

from ._common import assert_same, fitted, outputs, pandas, pictures, prepared, refused


def check_weights_of_one(name, estimator_orig):
    """Weights of 1, in arrays, lists and Series, act as no weights."""
    pd = pandas()

    X, y = pictures()
    expected = outputs(fitted(estimator_orig), X)
    for make in (np.array, list, pd.Series):
        weight = make([1.0] * len(X))
        estimator = prepared(estimator_orig).fit(X, y, sample_weight=weight)
        assert_same(outputs(estimator, X), expected, f"{name}, weights of 1 in {make.__name__}")


def check_weights_matter(name, estimator_orig):
    """Unequal weights make a difference, and are left as they are."""
    X, y = pictures()
    weight = np.where(np.arange(len(X)) % 2, 5.0, 0.1)
    before = weight.copy()
    estimator = prepared(estimator_orig).fit(X, y, sample_weight=weight)
    assert np.array_equal(weight, before), f"{name}.fit changes sample_weight"
    method = next(m for m in reversed(list(outputs(estimator, X[:1]))))
    with_weights, without = (getattr(e, method)(X) for e in (estimator, fitted(estimator_orig)))
    assert not np.allclose(with_weights, without), f"{name}.fit does not heed sample_weight"


def check_wrong_weights(name, estimator_orig):
    """Weights that are missing, negative or not finite, and classes without any, are refused."""
    X, y = pictures()
    ones = np.ones(len(X))
    for what, weight, words in (
        ("too few weights", ones[:-1], ("sample_weight", "inconsistent", "shape")),
        ("two weights for each", np.stack([ones, ones], 1), ("sample", "1d", "1-d")),
        ("a negative weight", np.where(np.arange(len(X)) == 1, -1.0, 1.0), ("negative",)),
        ("NaN", np.where(np.arange(len(X)) == 1, np.nan, 1.0), ("nan",)),
        ("a class without weight", (y != y[0]).astype(float), ("class",)),
    ):
        with refused(f"{name}.fit, {what}", *words):
            prepared(estimator_orig).fit(X, y, sample_weight=weight)


def check_weights_are_routed(name, estimator_orig):
    """Weights can be requested; fit is the same while metadata routing is enabled."""
    X, y = pictures()
    weight = np.where(np.arange(len(X)) % 2, 5.0, 0.1)
    expected = outputs(prepared(estimator_orig).fit(X, y, sample_weight=weight), X)
    with config_context(enable_metadata_routing=True):
        estimator = prepared(estimator_orig).set_fit_request(sample_weight=True)
        requested = estimator.get_metadata_routing().fit.requests
        assert requested.get("sample_weight") is True, f"{name} requests {requested}"
        found = outputs(estimator.fit(X, y, sample_weight=weight), X)
    assert_same(found, expected, f"{name} with metadata routing")


CHECKS = (
    check_weights_of_one,
    check_weights_matter,
    check_wrong_weights,
    check_weights_are_routed,
)
