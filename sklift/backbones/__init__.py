"""Frozen towers: load once per process, share with every estimator.

``load_backbone("emoji-tiny")``, ``load_backbone("ViT-B-16", "openai")``,
``load_backbone("ViT-B-16", "/path/to/checkpoint.pt")``, ``load_backbone("timm/vit_...", tag)``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from math import isfinite
from numbers import Integral
from pathlib import Path
from threading import Lock

from .._compute import _forks  # noqa: F401 -- whoever computes here is safe to fork
from .._compute._seeding import drawing_alone
from ._backbone import Backbone, BackboneSpec, OpenTower, Preprocess, TextTower
from ._emoji import load_emoji_tiny
from ._openclip import RECOMMENDED, load_open_clip
from ._precomputed import load_precomputed
from ._sites import Block, ConvBlock, SequenceBlock, Slot, TransformerBlock, Weight
from ._stages import Stages, find_stages
from ._timm import load_timm, timm_tag

__all__ = [
    "Backbone",
    "BackboneSpec",
    "Block",
    "ConvBlock",
    "OpenTower",
    "Preprocess",
    "SequenceBlock",
    "Slot",
    "Stages",
    "TextTower",
    "TransformerBlock",
    "Weight",
    "find_stages",
    "load_backbone",
    "resolve_spec",
]

_loaded: dict[tuple, Backbone] = {}
_lock = Lock()
_FILTERS = ("bicubic", "bilinear", "nearest")


def resolve_spec(
    name: str, pretrained: str | os.PathLike | None = "auto", params: Mapping | None = None
) -> BackboneSpec:
    """The full description of a backbone, with ``"auto"`` replaced by a tag.

    Raises
    ------
    TypeError, ValueError
        If a parameter is of the wrong kind, or a model has no recommended tag.

    Examples
    --------
    >>> from sklift.backbones import resolve_spec
    >>> resolve_spec("ViT-B-16")
    BackboneSpec(name='ViT-B-16', pretrained='openai', params=())
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"backbone must be a name, got {name!r}; for instance 'ViT-B-16'")
    if name == "precomputed":
        raise ValueError(
            "backbone='precomputed' stands for features that were computed before: only "
            "LiftClassifier takes it; name the tower that pictures go through"
        )
    frozen = tuple((k, _checked(k, v)) for k, v in sorted((params or {}).items()))
    if name == "emoji-tiny" or name.startswith(("hf-hub:", "local-dir:")):
        if pretrained not in ("auto", None):
            raise ValueError(f"backbone {name!r} brings its weights: leave pretrained at 'auto'")
        return BackboneSpec(name, None, frozen)
    if isinstance(pretrained, os.PathLike):
        pretrained = os.fspath(pretrained)
    if name.startswith("timm/"):
        return BackboneSpec(name, _absolute(timm_tag(name, pretrained)), frozen)
    if pretrained == "auto":
        plain = name.replace("/", "-")  # as the papers write it
        pretrained = RECOMMENDED.get(plain.removesuffix("-quickgelu")) or _only_tag(plain)
    if not isinstance(pretrained, str) or not pretrained:
        raise ValueError(
            f"pretrained={pretrained!r}: give a tag or a checkpoint file. Without trained weights "
            "a frozen tower is of no use."
        )
    return BackboneSpec(name, _absolute(pretrained), frozen)


def _checked(key: str, value):
    """A backbone parameter, hashable."""
    if key in ("mean", "std"):
        try:
            numbers = tuple(float(v) for v in value)
        except (TypeError, ValueError):
            numbers = ()
        good = len(numbers) == 3 and all(map(isfinite, numbers))
        if not good or (key == "std" and min(numbers) <= 0):
            positive = "positive " if key == "std" else ""
            raise ValueError(
                f"backbone_params: {key} must be three {positive}numbers, got {value!r}"
            )
        return numbers
    if key == "image_size":
        if isinstance(value, bool) or not isinstance(value, Integral) or value < 1:
            raise ValueError(f"backbone_params: image_size must be a positive int, got {value!r}")
        return int(value)
    if key == "interpolation" and value not in _FILTERS:
        raise ValueError(f"backbone_params: interpolation must be one of {_FILTERS}, got {value!r}")
    return value


def _absolute(pretrained: str) -> str:
    """A file's full path: a model must find its weights from any folder."""
    return os.path.abspath(pretrained) if Path(pretrained).is_file() else pretrained


def load_backbone(
    name: str | BackboneSpec,
    pretrained: str | os.PathLike | None = "auto",
    params: Mapping | None = None,
) -> Backbone:
    """The backbone of this name, loaded once per process.

    Parameters
    ----------
    name : str
        ``"emoji-tiny"``, a model name of open_clip, ``"hf-hub:..."``, ``"local-dir:..."``, or
        ``"timm/..."``.
    pretrained : str or path, default="auto"
        Tag or checkpoint file; ``"auto"`` is a recommended tag.
    params : dict, optional
        ``mean``, ``std``, ``image_size``, ``interpolation``, ``quick_gelu``, where they differ
        from what the name or tag says.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> backbone = load_backbone("emoji-tiny")
    >>> backbone.n_features, backbone.preprocess.size
    (192, 40)
    >>> load_backbone("emoji-tiny") is backbone
    True
    """
    spec = name if isinstance(name, BackboneSpec) else resolve_spec(name, pretrained, params)
    key = (spec, _stamp(spec))
    with _lock:
        if key not in _loaded:
            with drawing_alone(0):  # every weight drawn here is overwritten
                _loaded[key] = _load(spec)
        return _loaded[key]


def _load(spec: BackboneSpec) -> Backbone:
    if spec.name == "emoji-tiny":
        return load_emoji_tiny(spec)
    if spec.name == "precomputed":
        return load_precomputed(spec)
    if spec.name.startswith("timm/"):
        return load_timm(spec)
    return load_open_clip(spec)


def _stamp(spec: BackboneSpec) -> tuple:
    """Changes when a checkpoint file does, so that a new file is never taken for the old one."""
    if spec.name.startswith("local-dir:"):
        files = sorted(Path(spec.name.removeprefix("local-dir:")).glob("*"))
    else:
        files = [Path(spec.pretrained)] if spec.pretrained is not None else []
    return tuple((f.name, f.stat().st_mtime_ns, f.stat().st_size) for f in files if f.is_file())


def _only_tag(name: str) -> str | None:
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if open_clip.get_model_config(name) is not None and len(tags) != 1:
        raise ValueError(
            f"backbone {name!r} has no recommended weights; choose pretrained from {tags}"
        )
    return tags[0] if tags else "auto"
