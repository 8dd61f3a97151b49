"""The whitened cosine head: its geometry by plain formulas, and its start from real features."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.covariance import ledoit_wolf
from torch.nn import functional as F

from sklift import LiftClassifier
from sklift.heads import Cosine, WhitenedCosine, class_mean_rows


@pytest.fixture
def sample():
    """40 rows of 6 features of very different spread, in classes of 20, 12, 7 and 1."""
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2, 3], [20, 12, 7, 1])
    X = rng.normal(size=(40, 6)) * [9, 3, 1, 1, 0.3, 0.1] + rng.normal(size=(4, 6))[y]
    return X @ rng.normal(size=(6, 6)) + 5, y


def fitted(sample, sample_weight=None, **settings):
    X, y = sample
    head = WhitenedCosine(**settings).build(X.shape[1], 4)
    return head, torch.from_numpy(np.asarray(head.fit_features(X, y, sample_weight)))


def cosines(sample, **settings):
    """Cosines of the rows with the means of their classes."""
    head, rows = fitted(sample, **settings)
    with torch.no_grad():
        head.weight.copy_(class_mean_rows(rows, sample[1], 4))
        return head(torch.tensor(sample[0], dtype=torch.float32)) / head.scale


def class_means(sample):
    X, y = sample
    return np.stack([X[y == k].mean(0) for k in range(4)])


@pytest.mark.parametrize("shrinkage", ["auto", 0.0, 0.3, 1.0])
def test_whitened_rows_have_the_covariance_that_shrinkage_leaves(sample, shrinkage):
    X, y = sample
    head, rows = fitted(sample, shrinkage=shrinkage)
    means = class_means(sample)
    residuals = X - means[y]
    covariance, estimated = ledoit_wolf(residuals, assume_centered=True)
    if shrinkage != "auto":
        S = residuals.T @ residuals / len(X)
        covariance = (1 - shrinkage) * S + shrinkage * np.trace(S) / 6 * np.eye(6)
    else:
        assert 0 < estimated < 1
    values, vectors = np.linalg.eigh(covariance)
    root = vectors @ np.diag(values**-0.5) @ vectors.T
    np.testing.assert_allclose(rows, (X - means.mean(0)) @ root, rtol=1e-3, atol=1e-4)
    np.testing.assert_allclose(head.shift, means.mean(0), rtol=1e-5)


def test_without_shrinkage_no_change_of_axes_matters(sample):
    X, y = sample
    other = np.random.default_rng(1).normal(size=(6, 6))
    expected = cosines(sample, shrinkage=0)
    found = cosines((X @ other - 7, y), shrinkage=0)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-3)


def test_full_shrinkage_is_a_cosine_about_the_mean(sample):
    X, _ = sample
    means = class_means(sample)
    centred = torch.tensor(X - means.mean(0)), torch.tensor(means - means.mean(0))
    expected = F.normalize(centred[0]) @ F.normalize(centred[1]).T
    torch.testing.assert_close(cosines(sample, shrinkage=1).double(), expected, rtol=0, atol=1e-5)


def test_weights_repeat_samples(sample):
    X, y = sample
    weight = np.random.default_rng(2).integers(0, 4, len(y))
    weight[-1] = 2
    head, _ = fitted(sample, weight)
    other, _ = fitted((np.repeat(X, weight, axis=0), np.repeat(y, weight)))
    torch.testing.assert_close(head.whitening, other.whitening)
    torch.testing.assert_close(head.shift, other.shift)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda X, y: (X[[0, 20, 32, 39]], y[[0, 20, 32, 39]]),  # a picture of each class
        lambda X, y: (np.repeat(X[[0, 20]], 5, axis=0), np.repeat([0, 1], 5)),  # the same pictures
        lambda X, y: (X * [1, 1, 1, 0, 0, 0], y),  # features that never change
        lambda X, y: (X[:2], y[:2]),  # one class
        lambda X, y: (X[:0], y[:0]),
        lambda X, y: (X * 1e18, y),
        lambda X, y: (X * 1e-18, y),
    ],
)
@pytest.mark.parametrize("shrinkage", ["auto", 0])
def test_numbers_are_finite(sample, spoil, shrinkage):
    X, y = spoil(*sample)
    head, rows = fitted((X, y), shrinkage=shrinkage)
    assert torch.isfinite(head.whitening).all() and torch.isfinite(rows).all()
    assert torch.isfinite(head(torch.tensor(X, dtype=torch.float32))).all()


def test_a_scale_of_the_features_changes_no_cosine(sample):
    X, y = sample
    expected = cosines(sample)
    for factor in (1e-3, 1e4):
        torch.testing.assert_close(cosines((X * factor, y)), expected, rtol=0, atol=1e-3)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"shrinkage": 1.5}, ValueError, "shrinkage == 1.5, must be <= 1"),
        ({"shrinkage": "oas"}, ValueError, "shrinkage must be 'auto' or a number"),
        ({"shrinkage": None}, ValueError, "shrinkage must be 'auto' or a number"),
        ({"scale": 0}, ValueError, "scale == 0, must be > 0"),
    ],
)
def test_wrong_settings(settings, error, message):
    with pytest.raises(error, match=message):
        WhitenedCosine(**settings).build(4, 2)


class TestInTheEstimator:
    @pytest.fixture
    def clf(self):
        params = {"head": "whitened_cosine", "max_epochs": 2, "random_state": 0}
        return LiftClassifier("precomputed", **params)

    def test_it_finds_classes_in_noise(self, clf):
        rng = np.random.default_rng(0)
        y = np.tile(np.repeat([0, 1, 2, 3], [80, 40, 20, 10]), 2)
        X = rng.normal(size=(300, 12)) * ([4] * 9 + [1] * 3)
        X[:, 9:] += 4 * np.eye(4)[y][:, :3]
        X = X.astype(np.float32)
        plain = clf.set_params(head="cosine").fit(X[:150], y[:150]).score(X[150:], y[150:])
        clf.set_params(head="whitened_cosine").fit(X[:150], y[:150])
        assert clf.score(X[150:], y[150:]) > max(0.8, plain + 0.2)
        twin = pickle.loads(pickle.dumps(clf))
        assert np.array_equal(twin.predict_proba(X), clf.predict_proba(X))

    def test_a_saved_model_is_the_same(self, clf, sample, tmp_path):
        X, y = sample
        clf.fit(X, y).save(tmp_path / "model.safetensors")
        twin = LiftClassifier.load(tmp_path / "model.safetensors")
        assert np.array_equal(twin.predict_proba(X), clf.predict_proba(X))
        assert twin.head_.get_params() == {"scale": 25.0, "shrinkage": "auto"}

    @pytest.mark.parametrize("init", ["class_mean", "linear_probe", "random"])
    def test_every_start_is_whitened(self, clf, sample, init):
        head = clf.set_params(init=init).fit(*sample).model_.head
        expected, _ = fitted((sample[0].astype(np.float32), sample[1]))
        torch.testing.assert_close(head.whitening.float(), expected.whitening)

    def test_texts_are_no_start(self, quick, shapes):
        clf = quick(head="whitened_cosine", init="text")
        with pytest.raises(ValueError, match="no text is a start: use init='class_mean'"):
            clf.fit(*shapes)

    def test_pictures(self, quick, shapes, tmp_path):
        clf = quick(head="whitened_cosine", init="class_mean").fit(*shapes)
        assert clf.score(*shapes) == 1
        again = quick(head="whitened_cosine", init="class_mean").fit(*shapes)
        assert np.array_equal(clf.predict_proba(shapes[0]), again.predict_proba(shapes[0]))
        before = clf.model_.head.whitening.clone()
        clf.set_params(warm_start=True).fit(*shapes)
        assert torch.equal(clf.model_.head.whitening, before)


class TestAuto:
    @pytest.mark.parametrize(
        ("init", "expected"),
        [
            ("class_mean", WhitenedCosine(scale=20)),
            ("linear_probe", WhitenedCosine(scale=20)),
            ("random", Cosine(scale=20)),
        ],
    )
    def test_pictures_decide(self, sample, init, expected):
        clf = LiftClassifier("precomputed", head="auto", head__scale=20, init=init, max_epochs=1)
        clf.set_params(random_state=0).fit(*sample)
        assert repr(clf.head_) == repr(expected)
        explicit = clone(clf).set_params(head=expected).fit(*sample)
        found = clf.predict_proba(sample[0])
        assert np.array_equal(explicit.predict_proba(sample[0]), found)
        clf.set_params(warm_start=True).fit(*sample)  # as before, not as if it started anew
        assert repr(clf.head_) == repr(expected)

    def test_texts_decide(self, quick, shapes):
        clf = quick(head="auto").fit(*shapes)
        assert clf.init_ == "text" and type(clf.head_) is Cosine
        expected = quick(head="cosine").fit(*shapes).predict_proba(shapes[0])
        assert np.array_equal(clf.predict_proba(shapes[0]), expected)

    @pytest.mark.parametrize("adapter", ["adaptformer", "feature"])
    def test_adapters_decide(self, quick, shapes, adapter):
        clf = quick(head="auto", init="class_mean", adapter=adapter).fit(*shapes)
        assert type(clf.head_) is Cosine
        clf.set_params(adapter=None).fit(*shapes)
        assert type(clf.head_) is WhitenedCosine

    def test_passes_of_partial_fit(self, sample):
        clf = LiftClassifier("precomputed", head="auto", random_state=0)
        clf.partial_fit(*sample, classes=range(4)).partial_fit(*sample)
        assert type(clf.head_) is WhitenedCosine
