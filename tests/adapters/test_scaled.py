"""The dial from the frozen to the tuned tower: weights computed in float64 in another way."""

from __future__ import annotations

import copy
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from torch import nn

from sklift import LiftClassifier
from sklift._model import TunedModel, folded, scaled_model
from sklift.adapters import (
    SSF,
    VPT,
    Adapter,
    AdaptFormer,
    BitFit,
    ConvAdapter,
    DoRA,
    FeatureAdapter,
    FullTuning,
    HalfTuning,
    LayerNormTuning,
    LoRA,
    Prefix,
    Scaled,
    SparseTuning,
    resolve_adapter,
)
from sklift.heads import Cosine

OF_WEIGHTS = {
    "lora": LoRA(rank=2),
    "dora": DoRA(rank=2),
    "ssf": SSF(),
    "sparse": SparseTuning(0.3),
    "bitfit": BitFit(),
    "layer_norm": LayerNormTuning(),
    "full": FullTuning(),
    "half": HalfTuning(),
    "several": resolve_adapter([LoRA(rank=2), SSF(), "bitfit", "layer_norm"]),
}
BRANCHES = {
    "adaptformer": ("clip_vit", AdaptFormer(rank=2)),
    "adapter": ("timm_vit", Adapter(rank=2)),
    "conv": ("timm_resnet", ConvAdapter(rank=2)),
    "feature": ("pooled_pixels", FeatureAdapter(rank=2)),
}
PAIRS = [("clip_vit", kind) for kind in OF_WEIGHTS]
PAIRS += [(f, kind) for f in ("timm_resnet", "timm_swin") for kind in ("lora", "ssf", "full")]


def images(backbone, n=2):
    side = backbone.preprocess.size
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0))


def frozen(backbone):
    return backbone.open().finished()


def tuned(backbone, recipe):
    """A model as after training."""
    torch.manual_seed(0)
    model = TunedModel(backbone, clone(recipe), Cosine(), 5)
    with torch.no_grad():
        for param in model.parameters():
            if param.requires_grad:
                param += 0.1 * torch.randn_like(param)
    return model


@pytest.mark.parametrize("family, kind", PAIRS)
def test_weights_are_in_between(family, kind, make_backbone):
    backbone = make_backbone(family)
    model, x = tuned(backbone, OF_WEIGHTS[kind]), images(backbone)
    start, end = backbone.tower.state_dict(), folded(model).tower.state_dict()
    one, none = scaled_model(model, 1), scaled_model(model, 0)
    with torch.no_grad():
        assert torch.equal(folded(one)(x), folded(model)(x))
        assert torch.equal(folded(none).features(x), frozen(backbone)(x))
        assert torch.equal(none.head.weight, model.head.weight)

        between = folded(scaled_model(model, 0.3)).tower
        plain = copy.deepcopy(backbone.tower)
        for name, tensor in between.state_dict().items():
            w0 = start[name].double().numpy() if name in start else 0.0  # a bias that was not there
            w1 = end[name].double().numpy()
            expected = 0.3 * w1 + 0.7 * w0
            np.testing.assert_allclose(tensor.numpy(), expected, rtol=1e-5, atol=1e-6)
            if name in start:
                plain.state_dict()[name].copy_(torch.from_numpy(np.asarray(expected)))
        torch.testing.assert_close(between(x), plain(x), rtol=1e-4, atol=1e-4)
        assert not torch.allclose(between(x), frozen(backbone)(x), rtol=0, atol=1e-3)
        assert not torch.allclose(between(x), model.tower(x), rtol=0, atol=1e-3)


@pytest.mark.parametrize("kind", BRANCHES)
def test_branches_count_less(kind, make_backbone):
    """As if what leads out of them were smaller."""
    family, recipe = BRANCHES[kind]
    backbone = make_backbone(family)
    model, x = tuned(backbone, recipe), images(backbone)
    with torch.no_grad():
        expected = copy.deepcopy(model)
        for name, param in expected.named_parameters():
            if ".up." in name or "branch.3." in name:  # of the convolutional one
                param *= 0.3
        found = scaled_model(model, 0.3)
        torch.testing.assert_close(found.features(x), expected.features(x), rtol=1e-5, atol=1e-5)
        assert not torch.allclose(found.features(x), model.features(x), atol=1e-3)
        assert torch.equal(scaled_model(model, 0).features(x), frozen(backbone)(x))
        assert torch.equal(scaled_model(model, 1)(x), model(x))


@pytest.mark.parametrize("kind", ["lora", "full", "several"])
def test_scaled_again_saved_and_copied(kind, make_backbone):
    backbone = make_backbone("clip_vit")
    model, x = tuned(backbone, OF_WEIGHTS[kind]), images(backbone)
    state = model.trained_state()
    half = scaled_model(model, 0.5)
    again = scaled_model(half, 0.5)
    assert again.adapter.scale == 0.25 and not isinstance(again.adapter.recipe, Scaled)
    with torch.no_grad():
        assert torch.equal(again(x), scaled_model(model, 0.25)(x))
        assert torch.equal(scaled_model(half, 1)(x), half(x))
        for twin in (pickle.loads(pickle.dumps(half)), copy.deepcopy(half)):
            assert torch.equal(twin(x), half(x))
    # the same weights are trained ones, and the model is as it was
    assert half.n_trainable_params == model.n_trainable_params
    assert all(torch.equal(t, state[n]) for n, t in model.trained_state().items())
    assert half.n_frozen_blocks == model.n_frozen_blocks


