from __future__ import annotations

import math
import pickle

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from torch.nn import functional as F

from sklift.losses import (
    LADE,
    LDAM,
    LOSSES,
    BalancedSoftmax,
    CallableLoss,
    ClassBalanced,
    CrossEntropy,
    Focal,
    GeneralizedReweight,
    LogitAdjusted,
    resolve_loss,
)

COUNTS = [50, 20, 7, 3, 1]
DEFAULTS = [recipe() for recipe in LOSSES.values()]
MEAN_TYPE = [recipe for recipe in DEFAULTS if not isinstance(recipe, LADE)]
OTHER_SETTINGS = [
    LogitAdjusted(tau=2.5),
    ClassBalanced(beta=0.0),
    ClassBalanced(beta=0.9),
    GeneralizedReweight(rho=40.0),
    Focal(gamma=0.3),
    LDAM(max_margin=1.0, scale=30.0),
]


def name(recipe):
    return repr(recipe)


@pytest.fixture
def batch():
    generator = torch.Generator().manual_seed(0)
    logits = 3 * torch.randn(12, 5, generator=generator, dtype=torch.float64)
    target = torch.randint(5, (12,), generator=generator)
    return logits, target


def value_and_grad(loss, logits, target, sample_weight=None):
    logits = logits.clone().requires_grad_()
    value = loss(logits, target, sample_weight)
    value.backward()
    return value.detach(), logits.grad


def assert_same(loss, other, logits, target):
    for mine, theirs in zip(
        value_and_grad(loss, logits, target), value_and_grad(other, logits, target), strict=True
    ):
        torch.testing.assert_close(mine, theirs, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("recipe", [*DEFAULTS, LogitAdjusted(top_fraction=0.5)], ids=name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
def test_without_weights_the_bits_are_those_with_weights_of_one(recipe, dtype):
    generator = torch.Generator().manual_seed(0)
    loss = recipe.build(COUNTS, None)
    for n in (1, 7, 128, 1001):
        logits = (3 * torch.randn(n, 5, generator=generator)).to(dtype)
        target = torch.randint(5, (n,), generator=generator)
        found = value_and_grad(loss, logits, target)
        wanted = value_and_grad(loss, logits, target, torch.ones(n))
        assert all(map(torch.equal, found, wanted)) and found[0].dtype == wanted[0].dtype


def test_no_samples_have_no_loss():
    assert LogitAdjusted().build(COUNTS, None)(torch.zeros(0, 5), torch.zeros(0).long()) == 0


@pytest.mark.parametrize(
    ("recipe", "twin"),
    [
        (LogitAdjusted(tau=0), CrossEntropy()),
        (LogitAdjusted(tau=1), BalancedSoftmax()),
        (Focal(gamma=0), CrossEntropy()),
        (GeneralizedReweight(rho=0), CrossEntropy()),
        (ClassBalanced(beta=0), CrossEntropy()),
        (LDAM(max_margin=0), CrossEntropy()),
        (LADE(estimation_weight=0), BalancedSoftmax()),
    ],
    ids=name,
)
@pytest.mark.parametrize("counts", [COUNTS, [50, 0, 7, 3, 0]])
def test_limits_agree_with_simpler_losses(recipe, twin, counts, batch):
    assert_same(recipe.build(counts), twin.build(counts), *batch)


def test_class_balanced_tends_to_inverse_frequency(batch):
    near_one = ClassBalanced(beta=1 - 1e-9).build(COUNTS)
    inverse = GeneralizedReweight(rho=1).build(COUNTS)
    weights = [loss.class_weight(torch.float64) for loss in (near_one, inverse)]
    torch.testing.assert_close(*weights, rtol=1e-6, atol=0)


@pytest.mark.parametrize(
    "recipe", [LogitAdjusted(tau=2.5), ClassBalanced(), GeneralizedReweight(rho=3)], ids=name
)
def test_equal_counts_carry_no_correction(recipe, batch):
    assert_same(recipe.build([9] * 5), CrossEntropy().build([9] * 5), *batch)


@pytest.mark.parametrize("recipe", DEFAULTS + OTHER_SETTINGS, ids=name)
def test_gradient_is_that_of_the_value(recipe, batch):
    logits, target = batch
    weight = torch.linspace(0.5, 2, len(target), dtype=torch.float64)
    loss = recipe.build(COUNTS)
    assert torch.autograd.gradcheck(
        lambda z: loss(z, target, weight), logits.clone().requires_grad_()
    )


@pytest.mark.parametrize("recipe", DEFAULTS, ids=name)
def test_order_of_samples_and_of_classes_does_not_matter(recipe, batch):
    logits, target = batch
    samples, classes = torch.randperm(12), torch.randperm(5)
    expected = recipe.build(COUNTS)(logits, target)
    shuffled = recipe.build(COUNTS)(logits[samples], target[samples])
    torch.testing.assert_close(shuffled, expected)
    renamed = recipe.build(np.array(COUNTS)[classes])
    torch.testing.assert_close(renamed(logits[:, classes], classes.argsort()[target]), expected)


@pytest.mark.parametrize("recipe", DEFAULTS, ids=name)
def test_weight_two_is_the_sample_twice(recipe, batch):
    logits, target = batch
    repeats = torch.tensor([2, 1, 0, 3] * 3)
    loss = recipe.build(COUNTS)
    weighted = loss(logits, target, repeats)
    repeated = loss(logits.repeat_interleave(repeats, 0), target.repeat_interleave(repeats))
    torch.testing.assert_close(weighted, repeated, rtol=1e-7, atol=1e-7)


@pytest.mark.parametrize("recipe", DEFAULTS, ids=name)
def test_only_relative_sample_weights_matter(recipe, batch):
    logits, target = batch
    weight = torch.rand(12, dtype=torch.float64) + 0.1
    loss = recipe.build(COUNTS)
    torch.testing.assert_close(
        loss(logits, target, 7 * weight), loss(logits, target, weight), rtol=1e-7, atol=1e-7
    )


@pytest.mark.parametrize("recipe", MEAN_TYPE, ids=name)
def test_loss_is_the_weighted_mean_of_per_sample(recipe, batch):
    logits, target = batch
    loss = recipe.build(COUNTS)
    sample_weight = torch.rand(12, dtype=torch.float64)
    weights = loss.weights(target, sample_weight, torch.float64).numpy()
    per_sample = loss.per_sample(logits, target).numpy()
    expected = np.average(per_sample, weights=weights)
    assert loss(logits, target, sample_weight).item() == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("recipe", MEAN_TYPE, ids=name)
def test_micro_batches_add_up_to_the_batch(recipe, batch):
    logits, target = batch
    loss = recipe.build(COUNTS)
    total = loss.weights(target, dtype=torch.float64).sum()
    parts = [
        loss(z, y) * loss.weights(y, dtype=torch.float64).sum() / total
        for z, y in zip(logits.split([5, 5, 2]), target.split([5, 5, 2]), strict=True)
    ]
    torch.testing.assert_close(sum(parts), loss(logits, target))


@pytest.mark.parametrize("recipe", DEFAULTS + OTHER_SETTINGS, ids=name)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16])
@pytest.mark.parametrize("with_absent_target", [False, True])
def test_absent_classes_keep_loss_and_gradient_finite(recipe, dtype, with_absent_target, batch):
    logits, target = batch
    counts = [50, 0, 7, 3, 0]
    absent = torch.isin(target, torch.tensor([1, 4]))
    assert absent.any() and not absent.all()
    if not with_absent_target:
        logits, target = logits[~absent], target[~absent]
    value, grad = value_and_grad(recipe.build(counts), (logits * 8).to(dtype), target)
    assert torch.isfinite(value) and torch.isfinite(grad).all()
    assert grad.abs().sum() > 0


