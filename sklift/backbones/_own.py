"""Towers of the user: a module, or a recipe that loads one."""

from __future__ import annotations

import copy
import os
from collections.abc import Hashable, Mapping
from typing import Any

import numpy as np
import torch
from sklearn.base import BaseEstimator
from torch import nn

from .._compute._torch import n_changes
from ._backbone import Backbone
from ._probe import require_shapes
from ._spec import BackboneSpec, Preprocess


class OwnTower(BaseEstimator):
    """Recipe of a module of your own as the frozen tower, with the pictures that it expects.

    The module maps normalised pictures ``(n, 3, image_size, image_size)``, float32, to features
    ``(n, n_features)``, each picture by itself. It is used in eval mode and never changed: clones
    of the recipe share it, and the backbone is a copy of its modules that shares their weights (on
    the CPU; elsewhere they are copied). Don't train it any further while it is in use here.

    Parameters
    ----------
    module : nn.Module
        The tower.
    image_size : int
        Side of the pictures in pixels.
    mean, std : sequence of three floats
        Statistics of the pixels' channels, in [0, 1]. A module that normalises its input itself
        takes ``mean=(0, 0, 0), std=(1, 1, 1)``.
    interpolation : {"bicubic", "bilinear", "nearest"}, default="bicubic"
        Filter of the resizing.

    Notes
    -----
    ``save`` can't write a module to a file, so ``load`` has to be given it again. A pickle holds
    all of it, so that each process of a parallel search gets a copy. Of a recipe of your own, a
    ``BaseEstimator`` whose method ``load()`` returns a :class:`Backbone`, only the settings are
    saved and sent.

    Examples
    --------
    >>> from torch import nn
    >>> from sklift import LiftClassifier
    >>> from sklift.backbones import OwnTower
    >>> conv, pool = nn.Conv2d(3, 8, 4, 4), nn.AdaptiveAvgPool2d(1)
    >>> module = nn.Sequential(conv, nn.ReLU(), pool, nn.Flatten())
    >>> tower = OwnTower(module, image_size=32, mean=(0.5, 0.5, 0.5), std=(0.2, 0.2, 0.2))
    >>> clf = LiftClassifier(tower, adapter="feature")
    """

    def __init__(self, module, image_size, mean, std, interpolation="bicubic") -> None:
        self.module = module
        self.image_size = image_size
        self.mean = mean
        self.std = std
        self.interpolation = interpolation

    def load(self) -> Backbone:
        """Return the backbone, which shares the weights of the module."""
        preprocess = Preprocess(self.image_size, self.mean, self.std, self.interpolation)
        return Backbone(self.module, preprocess)

    def __sklearn_clone__(self):
        """Return a clone that shares the module."""
        return type(self)(**self.get_params(deep=False))

    def __deepcopy__(self, memo):
        """Return a copy that shares the module, unless the module is copied along with it.

        scikit-learn deep-copies the candidates of a search.
        """
        return self.__sklearn_clone__().set_params(module=memo.get(id(self.module), self.module))


def as_own_recipe(backbone: Any) -> Any:
    """Return the recipe of a module; an object with a method ``load`` is a recipe already.

    Raises
    ------
    TypeError, ValueError
        If it is neither, or the module does not say what pictures it takes.
    """
    if isinstance(backbone, type):
        name = backbone.__name__
        raise TypeError(f"backbone must be an instance, not a class: pass {name}(...), not {name}")
    if not isinstance(backbone, nn.Module):
        if callable(getattr(backbone, "load", None)):
            return backbone
        raise TypeError(
            "backbone must be a name such as 'ViT-B-16', a recipe with a 'load' method, or an "
            f"nn.Module; got {backbone!r}"
        )
    preprocess = getattr(backbone, "preprocess", None)
    if not isinstance(preprocess, Preprocess):
        raise ValueError(
            f"backbone: {type(backbone).__name__} does not say what pictures it takes. Give "
            "OwnTower(module, image_size=..., mean=..., std=...), or set module.preprocess to a "
            "sklift.backbones.Preprocess"
        )
    return OwnTower(
        backbone, preprocess.size, preprocess.mean, preprocess.std, preprocess.interpolation
    )


def own_spec(recipe: Any) -> BackboneSpec:
    """Return the description of a user's recipe, named by its class or that of its module."""
    named_by = recipe.module if isinstance(recipe, OwnTower) else recipe
    return BackboneSpec(type(named_by).__name__, recipe=recipe)


def load_own(spec: BackboneSpec) -> Backbone:
    """Return the backbone that a user's recipe loads.

    Raises
    ------
    TypeError
        If it loads something else.
    """
    backbone = spec.recipe.load()
    if not isinstance(backbone, Backbone):
        hint = "; put it in one: Backbone(module, Preprocess(size, mean, std))"
        raise TypeError(
            f"backbone {spec}: load() must return a sklift.backbones.Backbone, got a "
            f"{type(backbone).__name__}{hint if isinstance(backbone, nn.Module) else ''}"
        )
    backbone = copy.copy(backbone)  # it may be one that others share
    backbone.spec = spec
    return backbone


def recipe_key(recipe: Any) -> tuple:
    """Key of a recipe, equal for recipes that load the same: class, settings, stamps of files."""
    if not hasattr(recipe, "get_params"):
        return (recipe,)
    settings = recipe.get_params(deep=False)
    return type(recipe), *((name, _hashable(settings[name])) for name in sorted(settings))


def _hashable(value: Any) -> Hashable:
    """Turn a setting into a value to compare; an object that is no data equals itself only."""
    if isinstance(value, nn.Module):  # a module that was trained further is another tower
        require_shapes(value)
        tensors = (*value.parameters(), *value.buffers())
        return value, tuple((t.data_ptr(), n_changes(t)) for t in tensors)
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, Mapping):
        return type(value), tuple((_hashable(k), _hashable(v)) for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return type(value), tuple(map(_hashable, value))
    if hasattr(value, "get_params") and not isinstance(value, type):
        return recipe_key(value)
    if isinstance(value, (str, os.PathLike)) and os.path.isfile(value):
        found = os.stat(value)
        return str(value), found.st_mtime_ns, found.st_size
    plain = isinstance(value, (bool, int, float)) or not isinstance(value, Hashable)
    return (type(value), repr(value)) if plain else value
