"""The closed form of a loss agrees with autograd."""

from __future__ import annotations

import pytest
import torch

from sklift.losses import LOSSES, Loss
from sklift.losses._gradient import ClosedGradient, has_closed_gradient

COUNTS = [50, 8, 0, 3]


def batch():
    generator = torch.Generator().manual_seed(0)
    logits = 4 * torch.randn(6, 4, dtype=torch.float64, generator=generator)
    return logits, torch.tensor([0, 1, 2, 3, 0, 1]), torch.rand(6, generator=generator)


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("name", LOSSES)
def test_value_and_gradient(name, weighted):
    loss = LOSSES[name]().build(COUNTS)
    known = name not in ("focal", "ldam", "lade")  # these are no cross-entropy of shifted logits
    assert has_closed_gradient(loss) == known
    if not known:
        return
    logits, target, weight = batch()
    weight = weight if weighted else None
    value, gradient = ClosedGradient(loss, logits.dtype)(logits, target, weight)
    logits.requires_grad_()
    expected = loss(logits, target, weight)
    expected.backward()
    assert value == pytest.approx(expected.item(), rel=1e-9)
    torch.testing.assert_close(gradient, logits.grad, rtol=1e-9, atol=1e-15)


def test_weights_of_zero_give_zeros():
    logits, target, weight = batch()
    closed = ClosedGradient(Loss(COUNTS), logits.dtype)
    value, gradient = closed(logits, target, torch.zeros_like(weight))
    assert value == 0 and not gradient.any()


class Squared(Loss):
    """A loss of the user's."""

    def per_sample(self, logits, target):
        return logits.square().sum(1)


def test_other_losses_have_none():
    assert not has_closed_gradient(Squared(COUNTS))
    assert not has_closed_gradient(LOSSES["cross_entropy"](top_fraction=0.5).build(COUNTS))
    changed = Loss(COUNTS)
    changed.per_sample = lambda logits, target: logits[:, 0]
    assert not has_closed_gradient(changed)
    learned = LOSSES["logit_adjusted"]().build(COUNTS)
    learned.tau = torch.nn.Parameter(torch.tensor(0.5))
    assert not has_closed_gradient(learned)
