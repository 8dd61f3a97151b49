"""Metadata routing: sample weights arrive where they were asked for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import config_context
from sklearn.exceptions import UnsetMetadataPassedError
from sklearn.metrics import get_scorer
from sklearn.model_selection import GridSearchCV, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift import ImageEmbedder, LiftClassifier


@pytest.fixture(autouse=True)
def routing():
    with config_context(enable_metadata_routing=True):
        yield


@pytest.fixture(scope="module")
def blobs():
    """Features (60, 8), labels and weights."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], [30, 20, 10])
    return 3 * np.eye(8)[y] + rng.normal(size=(60, 8)), y, rng.uniform(0.5, 2, 60)


def make(**params):
    return LiftClassifier("precomputed", random_state=0, **params)


def prior(y, weight):
    """The class prior that ``fit`` reports where these weights have arrived."""
    total = np.bincount(y, weight)
    return total / total.sum()


@pytest.mark.parametrize("params", [{}, {"early_stopping": True}, {"sampler": "balanced"}])
def test_fit_itself_needs_no_request(blobs, params):
    X, y, weight = blobs
    with config_context(enable_metadata_routing=False):
        expected = make(**params).fit(X, y, sample_weight=weight).decision_function(X)
    found = make(**params).fit(X, y, sample_weight=weight).decision_function(X)
    np.testing.assert_array_equal(found, expected)


def test_partial_fit_itself_needs_no_request(blobs):
    X, y, weight = blobs
    clf = make().partial_fit(X, y, classes=[0, 1, 2], sample_weight=weight)
    np.testing.assert_allclose(clf.class_prior_, prior(y, weight))


def test_a_search_passes_weights_on(blobs):
    X, y, weight = blobs
    clf = make().set_fit_request(sample_weight=True).set_score_request(sample_weight=True)
    search = GridSearchCV(clf, {"lr": [0.01, 0.1]}, cv=2, error_score="raise")
    search.fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(search.best_estimator_.class_prior_, prior(y, weight))
    expected = make(**search.best_params_).fit(X, y, weight).decision_function(X)
    np.testing.assert_array_equal(search.decision_function(X), expected)


def test_the_folds_get_weights_of_their_own(blobs):
    X, y, weight = blobs
    done = cross_validate(
        make().set_fit_request(sample_weight=True).set_score_request(sample_weight=False),
        X,
        y,
        cv=3,
        params={"sample_weight": weight},
        return_estimator=True,
        return_indices=True,
        error_score="raise",
    )
    for clf, train in zip(done["estimator"], done["indices"]["train"], strict=True):
        np.testing.assert_allclose(clf.class_prior_, prior(y[train], weight[train]))


def test_scores_are_weighted_on_request(blobs):
    X, y, _ = blobs
    X = X + np.random.default_rng(1).normal(scale=3, size=X.shape)
    weight = np.where(y == 2, 100.0, 1.0)
    scores = {}
    for request in (True, False):
        clf = make().set_fit_request(sample_weight=True).set_score_request(sample_weight=request)
        done = cross_validate(clf, X, y, cv=2, params={"sample_weight": weight})
        scores[request] = done["test_score"]
    assert not np.allclose(scores[True], scores[False])


def test_a_pipeline_passes_weights_on(blobs):
    X, y, weight = blobs
    pipeline = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=False),
        make().set_fit_request(sample_weight=True),
    ).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(pipeline[-1].class_prior_, prior(y, weight))
    search = GridSearchCV(
        make_pipeline(
            StandardScaler().set_fit_request(sample_weight=False),
            make().set_fit_request(sample_weight=True),
        ),
        {"liftclassifier__head__scale": [5.0, 25.0]},
        scoring=get_scorer("accuracy").set_score_request(sample_weight=True),
        cv=2,
        error_score="raise",
    ).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(search.best_estimator_[-1].class_prior_, prior(y, weight))


def test_from_pictures_to_weighted_classes(quick, shapes):
    X, y = shapes
    codes = np.unique(y, return_inverse=True)[1]
    weight = np.random.default_rng(0).uniform(0.5, 2, len(y))
    pipeline = make_pipeline(
        ImageEmbedder("emoji-tiny"), make().set_fit_request(sample_weight=True)
    ).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(pipeline[-1].class_prior_, prior(codes, weight))
    search = GridSearchCV(
        quick(max_epochs=1)
        .set_fit_request(sample_weight=True)
        .set_score_request(sample_weight=False),
        {"lr": [0.02]},
        cv=2,
        error_score="raise",
    ).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(search.best_estimator_.class_prior_, prior(codes, weight))


def test_weights_without_a_request_are_an_error(blobs):
    X, y, weight = blobs
    search = GridSearchCV(make(), {"lr": [0.02]}, cv=2)
    with pytest.raises(UnsetMetadataPassedError, match="sample_weight"):
        search.fit(X, y, sample_weight=weight)


def test_weights_that_are_declined_do_not_arrive(blobs):
    X, y, weight = blobs
    pipeline = make_pipeline(
        StandardScaler().set_fit_request(sample_weight=True),
        make().set_fit_request(sample_weight=False),
    ).fit(X, y, sample_weight=weight)
    np.testing.assert_allclose(pipeline[-1].class_prior_, prior(y, np.ones(len(y))))
