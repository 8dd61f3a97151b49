"""Frozen towers, loaded once per process and shared by every estimator.

A backbone is a name (``"emoji-tiny"``, a model of open_clip, ``"timm/<model>"``, ...), a recipe
with settings (:class:`OpenClip`, :class:`Timm`), or a tower of your own: an ``nn.Module``
(:class:`OwnTower`), or a recipe of yours, a small ``BaseEstimator`` whose ``load()`` returns a
:class:`Backbone`. It needs no registration.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path
from threading import RLock
from typing import Any
from weakref import WeakValueDictionary

from .._compute import _forks  # noqa: F401 -- importing it makes forks safe
from .._compute._isolation import isolated
from .._compute._seeding import drawing_alone
from ._backbone import Backbone, OpenTower, TextTower
from ._emoji import load_emoji_tiny
from ._lite0 import load_lite0
from ._names import named_spec
from ._openclip import load_open_clip
from ._own import OwnTower, as_own_recipe, load_own, own_spec, recipe_key
from ._precomputed import load_precomputed
from ._recipes import BACKBONES, OpenClip, Timm, recipe_by_name
from ._sites import AttentionBlock, Block, ConvBlock, SequenceBlock, Slot, TransformerBlock, Weight
from ._spec import BackboneSpec, Preprocess
from ._stages import Stages, find_stages
from ._timm import load_timm

__all__ = [
    "BACKBONES",
    "AttentionBlock",
    "Backbone",
    "BackboneSpec",
    "Block",
    "ConvBlock",
    "OpenClip",
    "OpenTower",
    "OwnTower",
    "Preprocess",
    "SequenceBlock",
    "Slot",
    "Stages",
    "TextTower",
    "Timm",
    "TransformerBlock",
    "Weight",
    "find_stages",
    "load_backbone",
    "resolve_backbone",
    "resolve_spec",
]

_loaded: dict[tuple, Backbone] = {}
# Users who experiment make many towers: those in use and the last few are kept.
_own_loaded: WeakValueDictionary[tuple, Backbone] = WeakValueDictionary()
_own_latest: deque[Backbone] = deque(maxlen=4)
_lock = RLock()  # reentrant: the load of a recipe may ask for another backbone


def resolve_backbone(backbone: Any) -> Any:
    """Return the recipe that a backbone is or stands for; None for a name without settings.

    Raises
    ------
    TypeError, ValueError
        If it is no backbone.

    Examples
    --------
    >>> from sklift.backbones import resolve_backbone
    >>> resolve_backbone("timm/vit_base_patch16_224")
    Timm(name='vit_base_patch16_224')
    """
    return recipe_by_name(backbone) if isinstance(backbone, str) else as_own_recipe(backbone)


def resolve_spec(backbone: Any, pretrained: str | os.PathLike | None = "auto") -> BackboneSpec:
    """Return the full description of a backbone, with ``"auto"`` replaced by a tag.

    Parameters
    ----------
    backbone : str, recipe or nn.Module
        A name, a recipe that loads a tower, or the tower itself.
    pretrained : str or path, default="auto"
        Tag or checkpoint file of a backbone by name.

    Raises
    ------
    TypeError, ValueError
        If a parameter is of the wrong kind, or a model has no recommended tag.

    Examples
    --------
    >>> from sklift.backbones import OpenClip, resolve_spec
    >>> resolve_spec("ViT-B-16")
    BackboneSpec(name='ViT-B-16', pretrained='openai', params=())
    >>> resolve_spec(OpenClip("ViT-B-16", image_size=336))
    BackboneSpec(name='ViT-B-16', pretrained='openai', params=(('image_size', 336),))
    """
    if isinstance(backbone, str):
        return named_spec(backbone, pretrained)
    recipe = as_own_recipe(backbone)
    is_known = isinstance(recipe, tuple(BACKBONES.values()))
    if not (isinstance(pretrained, str) and pretrained == "auto"):
        where = f"put it there: {type(recipe).__name__}(..., pretrained={pretrained!r})"
        raise ValueError(
            f"pretrained={pretrained!r} is for a backbone that is named, and this one is a recipe: "
            f"leave pretrained at 'auto'{f' and {where}' if is_known else ''}"
        )
    return recipe.spec() if is_known else own_spec(recipe)


@isolated
def load_backbone(backbone: Any, pretrained: str | os.PathLike | None = "auto") -> Backbone:
    """Return the backbone of this name or recipe, loaded once per process.

    Parameters
    ----------
    backbone : str, recipe, nn.Module or BackboneSpec
        ``"emoji-tiny"``, ``"efficientnet-lite0"``, a model name of open_clip, ``"hf-hub:..."``,
        ``"local-dir:..."``, ``"timm/..."``, a recipe such as :class:`OpenClip`, or a tower of your
        own.
    pretrained : str or path, default="auto"
        Tag or checkpoint file of a backbone by name; ``"auto"`` is a recommended tag.

    Raises
    ------
    TypeError, ValueError
        If there is no such backbone, or a setting or tower is not usable; the message says why.
    ConnectionError
        If its weights can't be downloaded.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> backbone = load_backbone("emoji-tiny")
    >>> backbone.n_features, backbone.preprocess.size
    (192, 40)
    >>> load_backbone("emoji-tiny") is backbone
    True
    """
    spec = backbone if isinstance(backbone, BackboneSpec) else resolve_spec(backbone, pretrained)
    with _lock:
        return _find_known(spec) if spec.recipe is None else _find_own(spec)


def _find_known(spec: BackboneSpec) -> Backbone:
    key = (spec, _stamp(spec))
    if key not in _loaded:
        with drawing_alone(0):  # every weight drawn here is overwritten
            _loaded[key] = _load(spec)
    return _loaded[key]


def _find_own(spec: BackboneSpec) -> Backbone:
    key = recipe_key(spec.recipe)
    backbone = _own_loaded.get(key)
    if backbone is None:
        with drawing_alone(0):
            backbone = _own_loaded[key] = load_own(spec)
    if backbone in _own_latest:
        _own_latest.remove(backbone)
    _own_latest.append(backbone)
    return backbone


def _load(spec: BackboneSpec) -> Backbone:
    if spec.name == "emoji-tiny":
        return load_emoji_tiny(spec)
    if spec.name == "efficientnet-lite0":
        return load_lite0(spec)
    if spec.name == "precomputed":
        return load_precomputed(spec)
    if spec.name.startswith("timm/"):
        return load_timm(spec)
    return load_open_clip(spec)


def _stamp(spec: BackboneSpec) -> tuple:
    """Stamp of the checkpoint files: it changes with them, so that a new file is read anew."""
    if spec.name.startswith("local-dir:"):
        files = sorted(Path(spec.name.removeprefix("local-dir:")).glob("*"))
    else:
        files = [Path(spec.pretrained)] if spec.pretrained is not None else []
    return tuple((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file())
