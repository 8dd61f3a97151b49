"""Soups: the mean of the trained weights of several models."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score, make_scorer
from sklearn.utils.validation import check_is_fitted

from sklift import LiftClassifier, ShrunkGaussianClassifier, ZeroShotClassifier, soup
from sklift.metrics import few_shot_scorer


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(5), [50, 30, 20, 10, 6])
    X = rng.normal(size=(5, 12))[y] + rng.normal(scale=1.5, size=(len(y), 12))
    return X, y


def make(table, **params):
    settings = {"adapter": "feature", "max_epochs": 3, "batch_size": 16, "random_state": 0}
    return LiftClassifier("precomputed", **settings | params).fit(table[0][::2], table[1][::2])


@pytest.fixture(scope="module")
def models(table):
    return [make(table, lr=lr) for lr in (1e-4, 0.02, 0.05, 0.1)]


def score(model, table):
    return balanced_accuracy_score(table[1][1::2], model.predict(table[0][1::2]))


def same(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[n], other[n]) for n in one)


def test_the_weights_are_the_mean(models):
    found = soup(models).model_.trained_state()
    states = [model.model_.trained_state() for model in models]
    for name, tensor in found.items():
        expected = np.mean([state[name].numpy().astype(float) for state in states], axis=0)
        np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-6, atol=1e-9)
    assert any(not np.array_equal(tensor, states[0][name]) for name, tensor in found.items())


def test_of_one_model_it_is_that_model(models, table):
    only = soup(models[1:2])
    assert same(only.model_.trained_state(), models[1].model_.trained_state())
    np.testing.assert_array_equal(only.predict_proba(table[0]), models[1].predict_proba(table[0]))
    assert only.soup_ == [0] and only is not models[1]


def test_the_models_stay_as_they_are(models, table):
    before = [model.model_.trained_state() for model in models]
    made = soup(models, table[0][1::2], table[1][1::2])
    soup(models)
    assert all(same(m.model_.trained_state(), b) for m, b in zip(models, before, strict=True))
    assert all(hasattr(model, "net_") and not hasattr(model, "soup_") for model in models)
    assert not hasattr(made, "net_")


def test_greedy_is_not_below_the_best(models, table):
    made = soup(models, table[0][1::2], table[1][1::2])
    scores = [score(model, table) for model in models]
    assert score(made, table) >= max(scores)
    assert made.soup_[0] == int(np.argmax(scores))


def test_greedy_leaves_out_what_does_harm(models, table):
    """A model that answers at random, as good as none, must not get in."""
    X, y = table[0][1::2], table[1][1::2]
    rng = np.random.default_rng(0)
    spoilt = pickle.loads(pickle.dumps(models[2]))
    state = spoilt.model_.trained_state()
    for tensor in state.values():
        tensor.copy_(tensor.new_tensor(rng.normal(scale=50, size=tensor.shape)))
    spoilt.model_.load_trained_state(state)
    assert score(soup([models[2], spoilt]), table) < score(models[2], table)
    made = soup([spoilt, models[2]], X, y)
    assert made.soup_ == [1]
    np.testing.assert_array_equal(made.predict_proba(X), models[2].predict_proba(X))


def test_equal_scores_are_added(models, table):
    constant = make_scorer(lambda y, predicted: 1.0)
    made = soup(models, table[0], table[1], scoring=constant)
    assert sorted(made.soup_) == [0, 1, 2, 3]
    for name, tensor in soup(models).model_.trained_state().items():
        np.testing.assert_allclose(made.model_.trained_state()[name], tensor, rtol=1e-6)


def test_another_score(models, table):
    X, y = table[0][1::2], table[1][1::2]
    made = soup(models, X, y, scoring=few_shot_scorer)
    best = max(few_shot_scorer(model, X, y) for model in models)
    assert few_shot_scorer(made, X, y) >= best


def test_it_is_saved_copied_and_trained_on(models, table, tmp_path):
    X, y = table
    made = soup(models)
    expected = made.predict_proba(X)
    made.save(tmp_path / "soup.safetensors")
    loaded = LiftClassifier.load(tmp_path / "soup.safetensors")
    np.testing.assert_array_equal(loaded.predict_proba(X), expected)
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(made)).predict_proba(X), expected)
    made.set_params(warm_start=True, max_epochs=1).fit(X, y)
    assert not np.array_equal(made.predict_proba(X), expected)
    assert not hasattr(made, "soup_")


def test_a_further_pass_is_no_soup(models, table):
    made = soup(models).partial_fit(*table)
    assert not hasattr(made, "soup_")


def test_of_pictures(quick, shapes):
    X, y = shapes
    made = soup([quick(lr=lr).fit(X, y) for lr in (0.01, 0.05)], X, y)
    assert made.score(X, y) > 0.9 and set(made.soup_) <= {0, 1}


class TestErrors:
    def test_no_model(self):
        with pytest.raises(ValueError, match="models is empty"):
            soup([])

    @pytest.mark.parametrize(
        "other", [LogisticRegression(), ShrunkGaussianClassifier(), ZeroShotClassifier(), "model"]
    )
    def test_another_estimator(self, models, other):
        with pytest.raises(TypeError, match=r"models\[1\] is a .*: give fitted LiftClassifiers"):
            soup([models[0], other])

    def test_not_fitted(self, models):
        with pytest.raises(NotFittedError):
            soup([models[0], LiftClassifier("precomputed")])
        with pytest.raises(NotFittedError):
            check_is_fitted(LiftClassifier("precomputed"))

    @pytest.mark.parametrize(
        ("params", "name"),
        [
            ({"adapter": None}, "adapter"),
            ({"adapter__rank": 5}, "adapter"),
            ({"head__scale": 10.0}, "head"),
            ({"head": "linear"}, "head"),
            ({"classes": np.arange(6)}, "list of classes"),
        ],
    )
    def test_models_that_differ(self, models, table, params, name):
        with pytest.raises(ValueError, match=rf"models\[1\] has another {name} than models\[0\]"):
            soup([models[0], make(table, **params)])

    def test_another_number_of_features(self, models, table):
        narrow = make((table[0][:, :5], table[1]))
        with pytest.raises(ValueError, match="has another number of features"):
            soup([models[0], narrow])

    def test_another_mix_of_classes(self, models, table):
        with pytest.raises(ValueError, match="assumes another mix of classes"):
            soup([models[0], make(table, loss="cross_entropy")])

    def test_no_list(self, models):
        with pytest.raises(TypeError, match="models must be a list of fitted LiftClassifiers"):
            soup(models[0])

    def test_another_reader(self, quick, shapes):
        made = [quick(max_epochs=1, reader__framing=f).fit(*shapes) for f in ("pad", "crop")]
        with pytest.raises(ValueError, match="has another reader"):
            soup(made)

    def test_scores_that_are_no_numbers(self, models, table):
        with pytest.raises(ValueError, match="can't be compared"):
            soup(models, *table, scoring=lambda *_: float("nan"))

    def test_one_of_x_and_y(self, models, table):
        with pytest.raises(ValueError, match="X and y belong together"):
            soup(models, table[0])
        with pytest.raises(ValueError, match="X and y belong together"):
            soup(models, y=table[1])