def test_an_absent_class_is_out_of_the_adjusted_softmax(batch):
    logits, target = batch
    kept = target != 4
    logits, target = logits[kept], target[kept]
    with_absent = LogitAdjusted().build([50, 20, 7, 3, 0])
    without = LogitAdjusted().build([50, 20, 7, 3])
    value, grad = value_and_grad(with_absent, logits, target)
    torch.testing.assert_close(value, without(logits[:, :4], target), rtol=1e-12, atol=0)
    assert grad[:, 4].abs().max() < 1e-30


@pytest.mark.parametrize("recipe", [ClassBalanced(), GeneralizedReweight()], ids=name)
def test_an_absent_class_does_not_shift_the_weights_of_the_others(recipe):
    with_absent = recipe.build([50, 0, 7, 3, 0]).class_weight(torch.float64)
    without = recipe.build([50, 7, 3]).class_weight(torch.float64)
    torch.testing.assert_close(with_absent[[0, 2, 3]], without)
    torch.testing.assert_close(without.mean(), torch.tensor(1.0, dtype=torch.float64))
    assert with_absent[1] == with_absent[4] == with_absent[3]


def test_formulas_of_the_weights_and_margins():
    pi = np.array(COUNTS) / sum(COUNTS)
    inverse = pi**-0.5
    weight = GeneralizedReweight(rho=0.5).build(COUNTS).class_weight(torch.float64)
    np.testing.assert_allclose(weight, inverse / inverse.mean())
    effective = 0.01 / (1 - 0.99 ** np.array(COUNTS))
    weight = ClassBalanced(beta=0.99).build(COUNTS).class_weight(torch.float64)
    np.testing.assert_allclose(weight, effective / effective.mean())
    margins = np.array(COUNTS) ** -0.25
    built = LDAM(max_margin=0.5, scale=3.0).build(COUNTS).margins(torch.float64)
    np.testing.assert_allclose(built, 3 * 0.5 * margins / margins.max())


