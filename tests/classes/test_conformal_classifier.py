"""ConformalClassifier: what it promises, on classes of which the truth is known."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklift import (
    ConformalClassifier,
    LiftClassifier,
    NoveltyDetector,
    SelectiveClassifier,
    ShrunkGaussianClassifier,
)
from sklift._classes._conformity import SCORES, class_thresholds, fewest_samples, upper_quantile
from sklift._classes._held_out import splits
from sklift.metrics import per_class_coverage, prediction_set_scores

SHARES = np.array([0.55, 0.25, 0.12, 0.05, 0.03])
REPEATS = 50


def draw(n, rng):
    """Samples of five overlapping classes with a long tail."""
    y = rng.choice(5, size=n, p=SHARES)
    return 1.2 * np.eye(5)[y] + rng.normal(size=(n, 5)), y


@pytest.fixture(scope="module")
def fitted():
    """A classifier of posteriors in the mix of training, so that it prefers frequent classes."""
    return FrozenEstimator(GaussianNB().fit(*draw(2000, np.random.default_rng(0))))


def repeated(estimator, n, m, **params):
    """True labels and sets of ``REPEATS`` draws, of n to calibrate with and m to test on."""
    y_true, y_set = [], []
    for seed in range(REPEATS):
        rng = np.random.default_rng(1000 + seed)
        sets = ConformalClassifier(estimator, **params).fit(*draw(n, rng))
        X, y = draw(m, rng)
        y_true.append(y)
        y_set.append(sets.predict_set(X))
    return np.concatenate(y_true), np.concatenate(y_set)


def bound(coverage, n, m, repeats=REPEATS):
    """4.5 standard deviations of the mean coverage.

    That of one draw is a share of m samples with a probability of variance c(1 - c) / (n + 2).
    """
    return 4.5 * np.sqrt(coverage * (1 - coverage) * (1 / (n + 2) + 1 / m) / repeats)


@parametrize_with_checks([ConformalClassifier(LogisticRegression(), cv=2, coverage=0.6)])
def test_the_battery(estimator, check):
    check(estimator)


@pytest.mark.parametrize("score", sorted(SCORES))
def test_the_promise_over_all_is_kept_and_not_exceeded(fitted, score):
    n, m = 199, 200
    y, sets = repeated(fitted, n, m, conformity_score=score)
    found = prediction_set_scores(y, sets, range(5))["coverage"]
    assert abs(found - 0.9) < bound(0.9, n, m)  # 0.9 * 200 is whole: equal but for ties


def test_each_class_with_samples_enough_is_promised_its_own(fitted):
    y, sets = repeated(fitted, 600, 300, class_conditional=1.0, coverage=0.8)
    found = per_class_coverage(y, sets, range(5))
    # of n_k samples, the promise exceeds 0.8 by up to 1 / (n_k + 1)
    n, m = 600 * SHARES, 300 * SHARES
    assert (found > 0.8 - bound(0.8, n, m)).all()
    assert (found < 0.8 + 1 / (n * 0.6) + bound(0.8, n, m)).all()


def test_rare_classes_share_a_threshold(fitted):
    X, y = draw(150, np.random.default_rng(3))
    sets = ConformalClassifier(fitted, class_conditional=1.0).fit(X, y)
    rare = sets.calibration_counts_ < 9
    assert rare.sum() == 2 and sets.calibration_counts_[rare].sum() >= 9
    mix = fitted.class_prior_
    true = SCORES["pas"](fitted.predict_proba(X), mix, mix)[np.arange(150), y]
    assert (sets.thresholds_[rare] == upper_quantile(true[rare[y]], 0.9)).all()
    assert sets.thresholds_[0] == upper_quantile(true[y == 0], 0.9)
    one = ConformalClassifier(fitted).fit(X, y).thresholds_
    assert (one == upper_quantile(true, 0.9)).all()
    between = ConformalClassifier(fitted, class_conditional=0.25).fit(X, y).thresholds_
    assert_allclose(between, 0.75 * one + 0.25 * sets.thresholds_)


def test_prevalence_adjusted_sets_hold_rare_classes(fitted):
    macro = {}
    for score in ("lac", "pas"):
        y, sets = repeated(fitted, 400, 200, conformity_score=score)
        macro[score] = prediction_set_scores(y, sets, range(5))["macro_coverage"]
    # the mean of five means; the rarest class has 300 samples in all
    assert macro["pas"] > macro["lac"] + 0.1
    assert macro["pas"] > 0.88


def test_the_best_sets_for_rare_classes_do_not_depend_on_the_mix_of_the_probabilities():
    X, y = draw(1000, np.random.default_rng(0))
    X_new, y_new = draw(300, np.random.default_rng(1))
    found = []
    for priors in (None, "train"):
        clf = FrozenEstimator(ShrunkGaussianClassifier(priors=priors).fit(X, y))
        found.append(ConformalClassifier(clf).fit(X_new, y_new).predict_set(X_new))
    assert_array_equal(*found)
    assert found[0].sum() > 300


def test_probabilities_are_in_the_mix_of_training_whatever_the_samples_come_in():
    X, y = draw(300, np.random.default_rng(0))
    X_new, _ = draw(300, np.random.default_rng(1))
    found = []
    for clf in (GaussianNB(), Silent(), Silent(class_weight="balanced", priors=np.full(5, 0.2))):
        clf = ConformalClassifier(clf, class_prior=[1, 2, 3, 4, 5], random_state=0).fit(X, y)
        found.append(clf.predict_set(X_new))
    assert_array_equal(found[0], found[1])
    assert_array_equal(found[0], found[2])


def test_scores_by_hand():
    proba = np.array([[0.5, 0.3, 0.2], [0.1, 0.0, 0.9]])
    assumed, prior = np.array([0.2, 0.4, 0.4]), np.array([0.6, 0.3, 0.1])
    posterior = proba * prior / assumed
    posterior /= posterior.sum(axis=1, keepdims=True)
    assert_allclose(SCORES["pas"](proba, assumed, prior), -posterior / prior)
    assert_allclose(SCORES["lac"](proba, assumed, prior), 1 - proba)
    assert_allclose(SCORES["aps"](proba, assumed, prior), [[-0.5, -0.2, 0], [0, 0, -0.1]])
    impossible = SCORES["pas"](proba, np.array([0.5, 0.5, 0.0]), prior)
    assert np.isinf(impossible[:, 2]).all() and np.isfinite(impossible[:, :2]).all()


@pytest.mark.parametrize("coverage", [0.07, 0.5, 0.8, 0.9, 0.95, 0.99, 0.999, 0.9999, 0.99999])
def test_the_fewest_samples_are_those_that_make_a_quantile(coverage):
    n = fewest_samples(coverage)
    assert np.isfinite(upper_quantile(np.zeros(n), coverage))
    assert np.isinf(upper_quantile(np.zeros(n - 1), coverage))


def test_infinite_thresholds_of_single_classes_are_none():
    scores, codes = np.r_[np.arange(40.0), [np.inf] * 2, 5.0], np.repeat([0, 1, 2], [30, 12, 1])
    found = class_thresholds(scores, codes, 3, 0.9, 1.0)
    assert found[1] == found[2] == upper_quantile(scores, 0.9) == 38
    assert found[0] == upper_quantile(scores[:30], 0.9) == 27


class Silent(ClassifierMixin, BaseEstimator):
    """Classifier that does not tell the mix of its probabilities."""

    def __init__(self, class_weight=None, priors=None):
        self.class_weight = class_weight
        self.priors = priors

    def fit(self, X, y):
        self.inner_ = GaussianNB(priors=self.priors).fit(X, y)
        self.classes_ = self.inner_.classes_
        return self

    def predict_proba(self, X):
        return self.inner_.predict_proba(X)


class Beyond(BaseEstimator):
    """Detector of samples whose first feature is large."""

    def fit(self, X, y, groups=None):
        self.groups_ = groups
        self.limit_ = np.quantile(X[:, 0], 0.95)
        return self

    def predict(self, X):
        return np.where(X[:, 0] > self.limit_, -1, 1)


def test_sets_of_foreign_samples_are_empty_and_the_promise_stays(fitted):
    X, y = draw(400, np.random.default_rng(5))
    detector = FrozenEstimator(Beyond().fit(X, y))
    n, m = 199, 200
    y_true, sets = repeated(fitted, n, m, outlier_detector=detector)
    found = prediction_set_scores(y_true, sets, range(5))
    assert abs(found["coverage"] - 0.9) < bound(0.9, n, m)
    assert 0.03 < found["empty"] < 0.09
    clf = ConformalClassifier(fitted, outlier_detector=detector).fit(X, y)
    assert_array_equal(~clf.predict_set(X).any(axis=1), detector.predict(X) == -1)


def test_a_detector_that_flags_too_much_is_told(fitted):
    X, y = draw(100, np.random.default_rng(5))
    detector = FrozenEstimator(Beyond().fit(X - 2, y))
    with pytest.raises(ValueError, match=r"can't be had: \d\d% of the samples to calibrate"):
        ConformalClassifier(fitted, outlier_detector=detector).fit(X, y)


def test_one_share_is_held_out_once_and_the_classifier_is_that_of_the_rest():
    X, y = draw(300, np.random.default_rng(0))
    y[y == 4] = 3
    y[0] = 4
    groups = np.arange(300) // 3
    clf = ConformalClassifier(ShrunkGaussianClassifier(), cv=0.3, random_state=0)
    told = clone(clf).set_params(outlier_detector=Beyond()).fit(X, y, groups=groups)
    assert len(told.outlier_detector_.groups_) == 210
    clf.fit(X, y, groups=groups)
    assert clf.calibration_counts_.sum() == 90 and clf.calibration_counts_[4] == 0
    assert_array_equal(clf.estimator_.class_count_ + clf.calibration_counts_, np.bincount(y))
    again = clone(clf).fit(X, y, groups=groups)
    assert_array_equal(again.thresholds_, clf.thresholds_)
    # the sets are by the mix that was calibrated with, that of the rest
    ((train, test),) = splits(y, 0.3, groups, 0)
    likelihood = clf.predict_proba(X)
    scores = -likelihood / (likelihood @ (np.bincount(y[train]) / len(train)))[:, None]
    threshold = upper_quantile(scores[test, y[test]], 0.9)
    assert_allclose(clf.thresholds_, threshold)
    clear = np.abs(scores / threshold - 1) > 1e-9
    assert_array_equal(clf.predict_set(X)[clear], (scores <= threshold)[clear])


def test_all_samples_are_held_out_in_turn():
    X, y = draw(300, np.random.default_rng(0))
    clf = ConformalClassifier(
        make_pipeline(StandardScaler(), ShrunkGaussianClassifier()),
        cv=4,
        random_state=0,
        outlier_detector=Beyond(),
    )
    clf.fit(X, y)
    assert clf.calibration_counts_.sum() == clf.estimator_[-1].class_count_.sum() == 300
    assert clf.outlier_detector_.limit_ == Beyond().fit(X, y).limit_
    X_new, y_new = draw(2000, np.random.default_rng(1))
    found = prediction_set_scores(y_new, clf.predict_set(X_new), clf.classes_)
    assert abs(found["coverage"] - 0.9) < bound(0.9, 300, 2000, 1)
    assert_array_equal(clf.predict(X_new), clf.estimator_.predict(X_new))
    assert_array_equal(clf.predict_proba(X_new), clf.estimator_.predict_proba(X_new))


def test_a_class_that_a_fold_lacks_fits_no_class_there():
    X, y = draw(60, np.random.default_rng(0))
    y[y == 4] = 3
    y[7] = 4
    folds = [(np.arange(30, 60), np.arange(30)), (np.arange(30), np.arange(30, 60))]
    clf = ConformalClassifier(GaussianNB(), cv=folds).fit(X, y)
    expected = np.full(60, np.inf)
    for train, test in folds:
        fold = GaussianNB().fit(X[train], y[train])
        scores = SCORES["pas"](fold.predict_proba(X[test]), fold.class_prior_, fold.class_prior_)
        known = np.isin(y[test], fold.classes_)
        columns = np.searchsorted(fold.classes_, y[test][known])
        expected[test[known]] = scores[known, columns]
    assert np.isinf(expected).sum() == 1
    assert_array_equal(clf.thresholds_, upper_quantile(expected, 0.9))
    told = ConformalClassifier(GaussianNB(), cv=folds, class_prior=SHARES).fit(X, y)
    assert told.thresholds_[0] != clf.thresholds_[0]
    assert clf.calibration_counts_.tolist() == np.bincount(y).tolist()
    clf.set_params(coverage=0.99)
    with pytest.raises(ValueError, match="needs at least 99 samples to calibrate with; there are"):
        clf.fit(X, y)


def test_a_class_that_a_single_split_lacks_counts_as_missed():
    X, y = draw(200, np.random.default_rng(0))
    y[y == 4] = 3
    for k in (2, 3):  # too few for thresholds of their own
        y[np.flatnonzero(y[:100] == k)[3:]] = 0
    y[np.flatnonzero(y[:100] == 1)[0]] = 4
    split = [(np.arange(100, 200), np.arange(100))]
    clf = ConformalClassifier(GaussianNB(), coverage=0.8, cv=split, class_conditional=1.0).fit(X, y)
    assert 4 not in clf.classes_.tolist()
    fold = GaussianNB().fit(X[100:], y[100:])
    scores = SCORES["pas"](fold.predict_proba(X[:100]), fold.class_prior_, fold.class_prior_)
    known = np.isin(y[:100], fold.classes_)
    true = np.where(known, scores[np.arange(100), np.where(known, y[:100], 0)], np.inf)
    assert clf.calibration_counts_.tolist() == np.bincount(y[:100])[:4].tolist()
    whole = upper_quantile(true, 0.8)
    rare = y[:100] >= 2
    assert rare.sum() == 7 and known.sum() == 99 and np.isfinite(whole)
    assert np.isinf(upper_quantile(true[rare], 0.8)) and clf.thresholds_[3] == whole
    assert upper_quantile(true[rare & known], 0.8) not in (whole, np.inf)
    assert clf.thresholds_[0] == upper_quantile(true[y[:100] == 0], 0.8)
    clf.set_params(class_conditional=0.0).fit(X, y)
    assert_array_equal(clf.thresholds_, np.full(4, whole))


def test_weights_are_in_the_mix_that_a_classifier_assumes():
    y = np.repeat([0, 1], [80, 20])
    X = np.random.default_rng(0).normal(size=(100, 2)) + y[:, None]
    settings = {"cv": 2, "coverage": 0.8, "random_state": 0}
    weighted = ConformalClassifier(LogisticRegression(), **settings)
    weighted.fit(X, y, sample_weight=np.array([100 / 160, 100 / 40])[y])
    known = ConformalClassifier(LogisticRegression(class_weight="balanced"), **settings).fit(X, y)
    assert_allclose(weighted.thresholds_, known.thresholds_)
    assert_array_equal(weighted.predict_set(X), known.predict_set(X))


@pytest.mark.parametrize(
    "wrapper",
    [
        ConformalClassifier(GaussianNB(), cv=2, random_state=0),
        ConformalClassifier(GaussianNB(), cv=0.3, random_state=0),
        SelectiveClassifier(GaussianNB(), cv=2, precision=0.5, random_state=0),
        NoveltyDetector(ShrunkGaussianClassifier(), cv=2, random_state=0),
    ],
    ids=lambda wrapper: f"{type(wrapper).__name__} {wrapper.cv}",
)
def test_weights_are_those_that_the_estimator_is_fitted_with(wrapper):
    X, y = draw(200, np.random.default_rng(0))
    weight = np.where(np.arange(200) % 2, 1.0, 0.25)
    plain, weighted = clone(wrapper).fit(X, y), clone(wrapper).fit(X, y, sample_weight=weight)
    rows = next(iter(splits(y, wrapper.cv, None, 0)))[0] if wrapper.cv == 0.3 else np.arange(200)
    expected = clone(wrapper.estimator).fit(X[rows], y[rows], sample_weight=weight[rows])
    found = weighted.estimator_.predict_proba(X)
    assert_array_equal(found, expected.predict_proba(X))
    assert not np.array_equal(found, plain.estimator_.predict_proba(X))
    chosen = "offset_" if isinstance(wrapper, NoveltyDetector) else "thresholds_"
    assert not np.array_equal(getattr(weighted, chosen), getattr(plain, chosen))  # folds too


def test_a_share_is_held_out_by_groups():
    y, groups = np.tile([0, 1, 2], 40), np.arange(120) // 6
    ((train, test),) = splits(y, 0.25, groups, 0)
    assert len(test) == 30 and not set(groups[train]) & set(groups[test])
    ((_, other),) = splits(y, 0.25, groups, 1)
    assert set(test) != set(other)


@pytest.mark.parametrize("target", [None, "train"])
def test_lift_tells_the_mix_of_its_probabilities(target):
    X, y = draw(120, np.random.default_rng(0))
    lift = LiftClassifier("precomputed", max_epochs=2, random_state=0).fit(X, y)
    lift.set_params(target_prior=target)
    X_new, y_new = draw(60, np.random.default_rng(1))
    inside = ConformalClassifier(FrozenEstimator(lift)).fit(X_new, y_new).predict_set(X_new)
    lift.set_params(target_prior="balanced")
    likelihood = lift.predict_proba(X_new)
    score = -likelihood / (likelihood @ lift.class_prior_)[:, None]
    threshold = upper_quantile(score[np.arange(60), y_new], 0.9)
    # logits are float32: what is next to the threshold may fall on either side
    clear = np.abs(np.log(score / threshold)) > 1e-3
    assert_array_equal(inside[clear], score[clear] <= threshold)
    assert clear.mean() > 0.95 and 0.2 < inside.mean() < 0.9


def test_classes_that_cannot_occur_are_in_no_set():
    X, y = draw(120, np.random.default_rng(0))
    lift = LiftClassifier("precomputed", max_epochs=2, random_state=0).fit(X, y)
    lift.set_params(target_prior=[1, 1, 1, 1, 0])
    here = y < 4
    clf = ConformalClassifier(FrozenEstimator(lift)).fit(X[here], y[here])
    assert not clf.predict_set(X)[:, 4].any()
    # even where the threshold is so high that all labels fit
    all_fit = ConformalClassifier(FrozenEstimator(lift), conformity_score=lambda p, a, m: 0 * p)
    assert_array_equal(
        all_fit.fit(X[here], y[here]).predict_set(X), np.tile(np.arange(5) < 4, (120, 1))
    )


class Blind(GaussianNB):
    """Classifier that can't read samples whose first feature is beyond 90."""

    def predict_proba(self, X):
        proba = super().predict_proba(X)
        proba[X[:, 0] > 90] = np.nan
        return proba


