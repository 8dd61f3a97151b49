"""ShrunkGaussianClassifier against plain formulas, and what must not change its outcome."""

from __future__ import annotations

import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.special import log_softmax
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.exceptions import NotFittedError
from sklearn.utils.estimator_checks import parametrize_with_checks

from sklift import ShrunkGaussianClassifier
from sklift._classes import _gaussian_classifier, _moments

FITTED = ("class_count_", "means_", "covariance_", "coef_", "intercept_", "shrinkage_")


def sample(n=60, d=5, n_classes=4, seed=0):
    """Skewed rows of classes of several sizes and covariances."""
    rng = np.random.default_rng(seed)
    y = np.append(np.arange(n_classes), np.sort(rng.integers(0, n_classes, n - n_classes)))
    stretched = rng.exponential(size=(n, d)) @ rng.normal(size=(d, d))
    return stretched * (1 + y % 2)[:, None] + 2 * rng.normal(size=(n_classes, d))[y], y


def by_hand(X, y, alpha=None, c=None):
    """Shrunk means, covariance, alpha and c, one class and one row at a time."""
    n, d = X.shape
    means = np.array([X[y == k].mean(axis=0) for k in np.unique(y)])
    codes = np.searchsorted(np.unique(y), y)
    residuals = X - means[codes]
    S = sum(np.outer(r, r) for r in residuals) / n
    m = X.mean(axis=0)
    between = sum(np.sum((means[k] - m) ** 2) for k in codes) / n
    alpha = ledoit_wolf_shrinkage(residuals, assume_centered=True) if alpha is None else alpha
    c = np.trace(S) / between if c is None else c
    sizes = np.bincount(codes)[:, None]
    shrunk = (sizes * means + c * m) / (sizes + c)
    return shrunk, (1 - alpha) * S + alpha * np.trace(S) / d * np.eye(d), alpha, c


def assert_same(a, b, rtol=1e-9, names=FITTED):
    for name in (*names, "mean_shrinkage_", "priors_"):
        expected = getattr(b, name)
        atol = rtol * np.abs(expected).max()
        assert_allclose(getattr(a, name), expected, rtol=rtol, atol=atol, err_msg=name)


@parametrize_with_checks(
    [
        ShrunkGaussianClassifier(),
        ShrunkGaussianClassifier(shrinkage=0.0, mean_shrinkage=0.0, priors="train"),
        ShrunkGaussianClassifier(shrinkage=1.0, mean_shrinkage=2.5),
    ]
)
def test_the_battery(estimator, check):
    check(estimator)


@pytest.mark.parametrize("n_classes", [2, 4])
@pytest.mark.parametrize(("alpha", "c"), [(None, None), (0.0, None), (0.4, 0.0), (1.0, 3.0)])
def test_the_formulas(alpha, c, n_classes):
    X, y = sample(n_classes=n_classes)
    clf = ShrunkGaussianClassifier(
        shrinkage="auto" if alpha is None else alpha, mean_shrinkage="auto" if c is None else c
    ).fit(X, y)
    means, covariance, alpha, c = by_hand(X, y, alpha, c)
    assert_allclose(clf.means_, means)
    assert_allclose(clf.covariance_, covariance)
    assert_allclose([clf.shrinkage_, clf.mean_shrinkage_], [alpha, c])
    densities = np.array([multivariate_normal(mean, covariance).logpdf(X) for mean in means]).T
    assert_allclose(clf.predict_log_proba(X), log_softmax(densities, axis=1), atol=1e-9)
    assert_allclose(np.log(clf.predict_proba(X)), clf.predict_log_proba(X), atol=1e-9)
    assert_array_equal(clf.predict(X), densities.argmax(axis=1))


def test_numbers_worked_out_on_paper():
    # S = 2/3, m = 7/3, between = 32/9, c = 3/16
    clf = ShrunkGaussianClassifier().fit([[0.0], [2.0], [5.0]], ["a", "a", "b"])
    assert_allclose(clf.mean_shrinkage_, 3 / 16)
    assert_allclose(clf.means_, [[39 / 35], [87 / 19]])
    assert_allclose(clf.covariance_, [[2 / 3]])
    assert clf.shrinkage_ == 0
    assert_allclose(clf.coef_, [[(87 / 19 - 39 / 35) * 3 / 2]])
    border = (39 / 35 + 87 / 19) / 2
    assert_allclose(clf.decision_function([[border]]), 0, atol=1e-12)
    assert clf.predict([[border - 0.01], [border + 0.01]]).tolist() == ["a", "b"]


