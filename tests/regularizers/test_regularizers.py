"""Formulas and gradients of the built-in regularizers, and what the base says of wrong ones."""

from __future__ import annotations

import math
import pickle

import pytest
import torch
from sklearn.base import BaseEstimator, clone
from torch import nn

from sklift.heads import HEADS
from sklift.regularizers import (
    REGULARIZERS,
    Anchor,
    Consistency,
    Distillation,
    Outputs,
    Regularizer,
    build_regularizer,
    resolve_regularizer,
)

DEFAULTS = [recipe() for recipe in REGULARIZERS.values() if recipe is not None]
N, D, K = 6, 5, 3


class Model(nn.Module):
    """A trained map and a head, in float64."""

    def __init__(self, head="cosine"):
        super().__init__()
        torch.manual_seed(0)
        self.frozen = nn.Linear(D, D).requires_grad_(False)
        self.adapter = nn.Linear(D, D)
        self.head = HEADS[head]().build(D, K)
        self.double()

    def outputs(self, x):
        features = self.adapter(x)
        return Outputs(features, self.head(features), lambda: self.frozen(x))


@pytest.fixture
def x():
    return torch.randn(N, D, dtype=torch.float64, generator=torch.Generator().manual_seed(1))


@pytest.fixture(params=["cosine", "linear"])
def model(request):
    return Model(request.param)


def move(model):
    """Away from the start, as training does."""
    with torch.no_grad():
        for i, p in enumerate(p for p in model.parameters() if p.requires_grad):
            p += 0.3 * torch.sin(torch.arange(p.numel(), dtype=p.dtype) + i).view_as(p)


def assert_close(found, expected):
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


class TestFormulas:
    def test_consistency(self, model, x):
        outputs = model.outputs(x)
        found = Consistency(weight=3.0).build(model).per_sample(outputs)
        for r, f, g in zip(found, outputs.features, model.frozen(x), strict=True):
            assert_close(r, 3 * (1 - f @ g / (f.norm() * g.norm())))

    def test_distillation(self, model, x):
        found = Distillation(weight=0.7, temperature=3.0).build(model)
        start = model.head(model.frozen(x)).detach()
        move(model)
        outputs = model.outputs(x)
        for r, z, z0 in zip(found.per_sample(outputs), outputs.logits, start, strict=True):
            p, q = (z0 / 3).softmax(0), (z / 3).softmax(0)
            assert_close(r, 0.7 * 9 * (p * (p / q).log()).sum())

    def test_anchor_of_the_head(self, model):
        w0 = model.head.weight.detach().clone()
        anchor = Anchor(weight=0.7).build(model)
        move(model)
        expected = sum(
            (w / w.norm() - v / v.norm()).square().sum()
            for w, v in zip(model.head.weight, w0, strict=True)
        )
        assert_close(anchor.per_batch(model), 0.7 * expected)

    def test_anchor_of_all_that_is_trained(self, model):
        start = [p.detach().clone() for p in model.parameters() if p.requires_grad]
        anchor = Anchor(weight=0.7, part="all").build(model)
        move(model)
        now = [p for p in model.parameters() if p.requires_grad]
        expected = sum(((p - q) ** 2).sum() for p, q in zip(now, start, strict=True))
        assert len(start) == len(list(anchor.buffers())) >= 3
        assert_close(anchor.per_batch(model), 0.7 * expected)


class TestGradients:
    @pytest.mark.parametrize("recipe", [Consistency(2.0), Distillation(0.5, 4.0)], ids=repr)
    def test_of_samples(self, model, x, recipe):
        regularizer = build_regularizer(recipe, model)
        move(model)
        frozen = model.frozen(x)

        def term(features):
            return regularizer.per_sample(Outputs(features, model.head(features), lambda: frozen))

        assert torch.autograd.gradcheck(term, model.adapter(x).detach().requires_grad_())

    @pytest.mark.parametrize("part", ["head", "all"])
    def test_of_the_anchor(self, model, part):
        anchor = build_regularizer(Anchor(0.7, part), model)
        move(model)
        anchor.per_batch(model).backward()
        w, h = model.head.weight.detach(), 1e-6
        direction = torch.cos(torch.arange(w.numel(), dtype=w.dtype)).view_as(w)
        with torch.no_grad():
            ends = []
            for side in (1, -1):
                model.head.weight += side * h * direction
                ends.append(anchor.per_batch(model).item())
                model.head.weight -= side * h * direction
        slope = (model.head.weight.grad * direction).sum().item()
        assert slope == pytest.approx((ends[0] - ends[1]) / (2 * h), rel=1e-6)
        assert (model.adapter.weight.grad is not None) == (part == "all")

    def test_none_reaches_the_start(self, model, x):
        regularizer = build_regularizer(Distillation(), model)
        regularizer.per_sample(model.outputs(x)).sum().backward()
        assert all(p.grad is None and not p.requires_grad for p in regularizer.parameters())
        assert all(p.grad is not None for p in model.adapter.parameters())


