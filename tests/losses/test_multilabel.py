"""Losses of several labels a picture: reference values, gradients, weights, and the adjustment."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from sklift.losses import (
    MULTILABEL_LOSSES,
    Asymmetric,
    BinaryCrossEntropy,
    BinaryLogitAdjusted,
    DistributionBalanced,
    Focal,
    MultilabelLoss,
    resolve_loss,
    resolve_multilabel_loss,
)

COUNTS, N = np.array([60.0, 25.0, 6.0, 1.0]), 100.0
RNG = np.random.default_rng(0)
Z = 3 * RNG.normal(size=(12, 4))
Y = (RNG.uniform(size=(12, 4)) < 0.4).astype(float)
Y[0] = 0  # a picture without labels
W = RNG.uniform(0.5, 2, size=12)
BY_NAME = pytest.mark.parametrize("name", MULTILABEL_LOSSES)
SETTINGS = [
    BinaryCrossEntropy(),
    BinaryLogitAdjusted(),
    BinaryLogitAdjusted(tau=0.4),
    Asymmetric(),
    Asymmetric(gamma_negative=2.0, gamma_positive=1.0, margin=0.2),
    Asymmetric(gamma_negative=0.5, gamma_positive=0.5, margin=0.0),
    DistributionBalanced(),
    DistributionBalanced(alpha=0.3, beta=4.0, mu=0.4, negative_scale=5.0, kappa=0.3),
]


def reference(recipe) -> np.ndarray:
    """The formulas of the papers, entry by entry, in plain Python."""
    out = np.zeros_like(Z)
    for i in range(len(Z)):
        for k in range(4):
            z, y, pi = Z[i, k], Y[i, k], COUNTS[k] / N
            odds = math.log(pi / (1 - pi))
            if isinstance(recipe, BinaryCrossEntropy):
                p = 1 / (1 + math.exp(-z))
                out[i, k] = -y * math.log(p) - (1 - y) * math.log(1 - p)
            elif isinstance(recipe, BinaryLogitAdjusted):
                p = 1 / (1 + math.exp(-z - recipe.tau * odds))
                out[i, k] = -y * math.log(p) - (1 - y) * math.log(1 - p)
            elif isinstance(recipe, Asymmetric):
                p = 1 / (1 + math.exp(-z))
                if y:
                    out[i, k] = -((1 - p) ** recipe.gamma_positive) * math.log(p)
                else:
                    low = max(p - recipe.margin, 0)
                    out[i, k] = -(low**recipe.gamma_negative) * math.log(1 - low)
            else:
                company = sum(1 / COUNTS[j] for j in range(4) if Y[i, j])
                r = 1 / COUNTS[k] / company if company else 1.0
                weight = recipe.alpha + 1 / (1 + math.exp(-recipe.beta * (r - recipe.mu)))
                u, lam = z + recipe.kappa * odds, recipe.negative_scale
                one = math.log(1 + math.exp(-u))
                none = math.log(1 + math.exp(lam * u)) / lam
                out[i, k] = weight * (one if y else none)
    return out


@pytest.mark.parametrize("recipe", SETTINGS, ids=repr)
def test_values_are_those_of_the_formulas(recipe):
    loss = recipe.build(COUNTS, N)
    z, y = torch.from_numpy(Z), torch.from_numpy(Y)
    expected = reference(recipe)
    np.testing.assert_allclose(loss.per_label(z, y).numpy(), expected, rtol=1e-6, atol=1e-12)
    assert loss(z, y).item() == pytest.approx(expected.sum(1).mean(), rel=1e-6)
    weighted = W @ expected.sum(1) / W.sum()
    assert loss(z, y, torch.from_numpy(W)).item() == pytest.approx(weighted, rel=1e-6)


@pytest.mark.parametrize("recipe", SETTINGS, ids=repr)
def test_gradients_are_finite_and_right(recipe):
    loss = recipe.build(COUNTS, N)
    y = torch.from_numpy(Y)
    z = torch.from_numpy(Z).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: loss(z, y), z)
    for size in (60.0, -60.0):
        far = torch.full((1, 4), size, requires_grad=True)
        for target in (torch.zeros(1, 4), torch.ones(1, 4)):
            loss(far, target).backward()
            assert torch.isfinite(far.grad).all() and torch.isfinite(loss(far, target))


@BY_NAME
def test_integers_half_precision_and_empty_weights(name):
    loss = MULTILABEL_LOSSES[name]().build(COUNTS, N)
    z, y = torch.from_numpy(Z), torch.from_numpy(Y)
    whole = loss(z.float(), y.to(torch.uint8))
    assert whole.dtype == torch.float32
    assert loss(z.half(), y.to(torch.uint8)).item() == pytest.approx(whole.item(), rel=1e-2)
    assert loss(z, y, torch.zeros(12)).item() == 0


@BY_NAME
def test_no_count_gives_an_infinite_loss(name):
    loss = MULTILABEL_LOSSES[name]().build([0, 100, 50, 1], 100)
    assert torch.isfinite(loss(torch.from_numpy(Z), torch.from_numpy(Y)))
    odds = loss.log_odds(torch.float64)
    assert odds[0] == -odds[1] == pytest.approx(math.log(0.5 / 99.5))


def test_the_adjustment_restores_the_frequencies():
    """Of a label that tells nothing, the least loss is where sigmoid(z + adjustment) is pi."""
    y = torch.cat([torch.ones(6, 1), torch.zeros(94, 1)])
    for recipe in (BinaryCrossEntropy(), BinaryLogitAdjusted(), BinaryLogitAdjusted(tau=2.0)):
        loss = recipe.build([6], 100)
        odds = torch.tensor([math.log(0.06 / 0.94)], dtype=torch.float64)
        z = (odds - loss.adjustment(torch.float64)).requires_grad_()
        loss(z.expand(100, 1), y).backward()
        assert z.grad.item() == pytest.approx(0, abs=1e-7)
        assert loss.log_odds(torch.float64).item() == pytest.approx(odds.item(), rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "n", "message"),
    [
        ([1, -1], 10, "label 1 has -1"),
        ([11, 1], 10, "label 0 has 11"),
        ([[1]], 10, r"label_counts must have shape"),
        ([1], 0, "n_samples must be positive"),
    ],
)
def test_wrong_counts(counts, n, message):
    with pytest.raises(ValueError, match=message):
        MultilabelLoss(counts, n)


def test_wrong_shapes():
    loss = MultilabelLoss(COUNTS, N)
    with pytest.raises(ValueError, match=r"expected \(n_samples, 4\) for both"):
        loss(torch.zeros(2, 4), torch.zeros(2, 3))
    with pytest.raises(ValueError, match="one weight for each picture"):
        loss(torch.zeros(2, 4), torch.zeros(2, 4), torch.ones(3))


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (BinaryLogitAdjusted(tau=-1), "tau == -1"),
        (Asymmetric(margin=1.0), "margin == 1"),
        (Asymmetric(gamma_negative=-1), "gamma_negative"),
        (DistributionBalanced(negative_scale=0), "negative_scale"),
        (DistributionBalanced(beta=0), "beta"),
    ],
    ids=repr,
)
def test_wrong_settings(recipe, message):
    with pytest.raises(ValueError, match=message):
        recipe.build(COUNTS, N)


def test_each_kind_of_classifier_has_its_losses():
    for wrong in ("focal", Focal()):
        with pytest.raises(TypeError, match="for one label a picture"):
            resolve_multilabel_loss(wrong)
    for wrong in ("asymmetric", Asymmetric()):
        with pytest.raises(TypeError, match="for several labels a picture"):
            resolve_loss(wrong)
    assert isinstance(resolve_multilabel_loss(Asymmetric(margin=0.1)), Asymmetric)


def test_a_tiny_margin_leaves_a_sure_mistake_finite():
    """1 - (p - m) was 0 in float32: an infinite loss of a logit of 50."""
    loss = Asymmetric(margin=1e-9).build([1], 2)
    value = loss(torch.tensor([[50.0]], requires_grad=True), torch.tensor([[0]]))
    assert value.item() == pytest.approx(-math.log(1e-9), rel=1e-5)
