"""Cross-validated predictions and scores, permutations, learning curves."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import (
    StratifiedKFold,
    cross_val_predict,
    cross_validate,
    learning_curve,
    permutation_test_score,
    validation_curve,
)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
def test_predictions_are_those_of_the_folds(task, method):
    # numbers for labels: scikit-learn makes such of them for all but "predict"
    clf = task.make(class_names=task.names)
    folds = list(StratifiedKFold(2).split(task.X, task.codes))
    found = cross_val_predict(clf, task.X, task.codes, cv=folds, method=method)
    for train, test in folds:
        fitted = clone(clf).fit(task.X[train], task.codes[train])
        expected = getattr(fitted, method)(task.X[test])
        np.testing.assert_allclose(found[test], expected, rtol=1e-4, atol=1e-4)


def test_labels_come_back_as_they_were(task):
    found = cross_val_predict(task.make(), task.X, task.y, cv=2)
    assert found.dtype == task.y.dtype and np.mean(found == task.y) > 0.8


def test_names_by_index_outlive_the_numbering(quick, shapes):
    X, y = shapes
    clf = quick(class_names=["blue square", "green circle", "red triangle"], init="text")
    proba = cross_val_predict(clf, X, y, cv=2, method="predict_proba")
    assert np.mean(np.unique(y)[proba.argmax(axis=1)] == y) > 0.8


def test_cross_validate_gives_all_it_knows(task):
    results = cross_validate(
        task.make(),
        task.X,
        task.y,
        cv=2,
        scoring=["accuracy", "neg_log_loss", "roc_auc_ovr"],
        return_train_score=True,
        return_estimator=True,
        error_score="raise",
    )
    assert results["test_accuracy"].mean() > 0.8 and results["test_roc_auc_ovr"].mean() > 0.8
    assert (results["test_neg_log_loss"] < 0).all() and results["train_accuracy"].shape == (2,)
    counts = [clf.class_counts_.tolist() for clf in results["estimator"]]
    assert counts == [(np.bincount(task.codes) // 2).tolist()] * 2


def test_weights_are_routed_to_fit(task):
    """The prior that each fold saw is that of the weights."""
    weight = 1.0 + task.codes
    results = cross_validate(
        task.make(), task.X, task.y, cv=2, params={"sample_weight": weight}, return_estimator=True
    )
    expected = np.bincount(task.codes) * np.array([1, 2, 3])
    for clf in results["estimator"]:
        np.testing.assert_allclose(clf.class_prior_, expected / expected.sum(), atol=1e-6)


def test_permuted_labels_score_worse(task):
    score, permuted, p_value = permutation_test_score(
        task.make(), task.X, task.y, cv=2, n_permutations=4, random_state=0
    )
    assert score > permuted.max() + 0.1
    assert p_value == pytest.approx(1 / 5)


class TestLearningCurve:
    sizes = {"cv": 2, "error_score": "raise"}

    def test_shuffled(self, task):
        n, _, scores = learning_curve(
            task.make(),
            task.X,
            task.y,
            train_sizes=[0.5, 1.0],
            shuffle=True,
            random_state=0,
            **self.sizes,
        )
        assert n.tolist() == [len(task.y) // 4, len(task.y) // 2]
        assert scores[-1].mean() > 0.8

    def test_in_the_order_of_the_labels(self, task):
        """The first part of sorted labels is one class: refused, unless the classes are given."""
        curve = {"train_sizes": [0.3], **self.sizes}
        with pytest.raises(ValueError, match="name all classes in the parameter classes"):
            learning_curve(task.make(), task.X, task.y, **curve)
        _, _, scores = learning_curve(task.make(classes=task.names), task.X, task.y, **curve)
        assert np.isfinite(scores).all()


def test_validation_curve(task):
    train, test = validation_curve(
        task.make(),
        task.X,
        task.y,
        param_name="head__scale",
        param_range=[0.01, 25],
        scoring="neg_log_loss",
        cv=2,
        error_score="raise",
    )
    assert train.shape == test.shape == (2, 2)
    assert test[0].mean() == pytest.approx(-np.log(3), abs=0.02)  # no scale, no opinion
    assert test[1].mean() > test[0].mean()