@pytest.mark.parametrize("recipe", DEFAULTS, ids=repr)
class TestEvery:
    def terms(self, recipe, model, x):
        regularizer = build_regularizer(recipe, model)
        first = self.value(regularizer, model, x)
        move(model)
        return regularizer, first, self.value(regularizer, model, x)

    @staticmethod
    def value(regularizer, model, x):
        if regularizer.sees_samples:
            return regularizer.terms(model.outputs(x))
        return regularizer.term_of_batch(model)[None]

    def test_it_is_zero_for_an_untuned_model_and_grows(self, recipe, x):
        model = Model()
        model.adapter.load_state_dict(model.frozen.state_dict())
        _, first, later = self.terms(recipe, model, x)
        assert_close(first, torch.zeros_like(first))
        assert (later > 1e-4).all()

    def test_no_weight_no_term(self, recipe, model, x):
        _, _, later = self.terms(clone(recipe).set_params(weight=0), model, x)
        assert (later == 0).all()

    def test_what_it_remembers_is_its_state(self, recipe, model, x):
        regularizer, _, later = self.terms(recipe, model, x)
        twin = build_regularizer(recipe, model)  # starts from weights that were moved
        twin.load_state_dict(regularizer.state_dict())
        assert_close(self.value(twin, model, x), later)

    def test_it_is_a_small_estimator(self, recipe):
        assert recipe.get_params() == clone(recipe).get_params()
        assert pickle.loads(pickle.dumps(recipe)).get_params() == recipe.get_params()
        assert repr(recipe.set_params(weight=0.5)).endswith("(weight=0.5)")
        recipe.set_params(weight=1.0)

    @pytest.mark.parametrize("weight", [-1, math.nan, math.inf])
    def test_weights_that_make_no_sense(self, recipe, weight, model):
        with pytest.raises(ValueError, match=r"weight == .*, must be"):
            clone(recipe).set_params(weight=weight).build(model)


def test_settings_that_make_no_sense():
    with pytest.raises(ValueError, match="temperature == 0, must be > 0"):
        Distillation(temperature=0).build(Model())
    with pytest.raises(ValueError, match=r"part must be one of \['all', 'head'\], got 'tail'"):
        Anchor(part="tail").build(Model())


def test_names():
    assert resolve_regularizer(None) is resolve_regularizer("none") is None
    assert build_regularizer(None, Model()) is None
    assert {resolve_regularizer(name).__class__ for name in REGULARIZERS if name != "none"} == {
        Anchor,
        Consistency,
        Distillation,
    }
    with pytest.raises(ValueError, match=r"Unknown regularizer 'ancor'.*Did you mean 'anchor'"):
        resolve_regularizer("ancor")
    with pytest.raises(TypeError, match=r"pass Anchor\(\), not Anchor"):
        resolve_regularizer(Anchor)


class TestOutputs:
    def test_frozen_features_are_found_once_and_only_if_asked_for(self, x):
        asked = []

        def find():
            asked.append(1)
            return x.float()

        outputs = Outputs(x, x, find)
        assert asked == []
        assert outputs.frozen_features is outputs.frozen_features
        assert asked == [1] and outputs.frozen_features.dtype == torch.float64

    def test_they_have_no_gradient(self, x):
        weight = torch.ones(D, dtype=torch.float64, requires_grad=True)
        assert not Outputs(x, x, lambda: x * weight).frozen_features.requires_grad


class Own(BaseEstimator):
    def __init__(self, made=None):
        self.made = made

    def build(self, model):
        return self.made


class Wrong(Regularizer):
    def per_sample(self, outputs):
        return outputs.logits.mean()

    def per_batch(self, model):
        return 1.0


class TestMistakes:
    def test_no_regularizer_is_built(self):
        with pytest.raises(TypeError, match=r"Own.build must return a .*Regularizer, got None"):
            build_regularizer(Own(), Model())

    def test_it_has_no_term(self):
        with pytest.raises(TypeError, match="Regularizer, which Own builds, has no term: override"):
            build_regularizer(Own(Regularizer()), Model())

    def test_a_term_of_another_shape(self, x):
        with pytest.raises(ValueError, match=r"Wrong.per_sample .* of shape \(6,\), got \(\)"):
            Wrong().terms(Model().outputs(x))

    def test_no_tensor(self):
        with pytest.raises(TypeError, match=r"Wrong.per_batch must return a tensor, got 1.0"):
            Wrong().term_of_batch(Model())