@pytest.mark.parametrize("n_classes", [2, 4])
def test_logits_are_linear(n_classes):
    X, y = sample(n_classes=n_classes)
    clf = ShrunkGaussianClassifier().fit(X, y)
    logits = clf.decision_function(X)
    assert logits.shape == ((len(X),) if n_classes == 2 else (len(X), n_classes))
    assert_allclose(logits, np.squeeze(X @ clf.coef_.T + clf.intercept_))


def test_a_far_row_shrinks_the_covariance_completely():
    X, y = sample()
    X[-1] += 100
    clf = ShrunkGaussianClassifier().fit(X, y)
    assert clf.shrinkage_ == 1
    assert_allclose(clf.covariance_, by_hand(X, y)[1])


def test_priors_move_the_constants():
    X, y = sample()
    equal = ShrunkGaussianClassifier().fit(X, y)
    share = np.bincount(y) / len(y)
    for priors in ("train", share):
        moved = ShrunkGaussianClassifier(priors=priors).fit(X, y)
        assert_allclose(moved.intercept_ - equal.intercept_, np.log(share) - np.log(1 / 4))
        assert_allclose(moved.priors_, share)
        assert_array_equal(moved.coef_, equal.coef_)
    assert_allclose(equal.priors_, 1 / 4)
    rounded = ShrunkGaussianClassifier(priors=[0.333333, 0.333333, 0.333333, 0]).fit(X, y)
    assert_allclose(rounded.priors_, [1 / 3, 1 / 3, 1 / 3, 0], rtol=1e-12)


@pytest.mark.parametrize("priors", [[0, 0.5, 0.5], [0, 1]])
def test_a_class_of_no_share_is_never_predicted(priors):
    X, y = sample(n_classes=len(priors))
    clf = ShrunkGaussianClassifier(priors=priors).fit(X, y)
    assert 0 not in clf.predict(X)
    assert np.isfinite(clf.decision_function(X)).all()
    assert np.isfinite(clf.predict_log_proba(X)).all()
    assert clf.predict_proba(X)[:, 0].max() < 1e-200


def test_weights_are_repetitions():
    X, y = sample()
    weight = np.random.default_rng(1).integers(0, 4, len(X))
    y[weight == 0] += 10 * (y[weight == 0] == 3)  # a class with no weight at all
    assert 13 in y
    weighted = ShrunkGaussianClassifier(priors="train").fit(X, y, sample_weight=weight)
    repeated = ShrunkGaussianClassifier(priors="train").fit(X.repeat(weight, 0), y.repeat(weight))
    assert_array_equal(weighted.classes_, [0, 1, 2, 3])
    assert_same(weighted, repeated)
    for part in (slice(0, None, 2), slice(1, None, 2)):
        weighted.partial_fit(X[part], y[part] % 10, sample_weight=weight[part])
        repeated.partial_fit(
            X[part].repeat(weight[part], axis=0), y[part].repeat(weight[part]) % 10
        )
    assert_same(weighted, repeated)


def test_the_origin_does_not_matter():
    X, y = sample()
    clf, far = ShrunkGaussianClassifier().fit(X, y), ShrunkGaussianClassifier()
    for part in np.array_split(np.random.default_rng(0).permutation(len(X)), 6):
        far.partial_fit(X[part] + 1e6, y[part], classes=range(4))
    near = ShrunkGaussianClassifier().fit(X + 1e6, y)
    assert_same(near, clf, rtol=1e-8, names=("covariance_", "coef_", "shrinkage_"))
    assert_same(far, clf, rtol=1e-8, names=())
    assert_allclose(near.predict_proba(X + 1e6), clf.predict_proba(X), atol=1e-6)


def test_the_names_of_classes_do_not_matter():
    X, y = sample()
    order = np.array([2, 0, 3, 1])
    clf = ShrunkGaussianClassifier().fit(X, y)
    renamed = ShrunkGaussianClassifier().fit(X, order[y])
    assert_array_equal(renamed.predict(X), order[clf.predict(X)])
    assert_allclose(renamed.predict_proba(X)[:, order], clf.predict_proba(X), atol=1e-12)


