from __future__ import annotations

import copy
import pickle
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from sklearn.base import BaseEstimator, clone
from torch.nn import functional as F

from sklift.heads import HEADS, Cosine, L2Norm, LayerNorm, Linear, resolve_head

TENSORS = load_file(Path(__file__).parents[1] / "reference" / "heads.safetensors")
REFERENCE = {
    "Linear": Linear(),
    "Cosine_s25": Cosine(scale=25),
    "Cosine_s30": Cosine(scale=30),
    "L2Normed": L2Norm(),
    "LayerNormed": LayerNorm(),
}
DEFAULTS = [recipe() for recipe in HEADS.values()]


@pytest.mark.parametrize(
    ("dtype", "suffix", "tolerance"), [(torch.float64, "f64", 1e-10), (torch.float32, "f32", 1e-5)]
)
@pytest.mark.parametrize("name", REFERENCE)
def test_outputs_and_gradients_of_the_authors_heads(name, dtype, suffix, tolerance):
    head = REFERENCE[name].build(n_features=16, n_classes=5)
    with torch.no_grad():
        head.weight.copy_(TENSORS["weight"])
        if name == "Linear":
            head.bias.copy_(TENSORS["bias"])
    head = head.to(dtype)
    features = TENSORS["features"].to(dtype, copy=True).requires_grad_()
    out = head(features)
    (out * TENSORS["upstream"].to(dtype)).sum().backward()

    def check(actual, key):
        expected = TENSORS[f"{key}/{name}/{suffix}"]
        torch.testing.assert_close(actual, expected, rtol=tolerance, atol=tolerance)

    check(out, "out")
    check(head.weight.grad, "grad_w")
    # The last feature is all zero: its own gradient is the upstream one divided by 1e-12.
    expected = TENSORS[f"grad_x/{name}/{suffix}"][:5]
    torch.testing.assert_close(features.grad[:5], expected, rtol=tolerance, atol=tolerance)
    if name == "Linear":
        check(head.bias.grad, "grad_b")


@pytest.mark.parametrize("recipe", DEFAULTS, ids=repr)
def test_initial_weights_are_seeded_random_unit_rows(recipe):
    torch.manual_seed(0)
    head, other = recipe.build(32, 6), recipe.build(32, 6)
    torch.manual_seed(0)
    torch.testing.assert_close(recipe.build(32, 6).weight, head.weight)
    assert head.weight.shape == (6, 32) and not torch.equal(head.weight, other.weight)
    torch.testing.assert_close(head.weight.norm(dim=1), torch.ones(6))
    assert all(parameter.requires_grad for parameter in head.parameters())


def test_only_the_linear_head_has_a_bias():
    for recipe in DEFAULTS:
        names = [name for name, _ in recipe.build(4, 3).named_parameters()]
        assert names == (["weight", "bias"] if isinstance(recipe, Linear) else ["weight"])
    assert not Linear().build(4, 3).bias.any()


@pytest.mark.parametrize("recipe", [Cosine(), L2Norm(), LayerNorm()], ids=repr)
def test_the_length_of_a_class_weight_does_not_matter(recipe):
    head = recipe.build(8, 3)
    features = torch.randn(5, 8)
    before = head(features)
    with torch.no_grad():
        head.weight.mul_(torch.tensor([[0.1], [3.0], [100.0]]))
    torch.testing.assert_close(head(features), before)


def test_cosine_ignores_length_of_features_and_is_bounded_by_its_scale():
    head = Cosine(scale=7.0).build(8, 3)
    features = torch.randn(5, 8)
    torch.testing.assert_close(head(9 * features), head(features))
    torch.testing.assert_close(head(head.weight).diagonal(), torch.full((3,), 7.0))
    assert head(features).abs().max() <= 7 and head.scale == 7.0
    assert "scale=7" in repr(head)


def test_layernorm_ignores_shift_and_scale_of_features():
    head = LayerNorm().build(8, 3)
    features = torch.randn(5, 8)
    torch.testing.assert_close(head(3 * features + 2), head(features), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("recipe", DEFAULTS, ids=repr)
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_features_of_any_precision_and_zero_features(recipe, dtype):
    features = torch.randn(4, 8).to(dtype)
    features[0] = 0
    head = recipe.build(8, 3)
    assert head(features).dtype == torch.float32
    low = copy.deepcopy(head).to(dtype)(features)
    assert low.dtype == dtype and torch.isfinite(low).all()


@pytest.mark.parametrize("recipe", DEFAULTS, ids=repr)
def test_recipes_are_estimators_and_heads_pickle(recipe):
    assert clone(recipe).get_params() == recipe.get_params()
    head = recipe.build(8, 3)
    features = torch.randn(4, 8)
    torch.testing.assert_close(pickle.loads(pickle.dumps(head))(features), head(features))
    assert "n_features=8, n_classes=3" in repr(head)


@pytest.mark.parametrize(
    ("scale", "error", "message"),
    [
        (0, ValueError, "scale == 0, must be > 0"),
        (-3, ValueError, "scale == -3, must be > 0"),
        (float("inf"), ValueError, "scale == inf, must be finite"),
        ("25", TypeError, "scale must be an instance of"),
    ],
)
def test_wrong_scale(scale, error, message):
    with pytest.raises(error, match=message):
        Cosine(scale=scale).build(8, 3)


def test_resolve_head():
    for key, recipe in HEADS.items():
        assert type(resolve_head(key)) is recipe
    assert resolve_head(Cosine(scale=3)).scale == 3
    with pytest.raises(ValueError, match=r"Unknown head 'cosin'.*Did you mean 'cosine'"):
        resolve_head("cosin")
    with pytest.raises(TypeError, match=r"pass Cosine\(\), not Cosine"):
        resolve_head(Cosine)
    with pytest.raises(TypeError, match="head must be one of"):
        resolve_head(torch.nn.Linear(8, 3))


def test_a_head_of_ones_own_needs_no_registration():
    class Dot(BaseEstimator):
        def build(self, n_features, n_classes):
            return torch.nn.Linear(n_features, n_classes, bias=False)

    head = resolve_head(Dot()).build(8, 3)
    features = torch.randn(4, 8)
    torch.testing.assert_close(head(features), F.linear(features, head.weight))
