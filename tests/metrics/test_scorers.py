from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold, cross_validate
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift.metrics import few_shot_scorer, many_shot_scorer, medium_shot_scorer


class NearestMean(ClassifierMixin, BaseEstimator):
    """The class with the nearest mean; `offset` favours frequent classes."""

    def __init__(self, offset=0.0):
        self.offset = offset

    def fit(self, X, y):
        self.classes_, self.class_counts_ = np.unique(y, return_counts=True)
        self.means_ = np.stack([X[y == c].mean(axis=0) for c in self.classes_])
        return self

    def predict(self, X):
        distance = ((X[:, None] - self.means_) ** 2).sum(axis=2)
        return self.classes_[np.argmin(distance - self.offset * self.class_counts_, axis=1)]


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    y = np.repeat(["ant", "bee", "cat"], [260, 60, 12])
    X = rng.normal(size=(len(y), 2)) + 2.0 * np.searchsorted(["ant", "bee", "cat"], y)[:, None]
    return X, y


SCORERS = {"many": many_shot_scorer, "medium": medium_shot_scorer, "few": few_shot_scorer}
# With two folds: 130, 30 and 6 training samples.
CLASS = {"many": "ant", "medium": "bee", "few": "cat"}


def test_cross_validate_gives_the_recall_of_the_one_class_of_each_group(data):
    X, y = data
    folds = StratifiedKFold(2)
    scores = cross_validate(NearestMean(), X, y, cv=folds, scoring=SCORERS, error_score="raise")
    for group, label in CLASS.items():
        expected = []
        for train, test in folds.split(X, y):
            pred = NearestMean().fit(X[train], y[train]).predict(X[test])
            expected.append(recall_score(y[test], pred, labels=[label], average=None)[0])
        np.testing.assert_allclose(scores[f"test_{group}"], expected)


@pytest.mark.parametrize(("group", "best"), [("few", 0.0), ("many", 1.0)])
def test_grid_search_follows_the_scorer(data, group, best):
    search = GridSearchCV(
        NearestMean(), {"offset": [0.0, 1.0]}, scoring=SCORERS[group], cv=2, error_score="raise"
    ).fit(*data)
    assert search.best_params_ == {"offset": best}


def test_counts_are_found_inside_searches_and_pipelines(data):
    X, y = data
    pipeline = make_pipeline(StandardScaler(), NearestMean())
    search = GridSearchCV(pipeline, {"nearestmean__offset": [0.0]}, cv=2).fit(X, y)
    plain = NearestMean().fit(StandardScaler().fit_transform(X), y)
    expected = few_shot_scorer(plain, StandardScaler().fit_transform(X), y)
    assert few_shot_scorer(search, X, y) == expected


def test_class_never_trained_on_is_few_shot_and_missed(data):
    X, y = data
    model = NearestMean().fit(X[y != "cat"], y[y != "cat"])
    assert few_shot_scorer(model, X, y) == 0.0
    assert many_shot_scorer(model, X, y) == (model.predict(X[y == "ant"]) == "ant").mean()


def test_estimator_without_counts_is_named(data):
    X, y = data
    pipeline = make_pipeline(LogisticRegression()).fit(X, y)
    with pytest.raises(ValueError, match="LogisticRegression has no class_counts_"):
        few_shot_scorer(pipeline, X, y)


def test_scorers_pickle():
    assert pickle.loads(pickle.dumps(few_shot_scorer)) is few_shot_scorer