def test_the_order_of_rows_does_not_matter():
    X, y = sample()
    order = np.random.default_rng(0).permutation(len(X))
    shuffled = ShrunkGaussianClassifier().fit(X[order], y[order])
    assert_same(shuffled, ShrunkGaussianClassifier().fit(X, y))


def test_blocks_give_what_one_block_gives(monkeypatch):
    X, y = sample()
    whole = ShrunkGaussianClassifier().fit(X, y)
    whole_logits = whole.decision_function(X)
    monkeypatch.setattr(_moments, "BLOCK", 10)
    monkeypatch.setattr(_gaussian_classifier, "BLOCK", 10)
    halves = ShrunkGaussianClassifier()
    for part in (slice(0, None, 2), slice(1, None, 2)):
        halves.partial_fit(X[part], y[part], classes=range(4))
    assert_same(ShrunkGaussianClassifier().fit(X, y), whole)
    assert_allclose(whole.decision_function(X), whole_logits, rtol=1e-12)
    monkeypatch.undo()
    at_once = ShrunkGaussianClassifier()
    for part in (slice(0, None, 2), slice(1, None, 2)):
        at_once.partial_fit(X[part], y[part], classes=range(4))
    assert_same(halves, at_once)


@pytest.mark.parametrize("n_pieces", [2, 7, 60])
def test_pieces_give_what_one_fit_gives(n_pieces):
    X, y = sample()
    weight = np.random.default_rng(2).random(len(X)) + 0.1
    whole = ShrunkGaussianClassifier(shrinkage=0.2).fit(X, y, weight)
    pieces = ShrunkGaussianClassifier(shrinkage=0.2)
    for part in np.array_split(np.random.default_rng(0).permutation(len(X)), n_pieces):
        pieces.partial_fit(X[part], y[part], classes=range(4), sample_weight=weight[part])
    assert_same(pieces, whole)


def test_auto_shrinkage_is_exact_where_classes_come_at_once():
    X, y = sample()
    pieces = ShrunkGaussianClassifier()
    for k in (2, 0, 3, 1):
        pieces.partial_fit(X[y == k], y[y == k], classes=range(4))
    assert_same(pieces, ShrunkGaussianClassifier().fit(X, y))


def test_auto_shrinkage_is_exact_where_classes_have_one_shape():
    rng = np.random.default_rng(0)
    X, y = np.zeros((0, 3)), np.zeros(0, int)
    pieces = ShrunkGaussianClassifier()
    for _ in range(3):
        rows = rng.exponential(size=(20, 3)) * [1, 3, 9]
        part = np.concatenate([rows + 5, 2 * rows - 1])
        pieces.partial_fit(part, np.repeat([0, 1], 20), classes=[0, 1])
        X, y = np.concatenate([X, part]), np.append(y, np.repeat([0, 1], 20))
    whole = ShrunkGaussianClassifier().fit(X, y)
    assert 0.01 < whole.shrinkage_ < 0.5
    assert_same(pieces, whole)


@pytest.mark.parametrize("n_pieces", [100, 600])
def test_auto_shrinkage_in_pieces_is_close(n_pieces):
    X, y = sample(n=600)
    whole, pieces = ShrunkGaussianClassifier().fit(X, y), ShrunkGaussianClassifier()
    for part in np.array_split(np.random.default_rng(0).permutation(len(X)), n_pieces):
        pieces.partial_fit(X[part], y[part], classes=range(4))
    assert_allclose(pieces.shrinkage_, whole.shrinkage_, rtol=0.01)


def test_partial_fit_goes_on_after_fit_and_fit_starts_anew():
    X, y = sample()
    clf = ShrunkGaussianClassifier(shrinkage=0.1).fit(X[:30], y[:30] % 2)
    clf.partial_fit(X[30:], y[30:] % 2)
    assert_same(clf, ShrunkGaussianClassifier(shrinkage=0.1).fit(X, y % 2))
    assert_same(clf.fit(X, y), ShrunkGaussianClassifier(shrinkage=0.1).fit(X, y))