def test_frozen_blocks_stay_frozen(make_backbone):
    backbone = make_backbone("clip_vit")
    half = scaled_model(tuned(backbone, LoRA(rank=2, layers=1)), 0.5)
    assert half.n_frozen_blocks == 2 and not half.tower_is_frozen


def test_gradients_reach_what_is_trained(make_backbone):
    backbone = make_backbone("clip_vit")
    half = scaled_model(tuned(backbone, OF_WEIGHTS["several"]), 0.5)
    half.train()(images(backbone)).sum().backward()
    for param in half.parameters():
        assert (param.grad is not None) == param.requires_grad


class OwnHead(BaseEstimator):
    """An adapter of one's own that puts a layer before the tower's last norm."""

    def inject(self, tower, n_classes):
        tower.module.ln_post = nn.Sequential(nn.Linear(32, 32), tower.module.ln_post)
        return self


class OwnScale(BaseEstimator):
    """An adapter of one's own that trains the tower's last norm."""

    def inject(self, tower, n_classes):
        norm = tower.module.ln_post
        norm.weight = nn.Parameter(norm.weight.detach() + 1)
        return self


@pytest.mark.parametrize(
    "recipe, name",
    [
        (VPT(length=2), "Prompted"),
        (Prefix(length=2), "KeysAndValues"),
        (resolve_adapter(["lora", "prefix"]), "KeysAndValues"),
        (OwnHead(), "Linear"),
    ],
)
def test_what_has_no_scale(recipe, name, make_backbone):
    model = tuned(make_backbone("clip_vit"), recipe)
    with pytest.raises(ValueError, match=f"the adapter adds a {name}, of which no share leads to"):
        scaled_model(model, 0.5)


def test_an_adapter_of_ones_own(make_backbone):
    backbone = make_backbone("clip_vit")
    model = tuned(backbone, OwnScale())
    found = folded(scaled_model(model, 0.25)).tower.ln_post.weight
    start, end = (t.ln_post.weight for t in (backbone.tower, model.tower))
    torch.testing.assert_close(found, start + (end - start) / 4)


@pytest.mark.parametrize("scale", [-0.1, 1.1, float("nan"), "1", None])
def test_wrong_scales(scale, fitted):
    with pytest.raises((ValueError, TypeError), match="scale"):
        fitted.scaled(scale)


@pytest.fixture(scope="module")
def clf(quick, shapes):
    return quick(adapter=[FullTuning(layers=1), "adaptformer"], lr=0.02, max_epochs=1).fit(*shapes)


class TestClassifier:
    def test_ends_of_the_dial(self, clf, quick, shapes):
        X, _ = shapes
        assert np.array_equal(clf.scaled(1).predict_proba(X), clf.predict_proba(X))
        untuned = quick(adapter=None).fit(*shapes)
        untuned.model_.head.load_state_dict(clf.model_.head.state_dict())
        assert np.array_equal(clf.scaled(0).predict_proba(X), untuned.predict_proba(X))
        between = clf.scaled(0.5).predict_proba(X)
        for other in (untuned, clf):
            assert abs(between - other.predict_proba(X)).max() > 1e-3

    def test_it_is_a_classifier_of_its_own(self, clf, shapes, tmp_path):
        X, _ = shapes
        before = clf.predict_proba(X)
        half = clf.scaled(0.5)
        expected = half.predict_proba(X)
        assert repr(half.get_params()) == repr(clf.get_params())
        assert half.adapter_.scale == 0.5 and half.history_ == clf.history_
        half.history_.clear()
        assert clf.history_
        half.save(tmp_path / "half")
        twins = [LiftClassifier.load(tmp_path / "half"), pickle.loads(pickle.dumps(half))]
        for twin in (*twins, copy.deepcopy(half)):
            assert np.array_equal(twin.predict_proba(X), expected)
        assert np.array_equal(
            twins[0].scaled(0.5).predict_proba(X), clf.scaled(0.25).predict_proba(X)
        )
        assert np.array_equal(clf.predict_proba(X), before)

    def test_training_starts_anew(self, clf, shapes):
        half = clf.scaled(0.5)
        with pytest.raises(ValueError, match="adapter"):
            half.partial_fit(*shapes)
        again = half.fit(*shapes)
        assert np.array_equal(again.predict_proba(shapes[0]), clf.predict_proba(shapes[0]))

    def test_nothing_to_scale(self, quick, shapes):
        with pytest.raises(ValueError, match=r"adapter=None .* there is nothing to scale"):
            quick(adapter=None).fit(*shapes).scaled(0.5)

    def test_features(self):
        rng = np.random.default_rng(0)
        X, y = rng.normal(size=(20, 6)), np.array(["a", "b"] * 10)
        clf = LiftClassifier("precomputed", adapter="feature", lr=0.1, random_state=0).fit(X, y)
        half, none = clf.scaled(0.5), clf.scaled(0)
        assert half.model_.mean.dtype == torch.float64
        logits = X / np.linalg.norm(X, axis=1, keepdims=True)
        weight = clf.model_.head.weight.detach().numpy()
        logits = 25 * logits @ (weight / np.linalg.norm(weight, axis=1, keepdims=True)).T
        np.testing.assert_allclose(none.decision_function(X).ravel(), logits[:, 1] - logits[:, 0])
        assert not np.allclose(half.decision_function(X), none.decision_function(X))
