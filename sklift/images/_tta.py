"""Test-time ensembling: several views of a picture, whose logits are averaged."""

from __future__ import annotations

from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

from .._core._recipes import resolve
from ._augmentations import ResizedCrop

if TYPE_CHECKING:
    import torch


class FiveCrop(BaseEstimator):
    """Five crops: the corners of a picture row by row, and its centre.

    Parameters
    ----------
    expand : int, default=24
        Pixels by which the shorter side of the resized picture exceeds that of a view. 24 is for
        views of 224 pixels; a tenth of the side is a start for others.

    References
    ----------
    Krizhevsky, Sutskever, Hinton, "ImageNet Classification with Deep Convolutional Neural
    Networks", 2012; as used in Shi, Wei, Zhou, Shao, Han, Li, "Long-Tail Learning with Foundation
    Model", 2024, arXiv 2309.10019.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> LiftClassifier(tta="fivecrop").set_params(tta__expand=4).tta
    FiveCrop(expand=4)
    """

    def __init__(self, expand=24) -> None:
        self.expand = expand

    def check(self) -> None:
        """Raise an error for settings that are not usable.

        Raises
        ------
        ValueError, TypeError
            Naming the setting.
        """
        _check_int(self.expand, "expand", 0)

    def cut(
        self, image: np.ndarray, size: int, interpolation: str, rng: np.random.Generator
    ) -> torch.Tensor:
        """Cut the views of a picture.

        Parameters
        ----------
        image : ndarray of shape (h, w, 3), uint8
            The picture; not to be changed. From a large file it is reduced, to a shorter side of at
            least four views.
        size : int
            Side of a view.
        interpolation : {"bicubic", "bilinear", "nearest"}
            How the backbone wants pixels to be interpolated.
        rng : numpy.random.Generator
            Source of all draws, if any; its seed depends on the index of the picture.

        Returns
        -------
        views : tensor of shape (n_views, 3, size, size), uint8
            The same number of views for every picture.
        """
        from ._views import corner_views  # here: it brings torch

        return corner_views(image, size, self.expand, interpolation)


class TenCrop(FiveCrop):
    """Ten crops: those of :class:`FiveCrop`, then those of the mirrored picture.

    Parameters
    ----------
    expand : int, default=24
        As in :class:`FiveCrop`.

    Examples
    --------
    >>> from sklift import ImageEmbedder
    >>> ImageEmbedder(tta="tencrop").set_params(tta__expand=4).tta
    TenCrop(expand=4)
    """

    def cut(
        self, image: np.ndarray, size: int, interpolation: str, rng: np.random.Generator
    ) -> torch.Tensor:
        """Cut the views of a picture; see :meth:`FiveCrop.cut`."""
        from ._views import corner_views  # here: it brings torch

        return corner_views(image, size, self.expand, interpolation, mirrored=True)


class RandomCrops(BaseEstimator):
    """Random crops, drawn and mirrored as by :class:`ResizedCrop`.

    Parameters
    ----------
    n : int, default=5
        Number of crops; ``tta=3`` is ``RandomCrops(3)``.

    Examples
    --------
    >>> from sklift.images import resolve_tta
    >>> resolve_tta(3)
    RandomCrops(n=3)
    """

    def __init__(self, n=5) -> None:
        self.n = n

    def check(self) -> None:
        """Raise an error for settings that are not usable.

        Raises
        ------
        ValueError, TypeError
            Naming the setting.
        """
        _check_int(self.n, "n", 1)

    def cut(
        self, image: np.ndarray, size: int, interpolation: str, rng: np.random.Generator
    ) -> torch.Tensor:
        """Cut the views of a picture; see :meth:`FiveCrop.cut`."""
        from torch import stack  # here: names are looked up without torch

        draw = ResizedCrop().view
        return stack([draw(image, size, interpolation, 1.0, rng) for _ in range(self.n)])


TTA = {"fivecrop": FiveCrop, "tencrop": TenCrop, "random": RandomCrops}


def resolve_tta(value):
    """Return the recipe of test-time ensembling that ``value`` names or is.

    Parameters
    ----------
    value : str, int, recipe or None
        A key of ``TTA``; a number of random crops; an object with a method ``cut(image, size,
        interpolation, rng)``, see :class:`FiveCrop`; or None, the one test view. If a recipe has a
        method ``check``, it is called, to raise an error for settings that are not usable.

    Returns
    -------
    recipe : object or None

    Raises
    ------
    ValueError
        If ``value`` is an unknown name, or a setting is out of range.
    TypeError
        If ``value`` is a class, or has no method ``cut``.

    Examples
    --------
    >>> from sklift.images import resolve_tta
    >>> resolve_tta("fivecrop")
    FiveCrop()
    """
    if value is None:
        return None
    if isinstance(value, Integral) and not isinstance(value, bool):
        if value < 1:
            raise ValueError(f"tta as a number of random crops must be at least 1, got {value}")
        value = RandomCrops(int(value))
    recipe = resolve(value, TTA, "tta", method="cut")
    if hasattr(recipe, "check"):
        recipe.check()
    return recipe


def _check_int(value, name: str, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an int, got {value!r}")
    if value < least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