@pytest.mark.parametrize("c", ["auto", 0.0])
def test_a_class_without_samples_has_the_overall_mean(c):
    X, y = sample()
    clf = ShrunkGaussianClassifier(mean_shrinkage=c, priors="train")
    clf.partial_fit(X, y, classes=[*range(4), 9])
    assert_allclose(clf.means_[4], X.mean(axis=0))
    assert clf.class_count_[4] == 0
    without = ShrunkGaussianClassifier(mean_shrinkage=c, priors="train").fit(X, y)
    assert_allclose(clf.means_[:4], without.means_)
    assert_allclose(clf.covariance_, without.covariance_)
    assert np.isfinite(clf.predict_log_proba(X)).all()
    assert 9 not in clf.predict(X)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
def test_one_row_per_class_is_the_nearest_row():
    X = np.random.default_rng(0).normal(size=(30, 4)) + 100
    clf = ShrunkGaussianClassifier().fit(X, np.arange(30))
    assert_array_equal(clf.predict(X + 1e-3), np.arange(30))
    assert_allclose(clf.means_, X)
    assert_allclose(clf.covariance_, np.eye(4) * X.var(axis=0).mean())


@pytest.mark.parametrize("offset", [0, 1e5])
def test_rows_that_repeat_are_the_nearest_row(offset):
    X = np.random.default_rng(0).normal(size=(5, 3)) / 3 + offset
    y = np.arange(5)
    weight = np.random.default_rng(1).random(35) + 0.1
    clf = ShrunkGaussianClassifier().fit(np.tile(X, (7, 1)), np.tile(y, 7), weight)
    assert_array_equal(clf.predict(X), y)  # the rounding of means is not taken for variance
    assert clf.mean_shrinkage_ == 0


def test_means_that_coincide():
    X = np.array([[1.0, 2.0], [-1.0, 0.0], [2.0, 1.0], [-2.0, 1.0]]) / 3
    clf = ShrunkGaussianClassifier().fit(X, [0, 0, 1, 1])
    assert clf.mean_shrinkage_ == np.inf
    assert_allclose(clf.predict_proba(X), 0.5)


@pytest.mark.parametrize("scale", [1e-200, 1e-157, 1e-60, 1.0, 1e60])
@pytest.mark.parametrize("shrinkage", ["auto", 0.0, 1.0])
@pytest.mark.parametrize(
    "shape", ["narrow", "constant column", "constant", "more columns than rows", "singular"]
)
def test_results_are_finite(shape, shrinkage, scale):
    X, y = sample(n=12, d=30 if shape == "more columns than rows" else 5, n_classes=3)
    X = {
        "narrow": X[:, :1],
        "constant column": np.column_stack([X, np.full(12, 0.1)]),
        "constant": np.full_like(X, 0.1),
        "singular": np.column_stack([X, X]),
    }.get(shape, X) * scale
    clf = ShrunkGaussianClassifier(shrinkage=shrinkage).fit(X, y)
    for _ in range(2):
        for name in FITTED:
            assert np.isfinite(getattr(clf, name)).all(), name
        assert np.isfinite(clf.predict_log_proba(X)).all()
        clf.partial_fit(X[::-1], y[::-1])
    if shape != "constant" and scale >= 1e-60:
        assert clf.score(X, y) > 0.5


def test_without_shrinkage_a_repeated_column_changes_nothing():
    X, y = sample()
    clf = ShrunkGaussianClassifier(shrinkage=0.0)
    expected = clf.fit(X, y).predict_proba(X)
    twice = np.column_stack([X, X])
    assert_allclose(clf.fit(twice, y).predict_proba(twice), expected, atol=1e-9)


def test_float32_is_computed_in_float64():
    X, y = sample()
    X = X.astype(np.float32)
    clf = ShrunkGaussianClassifier().fit(X, y)
    assert_same(clf, ShrunkGaussianClassifier().fit(X.astype(np.float64), y))
    assert clf.predict_proba(X).dtype == clf.coef_.dtype == np.float64


def test_memory_is_that_of_means_and_one_covariance(monkeypatch):
    monkeypatch.setattr(_moments, "BLOCK", 2**14)
    rng = np.random.default_rng(0)
    X, y = rng.random((40_000, 100), dtype=np.float32), rng.integers(0, 1000, 40_000)
    assert X.nbytes == 16_000_000  # and 80 MB for a covariance of each class
    tracemalloc.start()
    try:
        clf = ShrunkGaussianClassifier().fit(X, y)
        clf.partial_fit(X[:5000], y[:5000])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 15_000_000


