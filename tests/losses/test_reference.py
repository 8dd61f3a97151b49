"""Values and gradients against numbers computed with the authors' code."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from sklift.losses import (
    LADE,
    LDAM,
    BalancedSoftmax,
    ClassBalanced,
    CrossEntropy,
    Focal,
    GeneralizedReweight,
    LogitAdjusted,
)

REFERENCE = Path(__file__).parents[1] / "reference"
INDEX = json.loads((REFERENCE / "index.json").read_text(encoding="utf-8"))["losses"]
TENSORS = load_file(REFERENCE / "losses.safetensors")
RECIPES = {
    "CE": CrossEntropy(),
    "Focal_g2": Focal(gamma=2),
    "Focal_g0.5": Focal(gamma=0.5),
    "LDAM_s25": LDAM(max_margin=0.5, scale=25),
    "LDAM_s30": LDAM(max_margin=0.5, scale=30),
    "CB_b0.9999": ClassBalanced(beta=0.9999),
    "GRW_e1": GeneralizedReweight(rho=1),
    "GRW_e0.5": GeneralizedReweight(rho=0.5),
    "BS": BalancedSoftmax(),
    "LA_t1": LogitAdjusted(tau=1),
    "LA_t2": LogitAdjusted(tau=2),
    "LADE": LADE(),
}


def case(key, dtype):
    name, logits, target = key.split("/")
    logits = TENSORS[logits].to(dtype, copy=True).requires_grad_()
    value = RECIPES[name].build(TENSORS["counts"])(logits, TENSORS[target])
    value.backward()
    return value.item(), logits.grad


@pytest.mark.parametrize("key", sorted(INDEX["f32_minus_f64_abs"]["values"]))
def test_float64(key):
    value, grad = case(key, torch.float64)
    # The authors' LADE rounds two of its constants to float32.
    rtol = 1e-7 if key.startswith("LADE") else 1e-11
    assert value == pytest.approx(INDEX["values"][f"{key}/f64"], rel=rtol)
    torch.testing.assert_close(grad, TENSORS[f"grad/{key}/f64"], rtol=rtol, atol=rtol)


@pytest.mark.parametrize("key", sorted(INDEX["f32_minus_f64_abs"]["values"]))
def test_float32_is_as_close_to_float64(key):
    value, grad = case(key, torch.float32)
    assert value == pytest.approx(INDEX["values"][f"{key}/f64"], rel=1e-6)
    torch.testing.assert_close(grad.double(), TENSORS[f"grad/{key}/f64"], rtol=2e-5, atol=2e-7)


def test_every_reference_loss_is_covered():
    assert {key.split("/")[0] for key in INDEX["values"]} == set(RECIPES)
