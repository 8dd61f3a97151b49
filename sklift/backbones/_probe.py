"""Trial of a tower: its features of noise, and checks of them."""

from __future__ import annotations

from itertools import chain

import torch
from torch import nn
from torch.func import functional_call
from torch.nn.parameter import is_lazy

from ._spec import Preprocess

_LARGE = 1024  # pixels on a side
_TOLERANCE = 1e-2  # of the largest value: rounding stays below it, dropout exceeds it


def require_shapes(tower: nn.Module) -> None:
    """Raise a ValueError if weights of a tower have no shape yet, as those of lazy modules."""
    for name, parameter in tower.named_parameters():
        if is_lazy(parameter):
            raise ValueError(
                f"backbone {type(tower).__name__}: {name!r} has no shape yet, as in a lazy module "
                "of torch that has seen no input: call the module on a picture before"
            )


@torch.no_grad()
def probe_features(tower: nn.Module, preprocess: Preprocess, name: str) -> torch.Tensor:
    """Return the feature ``(n_features,)`` of a picture of noise: it differs between towers.

    Parameters
    ----------
    tower : nn.Module
        Frozen, in eval mode, on the CPU.
    preprocess : Preprocess
        The pictures that it takes.
    name : str
        What the tower is called in messages.

    Raises
    ------
    ValueError, TypeError
        If the tower does not map pictures ``(n, 3, size, size)`` to features ``(n, n_features)``,
        each picture by itself and always to the same.
    """
    pictures = _noise(2, preprocess.size)
    with torch.autocast("cpu", enabled=False):
        both = _features(tower, pictures, name)
        alone = _features(tower, pictures[:1], name)
    scale = both.abs().max()
    if (both[:1] - alone).abs().max() > _TOLERANCE * scale:
        raise ValueError(
            f"{name} gives other features for the same picture when it comes alone: a feature must "
            "depend on nothing but its picture. Look for dropout that ignores eval(), and for "
            "norms over the batch without running statistics"
        )
    return both[0]


@torch.no_grad()
def feature_width(tower: nn.Module, size: int, name: str) -> int:
    """Return the number of features that a tower in eval mode gives.

    Features of a large picture could take hours and gigabytes, and its size may come from a file of
    somebody else: their number is then found on torch's device "meta", which computes nothing.

    Raises
    ------
    ValueError, TypeError
        If it gives something else than features; ``name`` is that of the tower in the message.
    """
    with torch.autocast("cpu", enabled=False):
        if size > _LARGE:
            return _without_computing(tower, size, name)
        return _features(tower, _noise(1, size), name).shape[1]


def _without_computing(tower: nn.Module, size: int, name: str) -> int:
    held = chain(tower.named_parameters(), tower.named_buffers())
    without_values = {key: tensor.to("meta") for key, tensor in held}
    try:
        features = functional_call(
            tower, without_values, torch.empty(1, 3, size, size, device="meta")
        )
        _, width = features.shape
    except Exception as error:
        raise ValueError(
            f"{name} can't be asked for the number of its features for pictures of {size} pixels: "
            f"{type(error).__name__}: {error}; up to {_LARGE} pixels, it is tried"
        ) from error
    return width


def _noise(n: int, size: int) -> torch.Tensor:
    return torch.randn(n, 3, size, size, generator=torch.Generator().manual_seed(0))


def _features(tower: nn.Module, pictures: torch.Tensor, name: str) -> torch.Tensor:
    """Return the features of pictures, checked."""
    shape = tuple(pictures.shape)
    try:
        features = tower(pictures)
    except Exception as error:
        raise ValueError(
            f"{name} can't take normalised pictures {shape}, float32, on the CPU: "
            f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(features, torch.Tensor):
        raise TypeError(
            f"{name} gives a {type(features).__name__}, not one tensor of features (n, n_features)"
        )
    found = tuple(features.shape)
    if len(found) != 2 or found[0] != shape[0] or not found[1]:
        raise ValueError(
            f"{name} gives {found} for {shape[0]} pictures, not features ({shape[0]}, n_features): "
            "pool or flatten what comes last"
        )
    if features.dtype != torch.float32:
        raise TypeError(f"{name} gives features of {features.dtype}, not torch.float32")
    if not features.isfinite().all():
        raise ValueError(f"{name} gives features that are infinite or NaN")
    return features
