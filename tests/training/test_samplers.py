from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift.training import SAMPLERS, Balanced, Power, SquareRoot, resolve_sampler

CODES = np.array([0, 0, 0, 0, 1])


@pytest.fixture(scope="module")
def blobs():
    """Features (66, 8) of two directions that overlap, 60 + 6, and labels."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1], [60, 6])
    return 1.5 * np.eye(8)[codes] + rng.normal(size=(66, 8)), np.array(["a", "b"])[codes]


def on_features(**params):
    return LiftClassifier("precomputed", **{"random_state": 0, "batch_size": 16, **params})


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (Balanced(), [1 / 8] * 4 + [1 / 2]),
        (SquareRoot(), [1 / 6] * 4 + [1 / 3]),
        (Power(), [1 / 6] * 4 + [1 / 3]),
        (Power(0), [1 / 5] * 5),
        (Power(2), [1 / 20] * 4 + [4 / 5]),
    ],
    ids=repr,
)
def test_probabilities(recipe, expected):
    np.testing.assert_allclose(recipe.probabilities(CODES, [4, 1]), expected)


@pytest.mark.parametrize("name", SAMPLERS)
class TestEach:
    def test_classes_without_samples_are_no_matter(self, name):
        recipe = resolve_sampler(name)
        given = recipe.probabilities(CODES, np.array([4, 1, 0]))
        np.testing.assert_array_equal(given, recipe.probabilities(CODES, np.array([4, 1])))

    def test_it_trains_saves_and_clones(self, name, blobs, tmp_path):
        X, y = blobs
        clf = on_features(sampler=resolve_sampler(name)).fit(X, y)
        by_name = on_features(sampler=name).fit(X, y)
        np.testing.assert_array_equal(clf.predict_proba(X), by_name.predict_proba(X))
        clf.save(tmp_path / "model")
        loaded = LiftClassifier.load(tmp_path / "model")
        assert repr(loaded.sampler) == repr(clf.sampler) == repr(clone(clf).sampler)


def test_a_power_is_searched(blobs):
    search = GridSearchCV(
        on_features(sampler="power", max_epochs=1), {"sampler__power": [0.0, 1.0]}, cv=2
    ).fit(*blobs)
    assert [p["sampler__power"] for p in search.cv_results_["params"]] == [0.0, 1.0]
    assert isinstance(search.best_estimator_.sampler, Power)


def test_none_has_no_settings():
    with pytest.raises(ValueError, match=r"sampler=None has no settings, got \['sampler__power'\]"):
        LiftClassifier().set_params(sampler__power=1)


class Capped(BaseEstimator):
    """Somebody's sampler: balanced, but no class more than a few times as often as it comes."""

    def __init__(self, most=2.0):
        self.most = most

    def probabilities(self, codes, class_counts):
        factor = np.minimum(self.most, class_counts.max() / np.maximum(class_counts, 1))
        return factor[codes] / factor[codes].sum()


class Seen(Callback):
    def __init__(self):
        self.codes = []

    def on_batch_begin(self, net, batch, training, **kwargs):
        self.codes.extend(batch[1].tolist())


def test_a_sampler_of_ones_own(blobs, tmp_path):
    X, y = blobs
    seen = Seen()
    clf = on_features(sampler=Capped(), max_epochs=40, net_params={"callbacks": [seen]})
    clf.set_params(sampler__most=4.0).fit(X, y)
    expected = 66 * np.array([60, 4 * 6]) / 84
    np.testing.assert_allclose(clf.net_.criterion_.class_counts, expected, rtol=1e-5)
    np.testing.assert_allclose(np.bincount(seen.codes) / 40, expected, rtol=0.1)
    clf.set_params(net_params=None).save(tmp_path / "model")
    with pytest.raises(ValueError, match=r"'Capped'.*pass it: load\(..., recipes="):
        LiftClassifier.load(tmp_path / "model")
    assert LiftClassifier.load(tmp_path / "model", recipes=[Capped]).sampler.most == 4


def test_a_sampler_without_settings_is_left_out_of_files(blobs, tmp_path):
    class Rare:
        def probabilities(self, codes, class_counts):
            return (codes == 1) / (codes == 1).sum()

    clf = on_features(sampler=Rare()).fit(*blobs)
    with pytest.warns(UserWarning, match=r"leaves out \['sampler'\]"):
        clf.save(tmp_path / "model")


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (np.ones(3), r"one probability for each of 66 samples, got the shape \(3,\)"),
        (np.r_[-0.5, 1.5, np.zeros(64)], "got -0.5 for sample 0, of class 0"),
        (np.r_[np.zeros(65), np.nan], "got nan for sample 65, of class 1"),
        (np.r_[np.zeros(65), np.inf], "got inf for sample 65, of class 1"),
        (np.full(66, 0.5), "that sum to 1, got 33: divide them by their sum"),
    ],
)
def test_what_a_sampler_may_not_give(blobs, given, message):
    class Wrong:
        def probabilities(self, codes, class_counts):
            return given

    with pytest.raises(ValueError, match=rf"Wrong\.probabilities must return .*{message}"):
        on_features(sampler=Wrong()).fit(*blobs)
