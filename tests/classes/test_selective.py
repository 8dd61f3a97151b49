"""SelectiveClassifier: precision of what is said, per class."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from scipy.stats import beta
from sklearn.exceptions import NotFittedError
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklift import SelectiveClassifier, ShrunkGaussianClassifier


@parametrize_with_checks(
    [SelectiveClassifier(LogisticRegression(), cv=2, precision=0.05, confidence=0.1)]
)
def test_the_battery(estimator, check):
    check(estimator)


class Given(GaussianNB):
    """Probabilities of two classes as they come in X."""

    def predict_proba(self, X):
        return np.column_stack([1 - X[:, 0], X[:, 0]])


def of(probabilities, y, **params):
    X = np.array(probabilities)[:, None]
    frozen = FrozenEstimator(Given().fit([[0.0], [1.0]], ["no", "yes"]))
    return SelectiveClassifier(frozen, **params).fit(X, np.where(y, "yes", "no")), X


def test_the_lowest_threshold_that_is_good_enough():
    # of "yes": 20 are right, then two wrong ones of one probability, then four right ones
    p = np.r_[np.linspace(0.99, 0.9, 20), 0.8, 0.8, 0.7, 0.69, 0.68, 0.67]
    y = np.r_[np.ones(20), 0, 0, np.ones(4)].astype(bool)
    clf, X = of(p, y, precision=0.8, confidence=0.9)
    lower = beta.ppf(0.1, [20, 20, 21, 22, 23, 24], [1, 3, 3, 3, 3, 3])
    assert (lower >= 0.8).tolist() == [True, False, False, False, True, True]
    assert clf.thresholds_.tolist() == [np.inf, 0.67]
    assert clf.alone_.tolist() == [False, True]
    assert clf.said_.tolist() == [0, 26] and clf.precision_[1] == 24 / 26
    stricter, X = of(p, y, precision=0.85, confidence=0.9)
    assert stricter.thresholds_[1] == 0.9
    said = stricter.predict(X)
    assert_array_equal(said.mask, p < 0.9)
    assert set(said.compressed()) == {"yes"}
    assert stricter.score(X, np.where(y, "yes", "no")) == 20 / 26


def test_equal_probabilities_are_said_together():
    clf, _ = of([0.9] * 30, [True] * 20 + [False] * 10, precision=0.9)
    assert np.isinf(clf.thresholds_).all()


def test_classes_of_few_predictions_share_a_threshold():
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, 3], [300, 12, 12, 12])
    X = 6 * np.eye(4)[y] + rng.normal(size=(len(y), 4))
    frozen = FrozenEstimator(ShrunkGaussianClassifier().fit(X, y))
    X = 6 * np.eye(4)[y] + rng.normal(size=(len(y), 4))
    clf = SelectiveClassifier(frozen).fit(X, y)
    assert clf.alone_.tolist() == [True, False, False, False]
    assert len(np.unique(clf.thresholds_[1:])) == 1 and clf.thresholds_[1] < 1


@pytest.mark.parametrize("cv", [5, 0.5])
def test_what_is_said_is_right_as_often_as_wanted(cv):
    wanted, right, said = 0.9, np.zeros(3), np.zeros(3)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        y = rng.choice(3, size=1200, p=[0.6, 0.3, 0.1])
        X = 1.5 * np.eye(3)[y] + rng.normal(size=(1200, 3))
        clf = SelectiveClassifier(
            ShrunkGaussianClassifier(priors="train"), precision=wanted, cv=cv, random_state=seed
        ).fit(X[:600], y[:600])
        found = clf.predict(X[600:])
        plain = clf.estimator_.predict(X[600:])
        for k in np.flatnonzero(clf.alone_):  # others have it together only
            said[k] += (found == k).sum()
            right[k] += ((found == k) & (y[600:] == k)).sum()
        assert (plain == y[600:])[~found.mask].mean() > (plain == y[600:]).mean()
    # 3.5 standard deviations of a number of those that were said
    assert (right >= wanted * said - 3.5 * np.sqrt(wanted * (1 - wanted) * said)).all()
    assert (said[:2] > 1000).all()


def test_what_can_not_be_read_is_masked():
    clf, _ = of(np.r_[np.linspace(0.99, 0.9, 40)], np.ones(40, bool))
    assert clf.predict(np.array([[0.95], [np.nan]])).mask.tolist() == [False, True]


def test_a_frozen_classifier_without_a_fit_or_with_other_labels_is_refused():
    with pytest.raises(NotFittedError):
        SelectiveClassifier(FrozenEstimator(GaussianNB())).fit(np.eye(2), [0, 1])
    frozen = FrozenEstimator(GaussianNB().fit(np.eye(2), [0, 1]))
    with pytest.raises(ValueError, match="none of the labels in y, such as '0', is one of the 2"):
        SelectiveClassifier(frozen).fit(np.eye(2), ["0", "1"])
