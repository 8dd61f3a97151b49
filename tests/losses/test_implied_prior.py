"""The class mix that a trained model assumes, against models trained to the optimum."""

from __future__ import annotations

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
    Loss,
    LossRecipe,
    implied_prior,
)

COUNTS = [500, 100, 20, 5]
PI = np.array(COUNTS) / sum(COUNTS)
EXACT = [
    CrossEntropy(),
    *(LogitAdjusted(tau=tau) for tau in (0.0, 0.5, 1.0, 1.7)),
    BalancedSoftmax(),
    ClassBalanced(beta=0.99),
    ClassBalanced(),
    GeneralizedReweight(rho=0.5),
    GeneralizedReweight(),
    LADE(estimation_weight=0),
    Focal(gamma=0),
    LDAM(max_margin=0),
]
EVERY = [recipe() for recipe in LOSSES.values()]


def train(loss, likelihood):
    """The logits (n_x, n_classes) of least loss, x having the distribution p(x|k) in class k."""
    n_x, n_classes = likelihood.shape
    target = torch.arange(n_classes).repeat(n_x)
    weight = (likelihood * torch.tensor(COUNTS)).flatten()
    logits = torch.zeros_like(likelihood).requires_grad_()
    optimizer = torch.optim.LBFGS(
        [logits],
        max_iter=1000,
        tolerance_grad=1e-12,
        tolerance_change=1e-15,
        line_search_fn="strong_wolfe",
    )

    def closure():
        optimizer.zero_grad()
        value = loss(logits.repeat_interleave(n_classes, 0), target, weight)
        value.backward()
        return value

    optimizer.step(closure)
    return logits.detach()


@pytest.fixture(scope="module")
def likelihood():
    rng = np.random.default_rng(0)
    return torch.from_numpy(rng.dirichlet(np.ones(6), size=4).T.copy())


def error(recipe, likelihood):
    """Largest gap between the trained softmax and p(x|k) q_k, normalised over k."""
    found = train(recipe.build(COUNTS), likelihood).softmax(1)
    expected = likelihood * torch.from_numpy(recipe.implied_prior(COUNTS))
    return (found - expected / expected.sum(1, keepdim=True)).abs().max().item()


@pytest.mark.parametrize("recipe", EXACT, ids=repr)
def test_a_trained_model_assumes_the_implied_prior(recipe, likelihood):
    assert error(recipe, likelihood) < 1e-5


@pytest.mark.parametrize(
    "recipe", [LADE(), Focal(), LDAM(), LogitAdjusted(top_fraction=0.9)], ids=repr
)
def test_what_is_called_approximate_is_not_exact(recipe, likelihood):
    assert error(recipe, likelihood) > 1e-3


def test_the_small_term_of_lade_moves_it_little(likelihood):
    assert error(LADE(), likelihood) < 0.03


@pytest.mark.parametrize(
    ("recipe", "expected"),
    [
        (CrossEntropy(), PI),
        (Focal(), PI),
        (LDAM(), PI),
        (CallableLoss(F.cross_entropy), PI),
        (LogitAdjusted(tau=2), 1 / PI),
        (LogitAdjusted(tau=0.5), PI**0.5),
        (GeneralizedReweight(rho=0.3), PI**0.7),
        (BalancedSoftmax(), np.ones(4)),
        (LADE(), np.ones(4)),
    ],
    ids=lambda value: type(value).__name__,  # a function's repr has its address
)
def test_formulas(recipe, expected):
    expected = expected / expected.sum()
    np.testing.assert_allclose(recipe.implied_prior(COUNTS), expected, rtol=1e-12)
    np.testing.assert_allclose(implied_prior(recipe, COUNTS), expected, rtol=1e-12)
    module = recipe.build(COUNTS).implied_prior()
    assert module.dtype == torch.float32
    np.testing.assert_allclose(module, expected, rtol=1e-6)


@pytest.mark.parametrize("recipe", EVERY, ids=repr)
def test_an_absent_class_takes_the_value_of_the_rarest_present_one(recipe):
    with_absent = recipe.implied_prior([50, 0, 7, 3, 0])
    np.testing.assert_allclose(with_absent.sum(), 1)
    assert with_absent[1] == with_absent[4] == with_absent[3] > 0
    present, without = with_absent[[0, 2, 3]], recipe.implied_prior([50, 7, 3])
    np.testing.assert_allclose(present / present.sum(), without)


@pytest.mark.parametrize("recipe", [LogitAdjusted(tau=500), GeneralizedReweight(rho=500)], ids=repr)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_logs_stay_finite(recipe, dtype):
    assert recipe.build(COUNTS).implied_prior(dtype).log().isfinite().all()


class Own(BaseEstimator):
    def build(self, class_counts, head=None):
        return CrossEntropy().build(class_counts)


class Telling(Own):
    def __init__(self, prior=(1, 1, 1, 5)):
        self.prior = prior

    def implied_prior(self, class_counts):
        return self.prior


class Inheriting(LossRecipe):
    def build(self, class_counts, head=None):
        loss = Loss(class_counts)
        loss.class_weight = lambda dtype: torch.tensor([1, 2, 3, 4], dtype=dtype)
        return loss


def test_recipes_of_ones_own():
    np.testing.assert_allclose(implied_prior(Own(), COUNTS), PI)
    np.testing.assert_allclose(implied_prior(Own(), [3, 0, 1]), [0.6, 0.2, 0.2])
    np.testing.assert_allclose(implied_prior(Telling(), COUNTS), np.array([1, 1, 1, 5]) / 8)
    weighted = PI * [1, 2, 3, 4]
    np.testing.assert_allclose(implied_prior(clone(Inheriting()), COUNTS), weighted / sum(weighted))


@pytest.mark.parametrize("prior", [[1, 1, 1], [1, 1, 1, 0], [1, 1, 1, np.nan]])
def test_a_wrong_prior_of_ones_own_is_named(prior):
    message = "Telling.implied_prior must return 4 positive, finite numbers, one per class; got"
    with pytest.raises(ValueError, match=message):
        implied_prior(Telling(prior), COUNTS)
