"""Regularizers in training: exact however a batch is computed, and without cost where not used."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator

from sklift import LiftClassifier
from sklift._compute._plan import ComputePlan
from sklift._data._features import frozen_features
from sklift._model import TunedModel
from sklift.backbones import load_backbone
from sklift.images._as_source import as_image_source
from sklift.images._dataset import TestViews
from sklift.losses import ClassBalanced, Focal
from sklift.regularizers import Anchor, Consistency, Distillation, Regularizer

BUILT_IN = [Consistency(5.0), Anchor(0.5), Anchor(0.1, "all"), Distillation(0.5)]


class Both(Regularizer):
    """A term of each kind, and what it has seen."""

    def __init__(self, seen):
        super().__init__()
        self.seen = seen

    def per_sample(self, outputs):
        self.seen.append(outputs.frozen_features)
        return (outputs.features - outputs.frozen_features).square().mean(1) + outputs.logits[:, 0]

    def per_batch(self, model):
        return model.head.weight.square().sum()


class BothRecipe(BaseEstimator):
    seen: list = []

    def build(self, model):
        return Both(self.seen)


@pytest.fixture
def seen():
    BothRecipe.seen = []
    return BothRecipe.seen


@pytest.fixture(scope="module")
def blobs():
    """Features (45, 8) of three classes in float64, labels and weights."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [24, 14, 7])
    X = 2 * np.eye(8)[codes] + rng.normal(size=(45, 8))
    return X, np.array(["a", "b", "c"])[codes], rng.uniform(0.5, 2, 45)


def on_features(**params):
    defaults = {"adapter": "feature", "batch_size": 13, "max_epochs": 2, "lr": 0.1}
    return LiftClassifier("precomputed", **{**defaults, "random_state": 0, **params})


def weights(clf):
    return clf.model_.trained_state()


def assert_same(one, other, atol):
    for name, tensor in weights(one).items():
        torch.testing.assert_close(tensor, weights(other)[name], atol=atol, rtol=0, msg=name)
    losses = [[row["train_loss"] for row in clf.history_] for clf in (one, other)]
    np.testing.assert_allclose(*losses, rtol=0, atol=10 * atol)


def distance(one, other):
    return max((t - weights(other)[n]).abs().max().item() for n, t in weights(one).items())


class TestInParts:
    @pytest.mark.parametrize("recipe", [*BUILT_IN, BothRecipe()], ids=repr)
    @pytest.mark.parametrize(
        ("loss", "weighted", "atol"),
        [
            # where parts are added up by their shares, these are in float32
            ("logit_adjusted", False, 1e-6),
            (ClassBalanced(0.9), True, 1e-6),
            ("lade", True, 1e-12),
            (Focal(top_fraction=0.7), True, 1e-12),
        ],
        ids=repr,
    )
    def test_the_same_model(self, blobs, recipe, loss, weighted, atol):
        X, y, weight = blobs
        weight = weight if weighted else None
        without = on_features(loss=loss).fit(X, y, weight)
        whole = on_features(loss=loss, regularizer=recipe).fit(X, y, weight)
        parts = on_features(loss=loss, regularizer=recipe, compute__accumulate=2)
        assert_same(parts.fit(X, y, weight), whole, atol)
        assert distance(whole, without) > 1e-3  # it did something

    @pytest.mark.parametrize("recipe", [Consistency(5.0), Distillation(0.5)], ids=repr)
    def test_of_pictures_where_the_memory_asks_for_them(self, quick, shapes, monkeypatch, recipe):
        X, y = shapes[0][4:], shapes[1][4:]
        weight = np.linspace(0.5, 2, len(y))
        params = {"max_epochs": 1, "batch_size": 10, "lr": 0.1}
        without = quick(**params).fit(X, y, weight)
        whole = quick(**params, regularizer=recipe).fit(X, y, weight)
        monkeypatch.setattr("sklift._net._net.MOST_VALUES", 3 * 3 * 40 * 40)
        assert_same(quick(**params, regularizer=recipe).fit(X, y, weight), whole, atol=2e-5)
        assert distance(whole, without) > 1e-4

    def test_where_the_memory_runs_out(self, blobs, monkeypatch):
        X, y, weight = blobs
        whole = on_features(regularizer=BothRecipe(), compute__accumulate=4).fit(X, y, weight)
        outputs = TunedModel.outputs

        def most_are_five(self, x):
            if len(x) > 5:
                raise torch.OutOfMemoryError
            return outputs(self, x)

        monkeypatch.setattr(TunedModel, "outputs", most_are_five)
        parts = on_features(regularizer=BothRecipe()).fit(X, y, weight)
        assert parts.accumulate_ == 4
        assert_same(parts, whole, atol=1e-12)


