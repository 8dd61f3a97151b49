"""Which losses of a batch count: all, the largest, or those above a trained threshold."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from sklearn.base import clone

from sklift import LiftClassifier
from sklift.losses import LADE, LOSSES, CallableLoss, CrossEntropy, Focal, Loss, LossRecipe

COUNTS = [50, 20, 7, 3, 1]
RECIPES = [recipe() for recipe in LOSSES.values()]


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(12, 5, generator=generator, dtype=torch.float64)
    weight = torch.rand(12, generator=generator, dtype=torch.float64)
    return logits, torch.randint(5, (12,), generator=generator), weight


def smoothed(recipe, fraction=0.5, width=0.01, threshold=0.0):
    """The loss, in float64, and its threshold."""
    recipe = clone(recipe).set_params(top_fraction=fraction, top_smoothing=width)
    loss = recipe.build(COUNTS).double()
    (t,) = loss.parameters()
    with torch.no_grad():
        t.fill_(threshold)
    return loss, t


@pytest.mark.parametrize("recipe", RECIPES, ids=repr)
@pytest.mark.parametrize("weighted", [True, False])
def test_formula(recipe, weighted, batch):
    logits, target, weight = batch
    loss, _ = smoothed(recipe, fraction=0.3, width=0.2, threshold=0.7)
    plain = recipe.build(COUNTS)
    weight = weight if weighted else None
    each = plain.per_sample(logits, target).numpy()
    w = plain.weights(target, weight, torch.float64).numpy()
    x = each - 0.7
    expected = w @ ((x + np.sqrt(x**2 + 0.2**2) - 0.2) / 2) / w.sum() + 0.3 * 0.7
    # what LADE adds to the losses of the samples stays as it is
    rest = plain(logits, target, weight).numpy() - w @ each / w.sum()
    np.testing.assert_allclose(loss(logits, target, weight).item(), expected + rest, rtol=1e-6)


def test_the_best_threshold_gives_the_mean_of_the_largest(batch):
    logits, target, _ = batch
    hard = CrossEntropy(top_fraction=0.25).build(COUNTS)(logits, target).item()
    third = CrossEntropy().build(COUNTS).per_sample(logits, target).sort().values[-3].item()

    def value(threshold):
        return smoothed(CrossEntropy(), 0.25, 1e-6, threshold)[0](logits, target).item()

    assert value(third) == pytest.approx(0.25 * hard, rel=1e-6)
    assert min(map(value, np.linspace(0, 8, 41))) >= 0.25 * hard - 1e-6


@pytest.mark.parametrize("threshold", [0.0, 0.5, 2.0, 5.0])
def test_the_threshold_moves_towards_the_wanted_share_of_the_weights(threshold, batch):
    logits, target, weight = batch
    loss, t = smoothed(CrossEntropy(), 0.4, 1e-6, threshold)
    loss(logits, target, weight).backward()
    above = CrossEntropy().build(COUNTS).per_sample(logits, target) > threshold
    assert t.grad.item() == pytest.approx(0.4 - (weight[above].sum() / weight.sum()).item())


@pytest.mark.parametrize("recipe", [r for r in RECIPES if not isinstance(r, LADE)], ids=repr)
def test_parts_add_up_to_the_batch(recipe, batch):
    logits, target, weight = batch
    logits.requires_grad_()
    loss, t = smoothed(recipe, 0.4, 0.05, threshold=0.5)
    assert not loss.couples_samples
    whole = torch.autograd.grad(loss(logits, target, weight), [logits, t])
    total = loss.weights(target, weight, torch.float64).sum()
    parts = 0
    for part in torch.arange(12).split(5):
        inputs = logits[part], target[part], weight[part]
        parts += loss(*inputs) * loss.weights(*inputs[1:], torch.float64).sum() / total
    for ours, expected in zip(torch.autograd.grad(parts, [logits, t]), whole, strict=True):
        torch.testing.assert_close(ours, expected)


def test_gradient_is_that_of_the_value(batch):
    logits, target, weight = batch
    loss, t = smoothed(Focal(), 0.4, 0.05, threshold=0.5)

    def value(logits, threshold):
        return torch.func.functional_call(
            loss, {"reduction.threshold": threshold}, (logits, target, weight)
        )

    assert torch.autograd.gradcheck(value, (logits.requires_grad_(), t))


def test_no_weight_is_no_loss(batch):
    logits, target, _ = batch
    loss, _ = smoothed(CrossEntropy(), threshold=0.5)
    assert loss(logits, target, torch.zeros(12)) == 0


@pytest.mark.parametrize("smoothing", [0, 0.01])
def test_all_losses_are_the_plain_mean(smoothing, batch):
    loss = CrossEntropy(top_fraction=1.0, top_smoothing=smoothing).build(COUNTS)
    assert not list(loss.parameters()) and not loss.couples_samples
    assert torch.equal(loss(*batch), CrossEntropy().build(COUNTS)(*batch))


@pytest.mark.parametrize("value", [-0.01, np.nan, np.inf])
def test_smoothing_out_of_range(value):
    with pytest.raises(ValueError, match="top_smoothing"):
        Focal(top_smoothing=value).build(COUNTS)


@pytest.mark.parametrize("name", LOSSES)
def test_every_built_in_loss_can_be_searched_over(name):
    clf = LiftClassifier(loss=LOSSES[name]())
    clf.set_params(loss__top_fraction=0.8, loss__top_smoothing=0.01)
    assert "top_fraction=0.8, top_smoothing=0.01" in repr(clone(clf).loss)
    (threshold,) = clf.loss.build(COUNTS).parameters()
    assert threshold == 0


def test_a_function_has_no_such_settings():
    with pytest.raises(ValueError, match="Invalid parameter 'top_fraction'"):
        CallableLoss(torch.nn.functional.cross_entropy).set_params(top_fraction=0.5)


@dataclass(repr=False, eq=False)
class Power(LossRecipe):
    power: float = 0.5

    def _loss(self, class_counts, head):
        loss = Loss(class_counts)
        loss.class_weight = lambda dtype: loss.class_counts.to(dtype) ** -self.power
        return loss


class Plain(LossRecipe):
    """Has hyperparameters as a scikit-learn estimator has them."""

    def __init__(self, power=0.5):
        self.power = power

    _loss = Power._loss


def test_recipes_of_ones_own(batch):
    assert repr(Power(1.0, top_fraction=0.5)) == "Power(power=1.0, top_fraction=0.5)"
    assert Plain().get_params() == {"power": 0.5}
    assert torch.equal(Plain().build(COUNTS)(*batch), Power().build(COUNTS)(*batch))
    hard = Power(top_fraction=0.5).build(COUNTS)
    assert hard.couples_samples and hard(*batch) > Power().build(COUNTS)(*batch)
    with pytest.raises(NotImplementedError, match="LossRecipe must override build or _loss"):
        LossRecipe().build(COUNTS)
