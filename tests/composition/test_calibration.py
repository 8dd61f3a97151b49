"""Calibrated probabilities and frozen estimators."""

from __future__ import annotations

import numpy as np
import pytest
import sklearn
from sklearn.base import clone
from sklearn.calibration import CalibratedClassifierCV
from sklearn.frozen import FrozenEstimator
from sklearn.metrics import log_loss
from sklearn.model_selection import StratifiedKFold, train_test_split

from sklift.metrics import make_shot_scorer

NEW = tuple(map(int, sklearn.__version__.split(".")[:2])) >= (1, 8)


def test_a_frozen_classifier_is_not_fitted_again(task):
    clf = task.make().fit(task.X, task.y)
    frozen = clone(FrozenEstimator(clf)).fit(task.X[::2], task.y[::2])
    assert frozen.estimator is clf and clf.class_counts_.sum() == len(task.y)
    np.testing.assert_array_equal(frozen.predict_proba(task.X), clf.predict_proba(task.X))


@pytest.mark.parametrize("method", ["sigmoid", "isotonic"])
def test_calibrated_after_training(task, method):
    clf = task.make(loss="cross_entropy").fit(task.X, task.y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(clf), method=method, cv=2)
    proba = calibrated.fit(task.X, task.y).predict_proba(task.X)
    np.testing.assert_allclose(proba.sum(axis=1), 1)
    assert calibrated.classes_.tolist() == task.names
    # with the shares of the classes in the data, since it is these that it learns
    shares = np.bincount(task.codes) / len(task.y)
    np.testing.assert_allclose(proba.mean(axis=0), shares, atol=0.1)


@pytest.mark.skipif(not NEW, reason="scikit-learn 1.8 is the first that has it")
def test_temperature_keeps_the_predictions(task):
    clf = task.make().fit(task.X, task.y)
    calibrated = CalibratedClassifierCV(FrozenEstimator(clf), method="temperature", cv=2)
    calibrated.fit(task.X, task.y)
    np.testing.assert_array_equal(calibrated.predict(task.X), clf.predict(task.X))
    before, after = (log_loss(task.y, c.predict_proba(task.X)) for c in (clf, calibrated))
    assert after < before + 1e-6


@pytest.mark.parametrize("ensemble", [True, False])
def test_calibrated_within_cross_validation(task, ensemble):
    clf = task.make(class_names=task.names)
    calibrated = CalibratedClassifierCV(clf, cv=2, ensemble=ensemble).fit(task.X, task.y)
    members = [c.estimator for c in calibrated.calibrated_classifiers_]
    counts = np.bincount(task.codes)
    expected = [counts // 2] * 2 if ensemble else [counts]
    np.testing.assert_array_equal([m.class_counts_ for m in members], expected)
    assert calibrated.score(task.X, task.y) > 0.8
    assert make_shot_scorer("few", few=60, many=60)(calibrated, task.X, task.y) > 0.5


class TestRareClasses:
    """scikit-learn refuses where a class has fewer samples than there are folds."""

    @pytest.fixture
    def rare(self, task):
        """All but two pictures of the rarest class are gone."""
        chosen = np.r_[np.flatnonzero(task.codes < 2), np.flatnonzero(task.codes == 2)[:2]]
        return task.X[chosen], task.y[chosen]

    @pytest.mark.parametrize("ensemble", [True, False])
    def test_refused(self, task, rare, ensemble):
        calibrated = CalibratedClassifierCV(task.make(), cv=3, ensemble=ensemble)
        with pytest.raises(ValueError, match="less than 3 examples for at least one class"):
            calibrated.fit(*rare)

    @pytest.mark.filterwarnings("ignore:The least populated class")
    @pytest.mark.parametrize("way_round", ["fewer folds", "list of folds", "frozen"])
    def test_way_round(self, task, rare, way_round):
        clf = task.make(classes=task.names)
        if way_round == "fewer folds":
            calibrated = CalibratedClassifierCV(clf, cv=2)
        elif way_round == "list of folds":
            calibrated = CalibratedClassifierCV(clf, cv=list(StratifiedKFold(3).split(*rare)))
        else:
            calibrated = CalibratedClassifierCV(FrozenEstimator(clf.fit(task.X, task.y)))
        proba = calibrated.fit(*rare).predict_proba(task.X)
        assert proba.shape == (len(task.y), 3) and np.isfinite(proba).all()
        np.testing.assert_allclose(proba.sum(axis=1), 1)

    def test_a_frozen_one_needs_every_class(self, task):
        calibrated = CalibratedClassifierCV(FrozenEstimator(task.make().fit(task.X, task.y)), cv=2)
        lacking = task.codes < 2
        with pytest.raises((IndexError, ValueError)):
            calibrated.fit(task.X[lacking], task.y[lacking])
        held = train_test_split(np.arange(len(task.y)), stratify=task.y, random_state=0)[0]
        assert calibrated.fit(task.X[held], task.y[held]).score(task.X, task.y) > 0.8

    @pytest.mark.filterwarnings("ignore:The least populated class")
    def test_a_single_sample(self, task):
        chosen = np.r_[np.flatnonzero(task.codes < 2), np.flatnonzero(task.codes == 2)[:1]]
        X, y = task.X[chosen], task.y[chosen]
        folds = list(StratifiedKFold(3).split(X, y))
        calibrated = CalibratedClassifierCV(task.make(classes=task.names), cv=folds).fit(X, y)
        assert all(
            c.estimator.classes_.tolist() == task.names for c in calibrated.calibrated_classifiers_
        )
        assert np.isfinite(calibrated.predict_proba(task.X)).all()