def test_class_balanced_weights_keep_their_digits_in_float32():
    counts = [500, 200, 80, 40, 20, 8, 3]
    loss = ClassBalanced(beta=0.9999).build(counts)
    torch.testing.assert_close(
        loss.class_weight(torch.float32),
        loss.class_weight(torch.float64).float(),
        rtol=1e-6,
        atol=0,
    )


def test_ldam_takes_the_scale_of_the_head():
    class Head:
        scale = 30.0

    margin = [
        loss.margins(torch.float64).max().item()
        for loss in (
            LDAM().build(COUNTS, Head()),
            LDAM().build(COUNTS, torch.nn.Linear(2, 5)),
            LDAM().build(COUNTS),
            LDAM(scale=4).build(COUNTS, Head()),
        )
    ]
    assert margin == [15.0, 0.5, 0.5, 2.0]


@pytest.mark.parametrize("gamma", [0.01, 0.5, 1.0, 2.0])
def test_focal_is_finite_for_a_certain_sample(gamma):
    logits = torch.tensor([[200.0, 0.0], [0.0, 200.0]])
    value, grad = value_and_grad(Focal(gamma).build([3, 1]), logits, torch.tensor([0, 0]))
    assert value.item() == pytest.approx(100) and torch.isfinite(grad).all()


@pytest.mark.parametrize("recipe", DEFAULTS, ids=name)
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_low_precision_logits_are_computed_in_float32(recipe, dtype, batch):
    logits, target = batch[0].to(dtype), batch[1]
    loss = recipe.build(COUNTS)
    value = loss(logits, target)
    assert value.dtype == torch.float32
    assert value == loss(logits.float(), target)
    assert loss.per_sample(logits, target).dtype == torch.float32


@pytest.mark.parametrize("recipe", DEFAULTS, ids=name)
def test_weights_of_zero_give_a_finite_loss(recipe, batch):
    logits, target = batch
    value, grad = value_and_grad(recipe.build(COUNTS), logits, target, torch.zeros(12))
    assert torch.isfinite(value) and torch.isfinite(grad).all()
    if not isinstance(recipe, LADE):
        assert value == 0 and not grad.any()


@pytest.mark.parametrize("recipe", DEFAULTS, ids=name)
def test_counts_may_be_floats_and_are_not_state(recipe, batch):
    quarter = recipe.build(np.array(COUNTS) / 4)
    assert torch.isfinite(quarter(*batch)) and not quarter.state_dict()
    if not isinstance(recipe, ClassBalanced):  # the only one that sees more than the shares
        torch.testing.assert_close(quarter(*batch), recipe.build(torch.tensor(COUNTS))(*batch))


@pytest.mark.parametrize("recipe", DEFAULTS, ids=name)
def test_recipes_are_estimators_and_modules_pickle(recipe, batch):
    assert clone(recipe).get_params() == recipe.get_params()
    loss = recipe.build(COUNTS)
    assert pickle.loads(pickle.dumps(loss))(*batch) == loss(*batch)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (LogitAdjusted(tau=-1), "tau == -1, must be >= 0"),
        (LogitAdjusted(tau=math.nan), "tau == nan, must be finite"),
        (ClassBalanced(beta=1), "beta == 1, must be < 1"),
        (ClassBalanced(beta=-0.1), "beta == -0.1, must be >= 0"),
        (GeneralizedReweight(rho=-1), "rho == -1, must be >= 0"),
        (Focal(gamma=-1), "gamma == -1, must be >= 0"),
        (LDAM(max_margin=-1), "max_margin == -1, must be >= 0"),
        (LDAM(scale=0), "scale == 0, must be > 0"),
        (LADE(remine_weight=-1), "remine_weight == -1, must be >= 0"),
        (LADE(estimation_weight=-1), "estimation_weight == -1, must be >= 0"),
    ],
    ids=name,
)
def test_parameters_out_of_range(recipe, message):
    with pytest.raises(ValueError, match=message):
        recipe.build(COUNTS)


