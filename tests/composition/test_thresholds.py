"""Thresholds of two classes."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import f1_score, make_scorer
from sklearn.model_selection import FixedThresholdClassifier, TunedThresholdClassifierCV

from sklift.metrics import make_shot_scorer


@pytest.mark.parametrize("response", ["predict_proba", "decision_function"])
def test_a_fixed_threshold(pair, response):
    threshold = 0.9 if response == "predict_proba" else 2.0
    clf = FixedThresholdClassifier(pair.make(), threshold=threshold, response_method=response).fit(
        pair.X, pair.y
    )
    scores = getattr(clf.estimator_, response)(pair.X)
    scores = scores[:, 1] if scores.ndim == 2 else scores
    found = clf.predict(pair.X)
    np.testing.assert_array_equal(found == clf.classes_[1], scores >= threshold)


def test_the_first_class_as_the_positive_one(pair):
    rare, common = np.unique(pair.y)[::-1]
    clf = FixedThresholdClassifier(pair.make(), threshold=0.0, pos_label=common)
    assert set(clf.fit(pair.X, pair.y).predict(pair.X)) == {common}
    clf.set_params(pos_label=rare)
    assert set(clf.fit(pair.X, pair.y).predict(pair.X)) == {rare}


def test_a_tuned_threshold(pair):
    rare = np.unique(pair.y)[1]
    scorer = make_scorer(f1_score, pos_label=rare)
    clf = TunedThresholdClassifierCV(
        pair.make(), scoring=scorer, cv=2, thresholds=20, random_state=0, store_cv_results=True
    ).fit(pair.X, pair.y)
    scores = clf.cv_results_["scores"]
    assert clf.best_score_ == scores.max() > scores.min()
    proba = clf.estimator_.predict_proba(pair.X)[:, 1]
    np.testing.assert_array_equal(clf.predict(pair.X) == rare, proba >= clf.best_threshold_)
    assert make_shot_scorer("many", many=0, few=0)(clf, pair.X, pair.y) > 0.8


def test_three_classes_have_no_threshold(task):
    with pytest.raises(ValueError, match="Only binary classification is supported"):
        TunedThresholdClassifierCV(task.make(), cv=2).fit(task.X, task.y)