def test_tables_and_pickles():
    X, y = sample()
    table = pd.DataFrame(X, columns=list("abcde"))
    labels = np.array(["ant", "bee", "cat", "dog"])[y]
    clf = ShrunkGaussianClassifier().fit(table[:40], labels[:40])
    assert clf.feature_names_in_.tolist() == list("abcde")
    assert clf.n_features_in_ == 5
    loaded = pickle.loads(pickle.dumps(clf))
    assert_array_equal(loaded.predict_proba(table), clf.predict_proba(table))
    assert_same(
        loaded.partial_fit(table[40:], labels[40:]), clf.partial_fit(table[40:], labels[40:])
    )


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"shrinkage": 1.5}, "'shrinkage' parameter"),
        ({"shrinkage": "ledoit"}, "'shrinkage' parameter"),
        ({"mean_shrinkage": -1}, "'mean_shrinkage' parameter"),
        ({"priors": "equal"}, "'priors' parameter"),
        ({"priors": [0.5, 0.5]}, r"priors has shape \(2,\), expected \(4,\)"),
        ({"priors": [0.5, 0.5, 0.5, -0.5]}, "priors must be >= 0 .* smallest is -0.5"),
        ({"priors": [1, 1, 1, 1]}, "sum to 1; .* the sum 4"),
        ({"priors": [1, 0, 0, np.nan]}, "priors must be >= 0"),
        ({"priors": ["a", "b", "c", "d"]}, "priors must hold one number for each class"),
    ],
)
def test_bad_parameters(params, message):
    X, y = sample()
    with pytest.raises(ValueError, match=message):
        ShrunkGaussianClassifier(**params).fit(X, y)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda X, y: (X * 1e80, y, None), "X has numbers beyond 1e.70"),
        (lambda X, y: (-abs(X) * 1e80, y, None), "X has numbers beyond 1e.70"),
        (lambda X, y: (X * np.nan, y, None), "X contains NaN"),
        (lambda X, y: (X, y[1:], None), "inconsistent numbers of samples"),
        (lambda X, y: (X, None, None), "ShrunkGaussianClassifier requires y to be passed"),
        (lambda X, y: (X, y * 0, None), "only one class: 0"),
        (lambda X, y: (X, y, 1.0 * (y == 2)), "only one class: 2"),
        (lambda X, y: (X, y, y * 0), "zero"),
        (lambda X, y: (X, y, y - 1), "Negative values in data passed to `sample_weight`"),
        (lambda X, y: (X, y[:, None] / 2, None), "continuous"),
    ],
)
@pytest.mark.filterwarnings("ignore:A column-vector y")
def test_bad_samples(change, message):
    X, y, weight = change(*sample())
    with pytest.raises(ValueError, match=message):
        ShrunkGaussianClassifier().fit(X, y, sample_weight=weight)


def test_partial_fit_says_what_is_wrong_and_stays_as_it_was():
    X, y = sample()
    clf = ShrunkGaussianClassifier()
    with pytest.raises(NotFittedError):
        clf.predict(X)
    with pytest.raises(ValueError, match="classes must be passed on the first call"):
        clf.partial_fit(X, y)
    clf.partial_fit(X, y, classes=[3, 2, 1, 0])
    clf.partial_fit(X, y, classes=[3, 1, 2, 0])
    before = pickle.dumps(clf)
    with pytest.raises(ValueError, match=r"classes=\[0, 1\] are not those of the first call"):
        clf.partial_fit(X, y, classes=[0, 1])
    with pytest.raises(ValueError, match=r"y\[4\] = 7 is not among classes"):
        clf.partial_fit(X, np.where(np.arange(len(y)) == 4, 7, y))
    with pytest.raises(ValueError, match="5 features"):
        clf.partial_fit(X[:, 1:], y)
    clf.priors = [1.0]
    with pytest.raises(ValueError, match="priors has shape"):
        clf.partial_fit(X, y)
    clf.priors = None
    assert pickle.dumps(clf) == before


def test_no_torch_is_loaded():
    check = (
        "import sys\nfrom sklift import ShrunkGaussianClassifier\n"
        "ShrunkGaussianClassifier().fit([[0.0], [1.0]], [0, 1]).predict([[0.2]])\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
