"""Gradients of the first step: a trained weight without one would never learn."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from .._core._warn import warn

_CUT = (
    "forward computes with them where no gradients are recorded: under torch.no_grad() or "
    "torch.inference_mode(), or before detach(). Take that out of it (frozen weights need none of "
    "this), choose other blocks by the adapter's layers, or set adapter='feature' or None, which "
    "train nothing inside of the tower"
)
_N_VIEWS = 2  # with which weights without a gradient are looked at again


@contextmanager
def first_gradients(net, views: torch.Tensor) -> Iterator[None]:
    """Context of a training step; the first of a net must give all trained weights a gradient.

    A gradient of zero is one. Weights that the views of this step have no use for are reported in a
    warning, since others may use them.

    Parameters
    ----------
    net : LiftNet
        The net, whose gradients are those of the step at the end of the context.
    views : tensor
        The input of the model.

    Raises
    ------
    ValueError
        If the model uses trained weights in a way that they can't learn from, or no trained weight
        before the head.
    """
    if net.has_gradients:
        yield
        return
    try:
        yield
    except RuntimeError as error:
        if "inference tensors" not in str(error).lower():
            raise
        raise ValueError(f"some trained weights can get no gradient: {_CUT}") from error
    lost = _lost(net.module_)
    if lost:
        lost = _without_gradient(net, lost, views[:_N_VIEWS])
    if lost:
        _report(net, lost, views[:_N_VIEWS])
    net.has_gradients = True


def _lost(model: nn.Module) -> dict[str, nn.Parameter]:
    named = model.named_parameters()
    return {n: p for n, p in named if p.requires_grad and p.grad is None}


def _without_gradient(net, weights: dict[str, nn.Parameter], views) -> dict[str, nn.Parameter]:
    """Those of the weights that get no gradient in eval mode either: nothing is left to chance."""
    net.module_.eval()
    with net.autocast():
        logits = net.module_(views.to(net.device))
    # without a graph there is no gradient
    found = [None] * len(weights)
    if logits.requires_grad:
        found = torch.autograd.grad(logits.sum(), list(weights.values()), allow_unused=True)
    pairs = zip(weights.items(), found, strict=True)
    return {name: weight for (name, weight), gradient in pairs if gradient is None}


def _report(net, lost: dict[str, nn.Parameter], views: torch.Tensor) -> None:
    """Raise, or warn if the weights are some that the model does not use for these views."""
    trained = [n for n, p in net.module_.named_parameters() if p.requires_grad]
    inside = {n for n in trained if not n.startswith("head.")}
    parts = list(dict.fromkeys(map(_part, lost)))
    names = ", ".join(parts[:3]) + (", ..." if len(parts) > 3 else "")
    what = (
        f"backbone {net.module_.backbone.spec}: {len(lost)} of {len(trained)} trained tensors get "
        f"no gradient, in {names}"
    )
    if _are_used(net, list(lost.values()), views):
        raise ValueError(f"{what}: {_CUT}")
    if inside <= lost.keys():
        raise ValueError(
            f"{what}: forward does not use them, or only for a choice such as argmax, so that the "
            "adapter would have no effect; choose other blocks by its layers, or set adapter=None"
        )
    warn(
        f"{what}: the pictures of the first step do not use them. If no others do, they stay as "
        "they are; the adapter's layers can leave out their blocks"
    )


def _part(name: str) -> str:
    """Name of the module that a weight belongs to, or re-parametrises."""
    module, _, is_inside = name.partition(".parametrizations.")
    return module if is_inside else name.rpartition(".")[0]


@torch.no_grad()
def _are_used(net, weights: list[nn.Parameter], views: torch.Tensor) -> bool:
    """Return whether the model computes with any of the weights: NaN in them reaches its output."""
    values = [weight.clone() for weight in weights]
    for weight in weights:
        weight.fill_(torch.nan)
    try:
        with net.autocast():
            return not net.module_(views.to(net.device)).isfinite().all()
    except Exception:  # NaN is no index of a place, nor a size
        return True
    finally:
        for weight, value in zip(weights, values, strict=True):
            weight.copy_(value)
