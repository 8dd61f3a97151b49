"""Backbones by name, and the weights that a name and a tag stand for."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ._openclip import RECOMMENDED
from ._spec import BackboneSpec, check_setting
from ._timm import timm_tag

_BRINGS_WEIGHTS = ("hf-hub:", "local-dir:")
_IN_PACKAGES = ("emoji-tiny", "efficientnet-lite0")


def named_spec(
    name: str,
    pretrained: str | os.PathLike | None = "auto",
    params: Mapping[str, Any] | None = None,
) -> BackboneSpec:
    """Return the description of a backbone by name, with ``"auto"`` replaced by a tag.

    Raises
    ------
    TypeError, ValueError
        If a value is not usable, or a model has no recommended tag.
    """
    if not isinstance(name, str) or not name:
        raise TypeError(f"backbone must be a name, got {name!r}; for instance 'ViT-B-16'")
    if name == "precomputed":
        raise ValueError(
            "backbone='precomputed' stands for features that were computed before: only "
            "LiftClassifier takes it; name the tower that pictures go through"
        )
    frozen = tuple((k, check_setting(k, v)) for k, v in sorted((params or {}).items()))
    if name in _IN_PACKAGES or name.startswith(_BRINGS_WEIGHTS):
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


def _absolute(pretrained: str) -> str:
    """Return a file's full path: a model must find its weights from any folder."""
    return os.path.abspath(pretrained) if Path(pretrained).is_file() else pretrained


def _only_tag(name: str) -> str | None:
    import open_clip

    tags = open_clip.list_pretrained_tags_by_model(name)
    if open_clip.get_model_config(name) is not None and len(tags) != 1:
        raise ValueError(
            f"backbone {name!r} has no recommended weights; choose pretrained from {tags}"
        )
    return tags[0] if tags else "auto"
