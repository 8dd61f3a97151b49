"""NoveltyDetector: its scores against plain formulas, and the rate of false alarms."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import logsumexp
from scipy.stats import multivariate_normal
from sklearn.frozen import FrozenEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklift import NoveltyDetector, ShrunkGaussianClassifier
from sklift._classes._held_out import splits
from sklift.metrics import left_out_detection


def draw(n, rng, n_classes=6):
    y = np.r_[np.arange(n_classes), rng.integers(0, n_classes, n - n_classes)]
    return 3 * np.eye(6)[y] + rng.normal(size=(n, 6)), y


EXPECTED = {
    "check_sample_weight_equivalence_on_dense_data": "held-out samples count alike, whatever weight"
}


@parametrize_with_checks(
    [NoveltyDetector(false_alarm_rate=0.3, cv=2)], expected_failed_checks=lambda _: EXPECTED
)
def test_the_battery(estimator, check):
    check(estimator)


def test_scores_are_differences_of_log_densities():
    X, y = draw(60, np.random.default_rng(0))
    clf = ShrunkGaussianClassifier().fit(X, y)
    densities = np.array([multivariate_normal(m, clf.covariance_).logpdf(X) for m in clf.means_]).T
    shares = clf.class_count_ / 60
    mean = shares @ clf.means_
    total = clf.covariance_ + np.cov(clf.means_.T, fweights=clf.class_count_.astype(int), ddof=0)
    together = multivariate_normal(mean, total).logpdf(X)
    constant = multivariate_normal(mean, clf.covariance_).logpdf(mean)
    constants = constant, constant - multivariate_normal(mean, total).logpdf(mean)
    expected = densities.max(axis=1), densities.max(axis=1) - together
    frozen = FrozenEstimator(clf)
    for name, score, c in zip(
        ("mahalanobis", "relative_mahalanobis"), expected, constants, strict=True
    ):
        detector = NoveltyDetector(frozen, novelty_score=name, false_alarm_rate=0.1).fit(X, y)
        assert_allclose(detector.score_samples(X), score - c, atol=1e-9)
        assert_allclose(detector.decision_function(X), detector.score_samples(X) - detector.offset_)
        assert_array_equal(detector.predict(X) == -1, detector.decision_function(X) < 0)
        assert (detector.predict(X) == -1).sum() == 60 - np.ceil(61 * 0.9)
    logits = clf.decision_function(X)
    energy = NoveltyDetector(frozen, novelty_score="energy").fit(X, y)
    assert_allclose(energy.score_samples(X), logsumexp(logits, axis=1))


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        (None, "mahalanobis"),
        (make_pipeline(StandardScaler(), ShrunkGaussianClassifier()), "mahalanobis"),
        (LogisticRegression(), "energy"),
    ],
)
def test_the_score_suits_the_model(model, expected):
    X, y = draw(90, np.random.default_rng(0))
    detector = NoveltyDetector(model, random_state=0).fit(X, y)
    assert detector.novelty_score_ == expected
    assert (detector.predict(X + 20) == -1).all() or expected == "energy"
    if model is not None and expected != "energy":  # in the space of the last step
        inner = NoveltyDetector(FrozenEstimator(detector.estimator_[-1])).fit(
            detector.estimator_[:-1].transform(X), y
        )
        assert_allclose(
            inner.score_samples(detector.estimator_[:-1].transform(X)), detector.score_samples(X)
        )


def test_transformers_inside_searches_and_pipelines_are_passed_through():
    X, y = draw(40, np.random.default_rng(0))
    X *= [1, 100, 1, 1, 1, 1]
    pipe = make_pipeline(StandardScaler(), ShrunkGaussianClassifier())
    search = GridSearchCV(make_pipeline("passthrough", FrozenEstimator(pipe.fit(X, y))), {}, cv=2)
    nested = NoveltyDetector(FrozenEstimator(search.fit(X, y))).fit(X, y)
    plain = NoveltyDetector(FrozenEstimator(pipe)).fit(X, y)
    assert_allclose(nested.score_samples(X), plain.score_samples(X))


@pytest.mark.parametrize("cv", ["frozen", 0.5, 5])
def test_the_rate_of_false_alarms_is_the_promised_one(cv):
    rate, n_new, found = 0.1, 200, []
    for seed in range(30):
        rng = np.random.default_rng(seed)
        X, y = draw(198, rng)
        if cv == "frozen":
            model = FrozenEstimator(ShrunkGaussianClassifier().fit(*draw(100, rng)))
            detector = NoveltyDetector(model, false_alarm_rate=rate).fit(X, y)
        else:
            detector = NoveltyDetector(false_alarm_rate=rate, cv=cv, random_state=seed).fit(X, y)
        found.append((detector.predict(draw(n_new, rng)[0]) == -1).mean())
    n = 99 if cv == 0.5 else 198
    spread = np.sqrt(rate * (1 - rate) * (1 / (n + 2) + 1 / n_new) / 30)
    assert np.mean(found) < rate + 4.5 * spread
    if cv != 5:  # models of folds saw fewer samples: fewer alarms
        assert np.mean(found) > rate - 1 / (n + 1) - 4.5 * spread


def test_left_out_classes_are_found():
    X, y = draw(400, np.random.default_rng(0))
    X += 4 * np.eye(6)[y]
    found = left_out_detection(NoveltyDetector(), X, np.array(list("abcdef"))[y], n_parts=3)
    assert found["labels"].tolist() == list("abcdef")
    assert found["per_class"].mean() == found["detection_rate"] > 0.6
    assert found["roc_auc"] > 0.9 and found["false_alarm_rate"] < 0.1
    noise = np.random.default_rng(1).normal(size=X.shape)
    blind = left_out_detection(NoveltyDetector(), noise, y, n_parts=3, random_state=0)
    assert abs(blind["roc_auc"] - 0.5) < 0.1 and blind["detection_rate"] < 0.15
    with pytest.raises(ValueError, match="n_parts must be an int between 2 and 3"):
        left_out_detection(NoveltyDetector(), X, y, n_parts=4)
    with pytest.raises(ValueError, match="n_parts must be an int"):
        left_out_detection(NoveltyDetector(), X, y, n_parts=2.0)


def test_classes_of_few_samples_and_few_groups_are_held_out_in_fewer_folds():
    y = np.repeat(np.arange(6), 4)
    X = 5 * np.eye(6)[y] + np.random.default_rng(0).normal(size=(24, 6))
    detector = NoveltyDetector(false_alarm_rate=0.3)
    found = left_out_detection(detector, X, y, n_parts=2, random_state=0)
    assert found["roc_auc"] > 0.8
    assert [len(test) for _, test in splits(y, None, None, 0)] == [6] * 4
    assert len(list(splits(y, None, np.arange(24) % 3, 0))) == 3
    assert len(list(splits(np.repeat([0, 1], 9), None, None, 0))) == 5


def test_left_out_classes_are_not_seen_and_groups_stay_together():
    X, y = draw(120, np.random.default_rng(0))
    groups, seen, told = np.arange(120) // 2, [], []

    class Spy(NoveltyDetector):
        def fit(self, X, y, groups=None):
            seen.append((X, y))
            told.append(groups)
            return super().fit(X, y)

        def predict(self, rows):
            known = {tuple(row) for row in seen[-1][0]}
            assert not any(tuple(row) in known for row in rows)
            pairs = {groups[i] for i in range(120) if tuple(X[i]) in known}
            classes = set(seen[-1][1])
            tested = {
                groups[i] for i in range(120) if y[i] in classes and (rows == X[i]).all(1).any()
            }
            assert not pairs & tested
            return super().predict(rows)

    left_out_detection(Spy(), X, y, n_parts=3, groups=groups, random_state=0)
    assert all(len(np.unique(labels)) == 4 for _, labels in seen)
    for (rows, _), of_rows in zip(seen, told, strict=True):
        assert_array_equal(of_rows, [groups[(row == X).all(1)][0] for row in rows])


class TestWhatIsRefused:
    def test_too_few_samples(self):
        X, y = draw(30, np.random.default_rng(0))
        with pytest.raises(ValueError, match=r"false_alarm_rate=0\.01 needs at least 99 samples"):
            NoveltyDetector(false_alarm_rate=0.01).fit(X, y)

    def test_a_sample_without_a_score(self):
        class Blind(LogisticRegression):
            def decision_function(self, X):
                return np.where(X[:, :1] > 90, np.nan, super().decision_function(X))

        X, y = draw(30, np.random.default_rng(0))
        X[22, 0] = 99
        with pytest.raises(ValueError, match="the scores of sample 22 to choose the threshold"):
            NoveltyDetector(Blind(), random_state=0).fit(X, y)

    def test_energy_of_two_classes(self):
        X, y = draw(30, np.random.default_rng(0), n_classes=2)
        with pytest.raises(ValueError, match="needs a classifier of at least 3 classes"):
            NoveltyDetector(LogisticRegression()).fit(X, y)

    def test_distances_without_gaussians(self):
        X, y = draw(30, np.random.default_rng(0))
        with pytest.raises(ValueError, match="which a LogisticRegression does not have"):
            NoveltyDetector(LogisticRegression(), novelty_score="mahalanobis").fit(X, y)
