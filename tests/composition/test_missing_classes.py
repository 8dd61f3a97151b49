"""Folds of training that lack a class, or have one sample of it."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import StackingClassifier
from sklearn.metrics import balanced_accuracy_score, log_loss, make_scorer, roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_predict, cross_validate

LOSSES = [
    "cross_entropy",
    "logit_adjusted",
    "balanced_softmax",
    "class_balanced",
    "generalized_reweight",
    "focal",
    "ldam",
    "lade",
]


@pytest.fixture
def folds(task):
    """Three for training: without the last class, with one sample of it, and with all of it."""
    others, last = np.flatnonzero(task.codes < 2), np.flatnonzero(task.codes == 2)
    odd = np.arange(len(task.y))[1::2]
    return [(others, last), (np.r_[others, last[:1]], last[1:]), (odd, odd - 1)]


@pytest.mark.filterwarnings("ignore:y_pred contains classes not in y_true")
@pytest.mark.parametrize("known", [False, True], ids=["found", "classes="])
def test_every_fold_is_fitted(task, folds, known):
    clf = task.make(classes=task.names if known else None)
    results = cross_validate(
        clf, task.X, task.y, cv=folds, return_estimator=True, error_score="raise"
    )
    lacking, single, full = results["estimator"]
    assert results["test_score"][2] > 0.8
    if not known:
        assert results["test_score"][0] == 0
    elif task.kind == "pictures":
        assert results["test_score"][0] == 1  # the name of a class can do without pictures
    assert lacking.classes_.tolist() == (task.names if known else task.names[:2])
    assert single.class_counts_[2] == 1 and full.class_counts_[2] > 1
    n_columns = 3 if known else 2
    assert np.shape(lacking.predict_proba(task.X)) == (len(task.y), n_columns)


@pytest.mark.parametrize("loss", LOSSES)
def test_every_loss_stays_finite(task, folds, loss):
    clf = task.make(classes=task.names, loss=loss)
    for train, _ in folds[:2]:
        clf.fit(task.X[train], task.y[train])
        assert np.isfinite(clf.history_[-1]["train_loss"])
        assert np.isfinite(clf.decision_function(task.X)).all()


@pytest.mark.parametrize(
    "params",
    [
        {"init": "class_mean"},
        {"init": "linear_probe"},
        {"init": "random"},
        {"sampler": "balanced"},
        {"sampler": "sqrt"},
        {"early_stopping": True, "validation_fraction": 0.3},
        {"target_prior": "train"},
        {"target_prior": "balanced"},
    ],
    ids=str,
)
def test_every_way_to_train_stays_finite(task, folds, params):
    clf = task.make(classes=task.names, **params)
    for train, _ in folds[:2]:
        proba = clf.fit(task.X[train], task.y[train]).predict_proba(task.X)
        assert proba.shape == (len(task.y), 3) and np.isfinite(proba).all()


def test_a_single_class_where_the_others_are_known(task):
    one = task.codes == 0
    clf = task.make(classes=task.names).fit(task.X[one], task.y[one])
    assert clf.class_counts_.tolist() == [one.sum(), 0, 0]
    assert np.isfinite(clf.predict_proba(task.X)).all()


def test_no_class_at_all(task):
    with pytest.raises(ValueError, match="classes is empty: name at least 2"):
        task.make(classes=[]).fit(task.X, task.y)


class TestLogLoss:
    """Of folds that lack a class, scikit-learn's own scorer makes an error."""

    def test_refused(self, task, folds):
        with pytest.raises(ValueError, match="labels"):
            cross_validate(
                task.make(),
                task.X,
                task.y,
                cv=folds,
                scoring="neg_log_loss",
                error_score="raise",
            )

    def test_way_round(self, task, folds):
        scorer = make_scorer(
            log_loss, response_method="predict_proba", greater_is_better=False, labels=task.names
        )
        results = cross_validate(
            task.make(classes=task.names),
            task.X,
            task.y,
            cv=folds,
            scoring=scorer,
            return_estimator=True,
            error_score="raise",
        )
        proba = results["estimator"][0].predict_proba(task.X[folds[0][1]])
        assert results["test_score"][0] == pytest.approx(np.log(proba[:, 2]).mean(), abs=1e-4)
        assert np.isfinite(results["test_score"]).all()


def test_the_area_under_the_curve_is_that_of_all_folds_together(task):
    folds = KFold(3)
    clf = task.make(classes=range(3), class_names=task.names)
    scoring = {"cv": folds, "scoring": "roc_auc_ovr", "error_score": "raise"}
    with pytest.raises(ValueError, match=r"(?i)number of classes in y_true|only one class"):
        cross_validate(clf, task.X, task.codes, **scoring)
    proba = cross_val_predict(clf, task.X, task.codes, cv=folds, method="predict_proba")
    assert roc_auc_score(task.codes, proba, multi_class="ovr") > 0.7


class TestPredictionsOfFolds:
    """``KFold`` of sorted labels: the first training fold has little of the first class."""

    cv = KFold(3)

    @pytest.fixture
    def numbered(self, task):
        return task.make(classes=range(3), class_names=task.names)

    @pytest.mark.parametrize("method", ["predict_proba", "decision_function"])
    def test_numbered_classes_give_every_column(self, task, numbered, method):
        found = cross_val_predict(numbered, task.X, task.codes, cv=self.cv, method=method)
        assert found.shape == (len(task.y), 3) and np.isfinite(found).all()
        assert np.abs(found).max() < 1e3  # not the least float, which scikit-learn would fill in
        names = np.array(task.names)
        labels = cross_val_predict(task.make(classes=names), task.X, task.y, cv=self.cv)
        assert np.mean(names[found.argmax(axis=1)] == labels) > 0.7

    def test_labels_themselves_are_refused(self, task):
        clf = task.make(classes=task.names)
        with pytest.raises(ValueError, match=r"numbers the labels.*give classes=range\(3\)"):
            cross_val_predict(clf, task.X, task.y, cv=self.cv, method="predict_proba")

    def test_stacking(self, task, numbered):
        stack = StackingClassifier([("lift", numbered)], cv=self.cv).fit(task.X, task.y)
        assert stack.predict(task.X).dtype == task.y.dtype
        assert stack.transform(task.X).shape == (len(task.y), 3)


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_more_folds_than_samples(task):
    """Stratified folds of a class with three samples: two test folds have none of it."""
    few = np.r_[np.flatnonzero(task.codes < 2), np.flatnonzero(task.codes == 2)[:3]]
    X, y = task.X[few], task.y[few]
    results = cross_validate(
        task.make(classes=task.names), X, y, cv=StratifiedKFold(5), error_score="raise"
    )
    assert len(results["test_score"]) == 5 and results["test_score"].mean() > 0.8
    # a mean over folds would leave the class out of most: score the predictions together
    found = cross_val_predict(task.make(classes=task.names), X, y, cv=StratifiedKFold(5))
    assert balanced_accuracy_score(y, found) > 0.5
