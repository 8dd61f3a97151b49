"""Recipes of augmentations: the views of pictures that training sees.

No module here imports torch at its top: the names are looked up where nothing is trained.
"""

from __future__ import annotations

from ..._core._recipes import resolve
from ._callable_view import CallableView
from ._cutmix import CutMix
from ._minimalist_crop import MinimalistCrop
from ._mixup import MixUp
from ._resized_crop import ResizedCrop
from ._stored_views import StoredViews

__all__ = [
    "AUGMENTATIONS",
    "CallableView",
    "CutMix",
    "MinimalistCrop",
    "MixUp",
    "ResizedCrop",
    "StoredViews",
    "mixing_of",
    "resolve_augmentation",
    "views_of",
]

AUGMENTATIONS = {
    "minimal": MinimalistCrop,
    "lift": ResizedCrop,
    "fixed": StoredViews,
    "mixup": MixUp,
    "cutmix": CutMix,
}

_METHODS = ("view", "mix", "stored")  # any of them makes an object a recipe


def resolve_augmentation(value):
    """Return the recipe of an augmentation that ``value`` names or is.

    Parameters
    ----------
    value : str, recipe, callable or None
        A key of ``AUGMENTATIONS``; an object with a method ``view(image, size, interpolation,
        progress, rng)`` (see :class:`MinimalistCrop`) or ``mix(first, second, rng)`` (see
        :class:`MixUp`); a function of a uint8 tensor ``(3, h, w)`` that gives a view; or None, the
        test view. If a recipe has a method ``check``, it is called, to raise an error for settings
        that are not usable.

    Returns
    -------
    recipe : object or None

    Raises
    ------
    ValueError
        If ``value`` is an unknown name, or a setting is out of range.
    TypeError
        If ``value`` is a class, or nothing that could be called.

    Examples
    --------
    >>> from sklift.images import resolve_augmentation
    >>> resolve_augmentation("lift")
    ResizedCrop()
    """
    if value is None or isinstance(value, CallableView):  # a function is not to be copied
        return value
    methods = [name for name in _METHODS if callable(getattr(value, name, None))]
    if callable(value) and not methods and not isinstance(value, type):
        return CallableView(value)
    method = methods[0] if methods else "view"
    recipe = resolve(value, AUGMENTATIONS, "augmentation", method=method)
    if hasattr(recipe, "check"):
        recipe.check()
    return recipe


def mixing_of(value):
    """Return the recipe in ``value`` that mixes the pictures of a batch, or None."""
    recipe = resolve_augmentation(value)
    return recipe if hasattr(recipe, "mix") else None


def views_of(value):
    """Return the recipe in ``value`` that gives single views; None for the test view."""
    recipe = resolve_augmentation(value)
    if not hasattr(recipe, "mix"):
        return recipe
    return resolve_augmentation(getattr(recipe, "views", "minimal"))
