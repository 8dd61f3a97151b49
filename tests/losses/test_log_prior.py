"""The log prior is kept, and stays that of the counts."""

from __future__ import annotations

import copy
import pickle

import pytest
import torch

from sklift.losses import Loss, resolve_loss

COUNTS = [50.0, 7.0, 3.0]
DTYPES = [torch.float64, torch.float32, torch.float16]


def expected(dtype, counts=COUNTS):
    counts = torch.tensor(counts, dtype=dtype)
    return (counts / counts.sum()).log()


def test_it_is_computed_once(monkeypatch):
    loss = Loss(COUNTS)
    before = loss.log_prior(torch.float32)
    monkeypatch.setattr(Loss, "prior", None)
    assert loss.log_prior(torch.float32) is before


@pytest.mark.parametrize("turned", [False, True])
def test_each_precision_has_its_own(turned):
    loss = Loss(COUNTS)
    for dtype in (DTYPES[::-1] if turned else DTYPES) * 2:
        found = loss.log_prior(dtype)
        assert found.dtype == dtype
        torch.testing.assert_close(found, expected(dtype), rtol=0, atol=0)


def test_it_follows_to_a_device_and_back():
    loss = Loss(COUNTS)
    loss.log_prior(torch.float32)
    assert copy.deepcopy(loss).to("meta").log_prior(torch.float32).device.type == "meta"
    assert loss.to(torch.float64).log_prior(torch.float32).dtype == torch.float32
    torch.testing.assert_close(loss.log_prior(torch.float64), expected(torch.float64))
    logits = torch.zeros(2, 3, device="meta")
    moved = resolve_loss("logit_adjusted").build(COUNTS)
    moved(torch.zeros(2, 3), torch.tensor([0, 1]))
    target = torch.zeros(2, dtype=torch.int64, device="meta")
    assert moved.to("meta")(logits, target).device.type == "meta"


def test_it_follows_other_counts():
    loss = Loss(COUNTS)
    loss.log_prior(torch.float32)
    loss.class_counts = torch.tensor([1.0, 1.0, 2.0])
    torch.testing.assert_close(
        loss.log_prior(torch.float32), expected(torch.float32, [1.0, 1.0, 2.0])
    )


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda loss: pickle.loads(pickle.dumps(loss))])
def test_copies(copied):
    loss = Loss(COUNTS)
    loss.log_prior(torch.float32)
    twin = copied(loss)
    torch.testing.assert_close(twin.log_prior(torch.float32), expected(torch.float32))
    twin.class_counts = torch.ones(3)
    torch.testing.assert_close(twin.log_prior(torch.float32), torch.full((3,), 1 / 3).log())
    torch.testing.assert_close(loss.log_prior(torch.float32), expected(torch.float32))
    assert not twin.state_dict()


@pytest.mark.parametrize("made_inside", [False, True])
def test_a_gradient_after_the_first_use_without_one(made_inside):
    loss = None if made_inside else Loss(COUNTS)
    with torch.inference_mode():
        loss = loss or Loss(COUNTS)
        loss.log_prior(torch.float32)
    weight = torch.ones(3, requires_grad=True)
    (weight * loss.log_prior(torch.float32)).sum().backward()  # which keeps it for the gradient
    torch.testing.assert_close(weight.grad, expected(torch.float32))
