"""Descriptions of a backbone: where its weights come from, and what pictures it takes."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import isfinite
from numbers import Integral
from typing import Any

import torch

_LARGEST = 4096  # pixels on a side of a view
_FILTERS = ("bicubic", "bilinear", "nearest")


@dataclass(frozen=True)
class Preprocess:
    """Form of the pictures that a tower takes: side, statistics of channels, resize filter.

    Attributes
    ----------
    size : int
        Side of the square pictures.
    mean, std : tuple of three floats
        Statistics of red, green and blue, where a pixel is in [0, 1].
    interpolation : {"bicubic", "bilinear", "nearest"}
        The filter of the resizing.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> look = load_backbone("emoji-tiny").preprocess
    >>> look.size, look.interpolation
    (40, 'bicubic')
    """

    size: int
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    interpolation: str = "bicubic"

    def normalize(self, pixels: torch.Tensor) -> torch.Tensor:
        """Turn uint8 pixels ``(n, 3, s, s)`` into the float32 values that the tower expects."""
        mean, std = (
            torch.tensor(v, device=pixels.device).view(3, 1, 1) for v in (self.mean, self.std)
        )
        return (pixels / 255 - mean) / std

    def checked(self) -> Preprocess:
        """Return a copy in plain numbers, checked.

        Raises
        ------
        ValueError
            If a value is not usable.
        """
        return Preprocess(
            check_setting("image_size", self.size),
            check_setting("mean", self.mean),
            check_setting("std", self.std),
            check_setting("interpolation", self.interpolation),
        )


@dataclass(frozen=True)
class BackboneSpec:
    """Description by which a backbone can be loaded again: hashable and picklable.

    Attributes
    ----------
    name : str
        Name of the model, or of the class of a recipe or module of your own.
    pretrained : str or None
        Tag or checkpoint file; None where the name brings the weights.
    params : tuple of (str, value)
        Settings that differ from those of name and tag.
    recipe : object or None
        A recipe of your own, which loads the tower; None for those that are known by name.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> load_backbone("emoji-tiny").spec
    BackboneSpec(name='emoji-tiny', pretrained=None, params=())
    """

    name: str
    pretrained: str | None = None
    params: tuple[tuple[str, Any], ...] = ()
    recipe: Any = field(default=None, repr=False)

    def __str__(self) -> str:
        return self.name if self.pretrained is None else f"{self.name} ({self.pretrained})"


def params_of(spec: BackboneSpec, known: set[str]) -> dict[str, Any]:
    """Return the settings of a description, by name.

    Raises
    ------
    ValueError
        If its loader doesn't know one of them.
    """
    params = dict(spec.params)
    if unknown := set(params) - known:
        raise ValueError(
            f"backbone {spec.name!r} has no settings {sorted(unknown)}; choose from {sorted(known)}"
        )
    return params


def check_setting(key: str, value):
    """Return a setting of a backbone, checked and hashable.

    Raises
    ------
    ValueError
        If it is not usable.
    """
    if key in ("mean", "std"):
        try:
            numbers = tuple(float(v) for v in value)
        except (TypeError, ValueError):
            numbers = ()
        good = len(numbers) == 3 and all(map(isfinite, numbers))
        if not good or (key == "std" and min(numbers) <= 0):
            positive = "positive " if key == "std" else ""
            raise ValueError(f"backbone: {key} must be three {positive}numbers, got {value!r}")
        return numbers
    if key == "image_size":
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"backbone: image_size must be a positive int, got {value!r}")
        if int(value) > _LARGEST:  # a tower for it would be made before anything else is checked
            raise ValueError(f"backbone: image_size must be at most {_LARGEST}, got {value!r}")
        return int(value)
    if key == "interpolation" and value not in _FILTERS:
        raise ValueError(f"backbone: interpolation must be one of {_FILTERS}, got {value!r}")
    if key == "quick_gelu" and not isinstance(value, bool):
        raise ValueError(f"backbone: quick_gelu must be True or False, got {value!r}")
    return value
