"""Checks that the predictions of a classifier agree with each other."""

from __future__ import annotations

import numpy as np

from ._common import fitted, pictures


def check_probabilities(name, estimator_orig):
    """Probabilities are in [0, 1] and sum to 1; the best one is predicted."""
    for n_classes in (2, 3):
        X, y = pictures(n_classes)
        estimator = fitted(estimator_orig, X, y)
        if not hasattr(estimator, "predict_proba"):
            return
        proba = estimator.predict_proba(X)
        assert proba.shape == (len(X), n_classes), f"{name}.predict_proba gives {proba.shape}"
        assert (proba >= 0).all() and (proba <= 1).all(), f"{name}: probabilities out of [0, 1]"
        assert np.allclose(proba.sum(1), 1, atol=1e-6), f"{name}: probabilities don't sum to 1"
        best = estimator.classes_[proba.argmax(1)]
        assert np.array_equal(best, estimator.predict(X)), (
            f"{name}.predict is not the class of the highest probability"
        )


def check_decision_function(name, estimator_orig):
    """Decision values have one column per class; the class of the highest is predicted."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    if not hasattr(estimator, "decision_function"):
        return
    scores = estimator.decision_function(X)
    assert scores.shape == (len(X), 3), f"{name}.decision_function gives {scores.shape}"
    assert np.array_equal(estimator.classes_[scores.argmax(1)], estimator.predict(X)), (
        f"{name}.predict is not the class of the highest score"
    )
    if hasattr(estimator, "predict_proba"):
        proba = estimator.predict_proba(X)
        assert np.array_equal(proba.argsort(1), scores.argsort(1)), (
            f"{name}: probabilities and scores rank the classes differently"
        )


def check_two_classes(name, estimator_orig):
    """Decision values of two classes are one score, positive for the second of classes_."""
    X, y = pictures(2)
    estimator = fitted(estimator_orig, X, y)
    if not hasattr(estimator, "decision_function"):
        return
    scores = estimator.decision_function(X)
    assert scores.shape == (len(X),), f"{name}.decision_function gives {scores.shape}"
    chosen = estimator.classes_[(scores > 0).astype(int)]
    assert np.array_equal(chosen, estimator.predict(X)), f"{name}: the sign of scores is not kept"
    if hasattr(estimator, "predict_proba"):
        order = estimator.predict_proba(X)[:, 1].argsort(kind="stable")
        assert (np.diff(scores[order]) > -1e-4).all(), f"{name}: probabilities fall as scores rise"


def check_score(name, estimator_orig):
    """Score is the accuracy, and high on plain pictures of the training data."""
    X, y = pictures()
    estimator = fitted(estimator_orig)
    accuracy = np.mean(estimator.predict(X) == y)
    assert estimator.score(X, y) == accuracy, f"{name}.score is not the accuracy"
    assert accuracy > 0.83, f"{name} has an accuracy of {accuracy:.2f} on its training data"


def check_bfloat16(name, estimator_orig):
    """Predictions in bfloat16 and float32 agree, unless the best two are within 0.01."""
    params = estimator_orig.get_params()
    if "compute" not in params or not hasattr(estimator_orig, "predict_proba"):
        return
    X, _ = pictures()
    rng = np.random.default_rng(0)
    first, second = rng.integers(len(X), size=(2, 40))
    share = rng.uniform(size=(40, 1, 1, 1))
    blends = (share * X[first] + (1 - share) * X[second]).astype(np.uint8)
    proba = fitted(estimator_orig).predict_proba(blends)
    half = fitted(estimator_orig, compute__precision="bfloat16").predict_proba(blends)
    runner_up, best = np.sort(proba, axis=1)[:, -2:].T
    differ = (proba.argmax(1) != half.argmax(1)) & (best - runner_up >= 0.01)
    assert not differ.any(), (
        f"{name} in bfloat16 predicts other classes for {differ.sum()} of {len(blends)} pictures, "
        f"with margins up to {(best - runner_up)[differ].max():.3f}"
    )


CHECKS = (
    check_probabilities,
    check_decision_function,
    check_two_classes,
    check_score,
    check_bfloat16,
)
