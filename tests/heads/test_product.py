"""Logits and gradients without a graph agree with those of autograd."""

from __future__ import annotations

import pytest
import torch

from sklift.heads import Cosine, L2Norm, LayerNorm, Linear, WhitenedCosine
from sklift.heads._product import ProductHead


class ScaledWithBias(ProductHead):
    """A head with all that a product may have."""

    def __init__(self):
        super().__init__(5, 3)
        self.scale = 3.0
        self.bias = torch.nn.Parameter(torch.arange(3.0))


@pytest.mark.parametrize("recipe", [Cosine(), Linear(), L2Norm(), LayerNorm(), WhitenedCosine()])
def test_gradients_of_our_heads(recipe):
    check(recipe.build(n_features=5, n_classes=3))


def test_gradients_with_scale_unit_rows_and_bias():
    check(ScaledWithBias())


def test_a_row_of_zeros_has_the_gradient_of_the_forward_pass():
    head = L2Norm().build(n_features=5, n_classes=3)
    with torch.no_grad():
        head.weight[1] = 0
    check(head)


def check(head):
    head.double()
    generator = torch.Generator().manual_seed(0)
    x, pull = (torch.randn(7, n, dtype=torch.float64, generator=generator) for n in (5, 3))
    with torch.no_grad():
        head.weight.mul_(torch.tensor([[0.5], [1.0], [3.0]]))
        product = head.product(head.prepared(x))
        gradients = product.gradients(pull)
    logits = head(x)
    logits.backward(pull)
    torch.testing.assert_close(product.logits, logits.detach())
    expected = [p.grad for p in head.parameters()]
    torch.testing.assert_close(gradients, expected)
