"""Searches over recipes and their settings, and scores of more than one kind."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import randint, uniform
from sklearn.base import clone
from sklearn.experimental import enable_halving_search_cv  # noqa: F401 -- makes HalvingGridSearchCV importable
from sklearn.metrics import recall_score
from sklearn.model_selection import (
    GridSearchCV,
    HalvingGridSearchCV,
    RandomizedSearchCV,
    StratifiedKFold,
    cross_validate,
)
from sklearn.pipeline import make_pipeline

from sklift import ImageEmbedder, LiftClassifier
from sklift.losses import LogitAdjusted
from sklift.metrics import few_shot_scorer, make_shot_scorer


def as_fitted(clf, params):
    """The settings ``params`` as the fitted classifier has them."""
    recipes = {"adapter": clf.adapter_, "loss": clf.loss_, "head": clf.head_}
    found = {}
    for name in params:
        kind, _, setting = name.partition("__")
        found[name] = getattr(recipes[kind], setting) if setting else type(recipes[kind]).__name__
    return found


def test_grid_over_kinds_and_their_settings(task):
    grid = [
        {
            "adapter": ["adaptformer", "lora"] if task.kind == "pictures" else ["feature"],
            "adapter__rank": [1, 3],
            "loss": ["logit_adjusted"],
            "loss__tau": [0.0, 1.0],
        },
        {"adapter": [None], "head__scale": [10, 30], "loss": ["ldam", LogitAdjusted(tau=2.0)]},
    ]
    search = GridSearchCV(
        task.make(), grid, cv=2, scoring="balanced_accuracy", error_score="raise"
    ).fit(task.X, task.y)
    assert len(search.cv_results_["params"]) == (12 if task.kind == "pictures" else 8)
    assert search.best_score_ > 0.8
    # Each candidate is what its parameters say, and fits as one that was built by hand.
    for params in search.cv_results_["params"][::3]:
        clf = clone(search.estimator).set_params(**params).fit(task.X, task.y)
        kinds = {"adaptformer": "AdaptFormer", "lora": "LoRA", "feature": "FeatureAdapter"}
        kinds |= {"logit_adjusted": "LogitAdjusted", "ldam": "LDAM", None: "NoneType"}
        expected = {
            k: kinds.get(v, type(v).__name__) if k in ("adapter", "loss") else v
            for k, v in params.items()
        }
        assert as_fitted(clf, params) == expected


def test_random_search_draws_settings(task):
    space = {
        "adapter": [task.adapter],
        "adapter__rank": randint(1, 5),
        "loss__tau": uniform(0, 2),
        "head__scale": uniform(10, 30),
    }
    search = RandomizedSearchCV(
        task.make(), space, n_iter=3, cv=2, random_state=0, error_score="raise"
    ).fit(task.X, task.y)
    drawn = [params["loss__tau"] for params in search.cv_results_["params"]]
    assert len(set(drawn)) == 3 and all(0 <= tau <= 2 for tau in drawn)
    best = search.best_params_
    found = as_fitted(search.best_estimator_, best)
    del best["adapter"], found["adapter"]
    assert found == best


def test_halving_spends_epochs(task):
    grid = {"adapter": [task.adapter], "adapter__rank": [1, 2], "loss__tau": [0.0, 1.0]}
    search = HalvingGridSearchCV(
        task.make(),
        grid,
        resource="max_epochs",
        min_resources=1,
        max_resources=4,
        factor=2,
        cv=2,
        error_score="raise",
    ).fit(task.X, task.y)
    assert search.n_resources_ == [1, 2, 4] and search.n_candidates_ == [4, 2, 1]
    assert len(search.best_estimator_.history_) == search.best_params_["max_epochs"] == 4


def test_a_pipeline_on_frozen_features(shapes):
    X, y = shapes
    pipeline = make_pipeline(ImageEmbedder("emoji-tiny"), LiftClassifier("precomputed"))
    grid = {
        "liftclassifier__adapter": ["feature"],
        "liftclassifier__adapter__rank": [1, 2],
        "liftclassifier__head__scale": [15, 25],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise").fit(X, y)
    assert len(search.cv_results_["params"]) == 4 and search.score(X, y) > 0.8
    rank = search.best_params_["liftclassifier__adapter__rank"]
    assert search.best_estimator_[-1].adapter_.rank == rank


def test_several_scores_and_the_one_that_decides(task):
    few = len(task.y[task.codes == 2]) // 2 + 1  # of the training folds: the last class alone
    scoring = {
        "all": "accuracy",
        "balanced": "balanced_accuracy",
        "loss": "neg_log_loss",
        "published": few_shot_scorer,
        "tail": make_shot_scorer("few", many=few, few=few),
    }
    grid = {"loss__tau": [0.0, 3.0]}
    search = GridSearchCV(
        task.make(), grid, cv=2, scoring=scoring, refit="tail", error_score="raise"
    ).fit(task.X, task.y)
    results = search.cv_results_
    assert all(np.isfinite(results[f"mean_test_{name}"]).all() for name in scoring)
    assert search.best_index_ == results["mean_test_tail"].argmax()
    assert search.best_estimator_.loss_.tau == search.best_params_["loss__tau"]


def test_the_scorer_takes_the_counts_of_the_training_fold(blobs):
    X, y = blobs
    X = X + 2 * np.random.default_rng(1).normal(size=X.shape)
    clf = LiftClassifier("precomputed", loss="cross_entropy", max_epochs=1, random_state=0)
    folds = list(StratifiedKFold(2).split(X, y))
    scorer = make_shot_scorer("few", many=30, few=6)  # 30, 10 and 5 of each for training
    results = cross_validate(clf, X, y, cv=folds, scoring=scorer, return_estimator=True)
    recalls = [
        recall_score(y[test], fitted.predict(X[test]), labels=["cat"], average="macro")
        for fitted, (_, test) in zip(results["estimator"], folds, strict=True)
    ]
    assert 0 < np.mean(recalls) < 1  # else it would not tell one group from another
    np.testing.assert_allclose(results["test_score"], recalls)


@pytest.mark.parametrize("refit", [True, "f1"])
def test_scikit_learn_says_what_refit_needs(task, refit):
    search = GridSearchCV(
        task.make(), {"lr": [0.02]}, scoring=["accuracy", "f1_macro"], refit=refit
    )
    with pytest.raises(ValueError, match="refit"):
        search.fit(task.X, task.y)
