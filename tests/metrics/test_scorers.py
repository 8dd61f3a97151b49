from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.calibration import CalibratedClassifierCV
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import recall_score
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    TunedThresholdClassifierCV,
    cross_validate,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift.metrics import (
    few_shot_scorer,
    make_shot_scorer,
    many_shot_scorer,
    medium_shot_scorer,
    shot_accuracy_score,
)


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


def bayes():
    """A classifier of a local class, which the processes of a parallel search get by value."""

    class CountingBayes(GaussianNB):
        @property
        def class_counts_(self):
            return self.class_count_

    return CountingBayes()


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


def test_boundaries_move_the_groups(data):
    X, y = data
    model = NearestMean().fit(X, y)  # 260, 60 and 12 training samples
    counts, pred = {"ant": 260, "bee": 60, "cat": 12}, model.predict(X)
    for many, few in [(100, 20), (300, 12), (59, 59), (300, 300)]:
        expected = shot_accuracy_score(y, pred, counts, many=many, few=few)
        scores = [make_shot_scorer(g, many=many, few=few)(model, X, y) for g in expected]
        np.testing.assert_array_equal(scores, list(expected.values()))
    for group, scorer in SCORERS.items():
        assert scorer(model, X, y) == make_shot_scorer(group)(model, X, y)


def test_made_scorer_pickles_and_shows_its_settings():
    scorer = make_shot_scorer("medium", many=50, few=5)
    assert pickle.loads(pickle.dumps(scorer)) == scorer
    assert repr(scorer) == "ShotScorer(group='medium', many=50, few=5)"


def test_wrong_group_and_boundaries():
    with pytest.raises(ValueError, match=r"group must be one of \['many', .*; got 'tail'"):
        make_shot_scorer("tail")
    with pytest.raises(ValueError, match="few must not be above many; got few=30, many=10"):
        make_shot_scorer("few", many=10, few=30)


@pytest.mark.parametrize("scorer", [few_shot_scorer, make_shot_scorer("few", many=50, few=8)])
def test_parallel_search_over_a_pipeline(data, scorer):
    searches = [
        GridSearchCV(
            make_pipeline(StandardScaler(), bayes()),
            {"countingbayes__var_smoothing": [1e-9, 1.0]},
            scoring=scorer,
            cv=2,
            n_jobs=n_jobs,
            error_score="raise",
        ).fit(*data)
        for n_jobs in (1, 2)
    ]
    one, two = (search.cv_results_["mean_test_score"] for search in searches)
    np.testing.assert_array_equal(one, two)
    assert np.isfinite(one).all()


@pytest.mark.parametrize("ensemble", [False, True])
def test_counts_are_found_inside_a_calibration(data, ensemble):
    X, y = data
    model = CalibratedClassifierCV(bayes(), cv=3, ensemble=ensemble).fit(X, y)
    # Of 12 cats, each of the three members of an ensemble has seen 8.
    limit = 8 if ensemble else 12
    recall = recall_score(y, model.predict(X), labels=["cat"], average=None)[0]
    assert make_shot_scorer("few", few=limit + 1)(model, X, y) == recall
    assert np.isnan(make_shot_scorer("few", few=limit)(model, X, y))


def test_counts_are_found_inside_a_tuned_threshold(data):
    X, y = data
    X, y = X[y != "ant"], y[y != "ant"]
    model = TunedThresholdClassifierCV(bayes(), cv=2).fit(X, y)
    recall = recall_score(y, model.predict(X), labels=["cat"], average=None)[0]
    assert few_shot_scorer(model, X, y) == recall