@pytest.mark.parametrize("accumulate", [1, 4])
def test_the_loss_has_the_weighted_mean_and_the_term_of_the_model(blobs, seen, accumulate):
    X, y, weight = blobs
    params = {"batch_size": 45, "max_epochs": 1, "loss": ClassBalanced(0.9)}
    clf = on_features(**params, compute__accumulate=accumulate, regularizer=BothRecipe(), lr=1e-300)
    plain = on_features(**params, lr=1e-300).fit(X, y, weight)
    clf.fit(X, y, weight)
    model = clf.model_
    with torch.no_grad():  # the adapter starts from the features as they are
        terms = model(torch.from_numpy(X))[:, 0].numpy()
        squares = model.head.weight.square().sum().item()
    c = clf.net_.criterion_.class_weight(torch.float64).numpy()[np.searchsorted(clf.classes_, y)]
    expected = np.average(terms, weights=c * weight) + squares
    found = clf.history_[0]["train_loss"] - plain.history_[0]["train_loss"]
    assert found == pytest.approx(expected, rel=1e-6)


class TestFrozenFeatures:
    """They are those of the backbone, whatever the model is given and has become."""

    @pytest.mark.parametrize(
        "params",
        [
            {"adapter": "lora"},
            {"adapter": "full", "lr": 0.001},
            {"adapter": "ssf", "adapter__layers": 2},  # tokens of frozen blocks
            {"adapter": "vpt", "adapter__layers": 2, "compute__precision": "bfloat16"},
            {"adapter": "feature"},  # features of the frozen tower
            {"adapter": None},
            {"adapter": ["lora", "feature"]},
        ],
        ids=str,
    )
    def test_of_pictures(self, quick, shapes, seen, params):
        X, y = shapes
        clf = quick(augmentation=None, regularizer=BothRecipe(), lr=0.01, batch_size=24)
        clf.set_params(init="random", **params).fit(X, y)
        views = TestViews(as_image_source(X), 40, "bicubic")
        dtype = getattr(torch, clf.compute.precision)
        plan = ComputePlan(torch.device("cpu"), dtype, 24)
        (wanted,) = frozen_features(load_backbone("emoji-tiny"), views, plan)
        atol = 1e-5 if dtype == torch.float32 else 0.05
        for found in seen:
            assert found.dtype == torch.float32 and not found.requires_grad
            nearest = torch.cdist(found, torch.from_numpy(wanted)).argmin(1)
            assert sorted(nearest.tolist()) == list(range(24))
            np.testing.assert_allclose(found, wanted[nearest], atol=atol)
        assert len(seen) == 2

    def test_of_features(self, blobs, seen):
        X, y, _ = blobs
        on_features(regularizer=BothRecipe(), batch_size=45, max_epochs=2).fit(X, y)
        for found in seen:
            assert sorted(found.tolist()) == sorted(X.tolist())

    def test_a_frozen_tower_computes_once(self, quick, shapes, monkeypatch, seen):
        """Its features are those of the backbone already."""
        monkeypatch.setattr(TunedModel, "frozen_tower", property(lambda self: 1 / 0))
        quick(adapter=None, regularizer=BothRecipe(), max_epochs=1).fit(*shapes)
        assert len(seen) == 3

    def test_training_leaves_the_frozen_tower_alone(self, quick, shapes):
        clf = quick(adapter="full", regularizer="consistency", compute__precision="bfloat16").fit(
            *shapes
        )
        model, backbone = clf.model_, load_backbone("emoji-tiny")
        for name, tensor in model.frozen_tower.state_dict().items():
            assert torch.equal(tensor, backbone.tower.state_dict()[name])
        assert not any("frozen" in name for name in weights(clf))
        kinds = {type(module).__name__ for module in model.frozen_tower.modules()}
        assert not any(kind.startswith("Held") for kind in kinds)


def test_without_it_nothing_more_is_computed(quick, shapes, monkeypatch):
    for name in ("outputs", "frozen_tower"):
        monkeypatch.setattr(TunedModel, name, property(lambda self: 1 / 0))
    clf = quick(max_epochs=1, compute__accumulate=2).fit(*shapes)
    assert clf.regularizer_ is None and clf.net_.regularizer is None


def test_an_anchor_needs_no_frozen_tower(quick, shapes, monkeypatch):
    monkeypatch.setattr(TunedModel, "frozen_tower", property(lambda self: 1 / 0))
    assert quick(max_epochs=1, regularizer="anchor").fit(*shapes).regularizer_.part == "head"