@pytest.mark.parametrize(
    ("counts", "message"),
    [
        ([[1, 2]], r"shape \(n_classes,\), got \(1, 2\)"),
        ([], r"shape \(n_classes,\), got \(0,\)"),
        ([3, -1], "class 1 has -1.0"),
        ([3, 2, math.nan], "class 2 has nan"),
        ([0, 0], "must not be all zero"),
    ],
)
def test_wrong_class_counts(counts, message):
    with pytest.raises(ValueError, match=message):
        CrossEntropy().build(counts)


def test_wrong_shapes(batch):
    logits, target = batch
    with pytest.raises(ValueError, match=r"shape \(12, 5\), expected \(n_samples, 3\)"):
        CrossEntropy().build([3, 2, 1])(logits, target)
    with pytest.raises(ValueError, match=r"sample_weight has shape \(12, 1\), expected \(12,\)"):
        CrossEntropy().build(COUNTS)(logits, target, torch.ones(12, 1))


def test_resolve_loss_by_name_and_by_recipe():
    for key, recipe in LOSSES.items():
        assert type(resolve_loss(key)) is recipe
    assert resolve_loss(Focal(gamma=3)).gamma == 3
    with pytest.raises(ValueError, match=r"Unknown loss 'focl'.*Did you mean 'focal'"):
        resolve_loss("focl")
    with pytest.raises(TypeError, match=r"pass CrossEntropyLoss\(\)"):
        resolve_loss(torch.nn.CrossEntropyLoss)
    with pytest.raises(TypeError, match="loss must be one of"):
        resolve_loss(None)


def test_a_recipe_of_ones_own_needs_no_registration(batch):
    class Halved(BaseEstimator):
        def build(self, class_counts, head=None):
            loss = CrossEntropy().build(class_counts)
            return lambda *args: loss(*args) / 2

    loss = resolve_loss(Halved()).build(COUNTS)
    assert loss(*batch) == CrossEntropy().build(COUNTS)(*batch) / 2


@pytest.mark.parametrize("function", [F.cross_entropy, torch.nn.CrossEntropyLoss()])
def test_a_plain_callable_is_a_loss(function, batch):
    logits, target = batch
    recipe = resolve_loss(function)
    assert isinstance(recipe, CallableLoss)
    loss = clone(recipe).build(COUNTS)
    assert_same(loss, CrossEntropy().build(COUNTS), logits, target)
    assert loss(logits.bfloat16(), target).dtype == torch.float32
    torch.testing.assert_close(loss.weights(target, torch.full((12,), 2.0)), torch.full((12,), 2.0))
    with pytest.raises(ValueError, match=r"sample_weight was given, but the loss .* no parameter"):
        loss(logits, target, torch.ones(12))
    with pytest.raises(NotImplementedError, match="no per-sample losses"):
        loss.per_sample(logits, target)


def test_a_callable_may_take_sample_weights(batch):
    def weighted(logits, target, sample_weight=None):
        return (sample_weight * F.cross_entropy(logits, target, reduction="none")).sum()

    logits, target = batch
    weight = torch.full((12,), 1 / 12, dtype=torch.float64)
    loss = resolve_loss(weighted).build(COUNTS)
    torch.testing.assert_close(loss(logits, target, weight), F.cross_entropy(logits, target))


def test_a_callable_must_return_a_scalar(batch):
    loss = resolve_loss(torch.nn.CrossEntropyLoss(reduction="none")).build(COUNTS)
    with pytest.raises(ValueError, match=r"must return a scalar, got a tensor of shape \(12,\)"):
        loss(*batch)
    with pytest.raises(TypeError, match="function must be callable, got 3"):
        CallableLoss(3).build(COUNTS)


@pytest.mark.parametrize("recipe", MEAN_TYPE, ids=name)
def test_top_fraction_is_the_mean_of_the_largest_losses(recipe, batch):
    logits, target = batch
    loss = recipe.set_params(top_fraction=0.5).build(COUNTS)
    recipe.set_params(top_fraction=1.0)
    each = loss.per_sample(logits, target)
    kept = each.argsort(descending=True)[: -(-len(each) // 2)]
    weights = loss.weights(target, dtype=each.dtype)[kept]
    expected = (weights * each[kept]).sum() / weights.sum()
    torch.testing.assert_close(loss(logits, target), expected)
    # samples of no weight take nobody's place
    extra = torch.cat([logits, -logits * 50]), torch.cat([target, target])
    weight = torch.cat([torch.ones(len(target)), torch.zeros(len(target))])
    full = recipe.build(COUNTS)
    torch.testing.assert_close(loss(*extra, weight), full(logits, target))


@pytest.mark.parametrize("value", [0, 1.1, -0.5])
def test_top_fraction_out_of_range(value):
    with pytest.raises(ValueError, match="top_fraction"):
        LogitAdjusted(top_fraction=value).build(COUNTS)
