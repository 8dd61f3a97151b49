"""Losses of several candidates on the logits of one batch, as one tensor program."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from ..losses import Loss

# What the base of all losses keeps for itself: the counts are compared as a tensor.
_OF_THE_BASE = frozenset(vars(Loss([1.0])))
_PLAIN = (bool, int, str, bytes, type(None))


class LossGroup:
    """Losses that differ in numbers alone, computed together.

    Parameters
    ----------
    losses : list of Loss
        Of the same structure, see :func:`alike`.
    """

    def __init__(self, losses: Sequence[Loss]):
        self.losses = list(losses)
        self._places = [
            (path, name)
            for path, module in losses[0].named_modules()
            for name, value in vars(module).items()
            if isinstance(value, float)
        ]
        self._modules = dict(losses[0].named_modules())
        self._numbers = [
            torch.tensor([getattr(dict(loss.named_modules())[path], name) for loss in losses])
            for path, name in self._places
        ]
        self._varying = [i for i, n in enumerate(self._numbers) if (n != n[0]).any()]

    def __len__(self) -> int:
        return len(self.losses)

    def __call__(self, logits: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """Return the loss of each, ``(B, n, n_classes), (B,), (B,) -> (n,)``."""
        if not self._varying:
            compute = vmap(lambda z: self.losses[0](z, target, weight), in_dims=1)
            return compute(logits)
        numbers = [self._numbers[i].to(logits) for i in self._varying]
        return vmap(self._one, in_dims=(1, None, None, 0))(logits, target, weight, numbers)

    def _one(self, logits, target, weight, numbers) -> Tensor:
        places = [self._places[i] for i in self._varying]
        before = [getattr(self._modules[path], name) for path, name in places]
        try:
            for (path, name), number in zip(places, numbers, strict=True):
                setattr(self._modules[path], name, number)
            return self.losses[0](logits, target, weight)
        finally:
            for (path, name), number in zip(places, before, strict=True):
                setattr(self._modules[path], name, number)


class SingleLoss:
    """A loss that is computed by itself."""

    def __init__(self, loss: Loss):
        self.losses = [loss]

    def __len__(self) -> int:
        return 1

    def __call__(self, logits: Tensor, target: Tensor, weight: Tensor | None) -> Tensor:
        """Return the loss, ``(B, 1, n_classes), (B,), (B,) -> (1,)``."""
        return self.losses[0](logits[:, 0], target, weight)[None]


def grouped(losses: Sequence[Loss], logits: Tensor, target: Tensor, weight: Tensor | None):
    """Return the groups of losses, and the places of their members in ``losses``.

    Losses are computed together only if that gives what each of them gives by itself, with its
    gradient, on a batch: ``logits`` of shape (B, n_classes).
    """
    sets: list[list[int]] = []
    for i, loss in enumerate(losses):
        known = next((members for members in sets if alike(losses[members[0]], loss)), None)
        if known is None:
            sets.append([i])
        else:
            known.append(i)
    groups: list[LossGroup | SingleLoss] = []
    places: list[list[int]] = []
    for members in sets:
        together = LossGroup([losses[i] for i in members]) if len(members) > 1 else None
        if together is not None and _is_exact(together, logits, target, weight):
            groups.append(together)
            places.append(members)
        else:
            groups += [SingleLoss(losses[i]) for i in members]
            places += [[i] for i in members]
    return groups, places


def alike(first: nn.Module, second: nn.Module) -> bool:
    """Return whether two modules differ in floating-point attributes alone."""
    ours, theirs = (list(module.named_modules()) for module in (first, second))
    if [(path, type(m)) for path, m in ours] != [(path, type(m)) for path, m in theirs]:
        return False
    tensors = (dict(module.named_buffers()) for module in (first, second))
    if not _equal(*tensors):
        return False
    return all(
        _equal(_attributes(a), _attributes(b)) for (_, a), (_, b) in zip(ours, theirs, strict=True)
    )


def _attributes(module: nn.Module) -> dict[str, Any]:
    return {
        name: float if isinstance(value, float) else value
        for name, value in vars(module).items()
        if name not in _OF_THE_BASE
    }


def _equal(first: dict, second: dict) -> bool:
    if first.keys() != second.keys():
        return False
    for name, value in first.items():
        other = second[name]
        if isinstance(value, Tensor) and isinstance(other, Tensor):
            if value.shape != other.shape or not torch.equal(value, other):
                return False
        elif isinstance(value, _PLAIN):
            if type(value) is not type(other) or value != other:
                return False
        elif value is not other:
            return False
    return True


def _is_exact(group: LossGroup, logits: Tensor, target: Tensor, weight: Tensor | None) -> bool:
    """Return whether a group gives the losses and gradients that its members give."""
    many = logits.detach()[:, None].repeat(1, len(group), 1).requires_grad_()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            together = group(many, target, weight)
            together.sum().backward()
    except Exception:  # what a loss does may not be possible for many at once
        return False
    for i, loss in enumerate(group.losses):
        one = logits.detach().clone().requires_grad_()
        alone = loss(one, target, weight)
        alone.backward()
        for ours, theirs in ((together[i], alone), (many.grad[:, i], one.grad)):
            if not torch.allclose(ours, theirs, rtol=1e-4, atol=1e-7, equal_nan=True):
                return False
    return True