def test_more_weight_stays_nearer_to_the_start(quick, shapes):
    params = {"augmentation": None, "lr": 0.01, "adapter": None, "max_epochs": 6}
    start = quick(**{**params, "lr": 1e-30}).fit(*shapes)

    def moved(recipe):
        clf = quick(**params, regularizer=recipe).fit(*shapes)
        if isinstance(recipe, Anchor):
            now, then = (weights(c)["head.weight"] for c in (clf, start))
        else:
            now, then = (torch.from_numpy(c.predict_proba(shapes[0])) for c in (clf, start))
        return (now - then).norm().item()

    assert moved(Anchor(2.0)) < 0.9 * moved(Anchor(0))
    assert moved(Distillation(1.0)) < 0.9 * moved(Distillation(0))


def test_the_validation_loss_is_without_it(blobs):
    X, y, _ = blobs
    params = {"early_stopping": True, "validation_fraction": 0.3, "lr": 1e-300}
    plain, held = (on_features(**params, regularizer=r).fit(X, y) for r in (None, BothRecipe()))
    for row, other in zip(plain.history_, held.history_, strict=True):
        assert row["valid_loss"] == other["valid_loss"]
        assert abs(row["train_loss"] - other["train_loss"]) > 1


class TestGoingOn:
    """The start is that of the first fit, as long as it is known."""

    @pytest.fixture
    def trained(self, blobs):
        X, y, _ = blobs
        return on_features(regularizer=Anchor(0.1), warm_start=True).fit(X, y)

    @staticmethod
    def start(clf):
        return clf.net_.regularizer.start_0.clone()

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    @pytest.mark.parametrize("params", [{}, {"regularizer__weight": 3.0}])
    def test_it_stays(self, trained, blobs, method, params, recwarn):
        X, y, _ = blobs
        start = self.start(trained)
        rows = torch.nn.functional.normalize(weights(trained)["head.weight"], dim=1)
        getattr(trained.set_params(**params), method)(X, y)
        assert torch.equal(self.start(trained), start)
        assert not torch.allclose(start, rows, atol=1e-3)
        assert trained.net_.regularizer.weight == params.get("regularizer__weight", 0.1)
        assert not [w for w in recwarn if "start" in str(w.message)]

    @pytest.mark.parametrize("method", ["fit", "partial_fit"])
    def test_a_pickle_has_none(self, trained, blobs, method):
        X, y, _ = blobs
        for twin in (pickle.loads(pickle.dumps(trained)), copy.deepcopy(trained)):
            assert not hasattr(twin, "net_")
            rows = torch.nn.functional.normalize(weights(twin)["head.weight"], dim=1)
            with pytest.warns(
                UserWarning, match=r"Anchor holds the model near its start, which is"
            ):
                getattr(twin, method)(X, y)
            assert torch.equal(self.start(twin), rows)

    def test_another_kind_has_none(self, trained, blobs):
        X, y, _ = blobs
        with pytest.warns(UserWarning, match="Distillation holds the model near its start"):
            trained.set_params(regularizer="distillation").partial_fit(X, y)
        with pytest.warns(UserWarning, match=r"Anchor holds the model near its start"):
            trained.set_params(regularizer=Anchor(0.1, "all")).partial_fit(X, y)

    def test_one_that_remembers_nothing_goes_on(self, trained, blobs, recwarn):
        X, y, _ = blobs
        trained.set_params(regularizer="consistency").partial_fit(X, y)
        assert trained.set_params(regularizer=None).partial_fit(X, y).regularizer_ is None
        assert not [w for w in recwarn if "start" in str(w.message)]

    def test_a_pickle_is_no_larger(self, trained, blobs):
        X, y, _ = blobs
        plain = on_features(warm_start=True).fit(X, y)
        assert len(pickle.dumps(trained)) < len(pickle.dumps(plain)) + 400


def test_two_passes_of_partial_fit_are_held_by_one_start(blobs):
    """Were each pass anchored to its own start, the head would drift with their number."""
    X, y, _ = blobs

    def moved(weight):
        clf = on_features(regularizer=Anchor(weight), adapter=None, loss="cross_entropy")
        for i in range(12):
            clf.partial_fit(X, y, classes=np.unique(y))
            if i == 0:
                first = clf.net_.regularizer.start_0
        now = torch.nn.functional.normalize(weights(clf)["head.weight"], dim=1)
        return (now - first).norm().item()

    assert moved(3.0) < 0.5 * moved(0)


@pytest.mark.parametrize("loss", ["class_balanced", "lade"])
def test_the_terms_of_mixed_pictures_are_weighted_by_both_labels(blobs, loss):
    """As the loss is: so in parts the model is the same."""
    X, y, weight = blobs
    params = {"augmentation": "mixup", "loss": loss, "regularizer": BothRecipe()}
    whole = on_features(**params).fit(X, y, weight)
    parts = on_features(**params, compute__accumulate=3).fit(X, y, weight)
    assert_same(parts, whole, atol=1e-6)
    without = on_features(**{**params, "regularizer": None}).fit(X, y, weight)
    assert distance(whole, without) > 1e-3
