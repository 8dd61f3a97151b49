"""Recipes of the towers of open_clip and timm, with settings."""

from __future__ import annotations

from typing import Any

from sklearn.base import BaseEstimator

from ._backbone import Backbone
from ._names import named_spec
from ._openclip import load_open_clip
from ._spec import BackboneSpec
from ._timm import load_timm

_WITHOUT_SETTINGS = ("emoji-tiny", "efficientnet-lite0", "precomputed")


class OpenClip(BaseEstimator):
    """Recipe of a tower of open_clip, with its settings.

    A setting that is None follows the configuration of the weights, or, for a local checkpoint, the
    name of the model.

    Parameters
    ----------
    name : str
        A model of ``open_clip.list_models()``, ``"hf-hub:<repository>"`` or
        ``"local-dir:<folder>"``.
    pretrained : str or path, default="auto"
        Tag of the weights or a checkpoint file; ``"auto"`` is a recommended tag.
    mean, std : sequence of three floats, optional
        Statistics of the pixels' channels, in [0, 1].
    image_size : int, optional
        Side of the pictures in pixels; position embeddings are interpolated.
    interpolation : {"bicubic", "bilinear", "nearest"}, optional
        Filter of the resizing.
    quick_gelu : bool, optional
        Whether the activation is the approximation that OpenAI's weights were trained with.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.backbones import OpenClip
    >>> clf = LiftClassifier(OpenClip("ViT-B-16", image_size=336))
    >>> clf.set_params(backbone__image_size=384).backbone
    OpenClip(image_size=384, name='ViT-B-16')
    """

    def __init__(
        self,
        name,
        pretrained="auto",
        mean=None,
        std=None,
        image_size=None,
        interpolation=None,
        quick_gelu=None,
    ) -> None:
        self.name = name
        self.pretrained = pretrained
        self.mean = mean
        self.std = std
        self.image_size = image_size
        self.interpolation = interpolation
        self.quick_gelu = quick_gelu

    def spec(self) -> BackboneSpec:
        """Return the description of the backbone, with ``"auto"`` replaced by a tag."""
        name = self.name
        if name in _WITHOUT_SETTINGS or str(name).startswith("timm/"):
            instead = f"backbone={name!r}" if name in _WITHOUT_SETTINGS else f"Timm({name[5:]!r})"
            raise ValueError(f"{name!r} is no model of open_clip: give {instead}")
        return named_spec(name, self.pretrained, _given(self))

    def load(self) -> Backbone:
        """Return the backbone, read anew; :func:`load_backbone` keeps one for the process."""
        return load_open_clip(self.spec())


class Timm(BaseEstimator):
    """Recipe of a vision tower of timm, with its settings.

    A setting that is None follows the configuration of the weights. So does the activation, where
    the weights are a tag; that of a file is the model's: OpenAI's weights, and some others, belong
    to ``"vit_base_patch16_clip_quickgelu_224"`` and its like.

    Parameters
    ----------
    name : str
        A model of ``timm.list_models()``.
    pretrained : str or path, default="auto"
        Tag of the weights or a checkpoint file; ``"auto"`` is a recommended tag.
    mean, std : sequence of three floats, optional
        Statistics of the pixels' channels, in [0, 1].
    image_size : int, optional
        Side of the pictures in pixels.
    interpolation : {"bicubic", "bilinear", "nearest"}, optional
        Filter of the resizing.

    Examples
    --------
    >>> from sklift.backbones import Timm
    >>> Timm("vit_base_patch16_224", pretrained="dino", interpolation="bilinear")
    Timm(interpolation='bilinear', name='vit_base_patch16_224', pretrained='dino')
    """

    def __init__(
        self,
        name,
        pretrained="auto",
        mean=None,
        std=None,
        image_size=None,
        interpolation=None,
    ) -> None:
        self.name = name
        self.pretrained = pretrained
        self.mean = mean
        self.std = std
        self.image_size = image_size
        self.interpolation = interpolation

    def spec(self) -> BackboneSpec:
        """Return the description of the backbone, with ``"auto"`` replaced by a tag."""
        if not isinstance(self.name, str) or not self.name:
            raise TypeError(f"Timm: name must be that of a model, got {self.name!r}")
        name = self.name.removeprefix("timm/")
        return named_spec(f"timm/{name}", self.pretrained, _given(self))

    def load(self) -> Backbone:
        """Return the backbone, read anew; :func:`load_backbone` keeps one for the process."""
        return load_timm(self.spec())


BACKBONES = {"open_clip": OpenClip, "timm": Timm}


def recipe_by_name(name: str) -> BaseEstimator | None:
    """Return the recipe that a name stands for, with default settings; None where it has none."""
    if name in _WITHOUT_SETTINGS:
        return None
    if name.startswith("timm/"):
        return Timm(name.removeprefix("timm/"))
    return OpenClip(name)


def _given(recipe: BaseEstimator) -> dict[str, Any]:
    """Return the settings that are not None."""
    settings = recipe.get_params(deep=False)
    return {k: v for k, v in settings.items() if k not in ("name", "pretrained") and v is not None}