@pytest.mark.parametrize(
    "score", [*sorted(SCORES), lambda proba, assumed, mix: 0 * np.nan_to_num(proba)]
)
def test_what_can_not_be_read_has_an_empty_set(score):
    X, y = draw(60, np.random.default_rng(0))
    blind = FrozenEstimator(Blind().fit(X, y))
    y = np.full(60, 4)  # badly predicted, so that thresholds are high
    X[0, 0] = 99
    clf = ConformalClassifier(blind, conformity_score=score).fit(X[1:], y[1:])
    assert clf.predict_set(X).any(axis=1).tolist() == [False] + [True] * 59


class TestWhatIsRefused:
    def test_a_label_that_the_frozen_classifier_lacks(self, fitted):
        X, y = draw(40, np.random.default_rng(0))
        y[3] = 9
        with pytest.raises(ValueError, match=r"y\[3\] = 9 is none of the 5 classes that the"):
            ConformalClassifier(fitted).fit(X, y)

    def test_weights_that_nothing_is_fitted_with(self, fitted):
        X, y = draw(40, np.random.default_rng(0))
        with pytest.raises(ValueError, match="sample_weight is of no use, since estimator is froz"):
            ConformalClassifier(fitted).fit(X, y, sample_weight=np.ones(40))
        with pytest.raises(ValueError, match="the fit of KNeighborsClassifier takes no sample_we"):
            SelectiveClassifier(KNeighborsClassifier()).fit(X, y, sample_weight=np.ones(40))
        with pytest.raises(ValueError, match=r"inconsistent|shape"):
            ConformalClassifier(GaussianNB()).fit(X, y, sample_weight=np.ones(39))

    def test_a_classifier_that_does_not_tell_its_mix(self):
        X, y = draw(200, np.random.default_rng(0))
        frozen = FrozenEstimator(LogisticRegression().fit(X, y))
        with pytest.raises(ValueError, match="LogisticRegression does not tell the mix of classes"):
            ConformalClassifier(frozen).fit(X, y)
        told = ConformalClassifier(frozen, class_prior=dict(enumerate(SHARES))).fit(X, y)
        assert_array_equal(
            told.thresholds_, ConformalClassifier(frozen, class_prior=SHARES).fit(X, y).thresholds_
        )
        with pytest.raises(ValueError, match=r"class_prior has no share of the classes \[1, 2"):
            ConformalClassifier(frozen, class_prior={0: 1}).fit(X, y)
        assert ConformalClassifier(frozen, conformity_score="lac").fit(X, y).thresholds_[0] < 1

    def test_a_detector_that_would_be_tested_on_what_it_saw(self, fitted):
        X, y = draw(40, np.random.default_rng(0))
        with pytest.raises(ValueError, match=r"give FrozenEstimator\(detector\)"):
            ConformalClassifier(fitted, outlier_detector=Beyond()).fit(X, y)

    def test_samples_without_probabilities(self):
        X, y = draw(40, np.random.default_rng(0))
        y %= 2
        X[22, 0] = 99
        for blind in (Blind(), FrozenEstimator(Blind().fit(X, y))):
            with pytest.raises(ValueError, match="probabilities of sample 22 to calibrate with"):
                ConformalClassifier(blind, random_state=0).fit(X, y)

    @pytest.mark.parametrize(
        ("score", "message"),
        [
            (lambda proba, assumed, mix: proba.max(axis=1), r"like proba, of shape \(40, 5\)"),
            (lambda proba, assumed, mix: proba * np.nan, "the scores of sample 0 to calibrate"),
        ],
    )
    def test_a_callable_that_gives_no_scores(self, fitted, score, message):
        X, y = draw(40, np.random.default_rng(0))
        with pytest.raises(ValueError, match=message):
            ConformalClassifier(fitted, conformity_score=score).fit(X, y)

    def test_a_share_of_which_nothing_can_be_held_out(self):
        with pytest.raises(ValueError, match=r"cv=0.5 holds no sample out"):
            ConformalClassifier(GaussianNB(), cv=0.5).fit(np.eye(3), [0, 1, 2])
