"""Loading of the backbone for an estimator from a file."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..backbones import (
    BACKBONES,
    Backbone,
    BackboneSpec,
    OwnTower,
    Preprocess,
    load_backbone,
    resolve_spec,
)
from ..backbones._names import named_spec
from ._codec import decode


def given_backbone(est, saved: dict, given, pretrained) -> Backbone:
    """Load the given backbone, and make it the estimator's parameter."""
    says_how = isinstance(getattr(given, "preprocess", None), Preprocess)
    if isinstance(given, nn.Module) and not says_how:
        look = saved["preprocess"]
        given = OwnTower(given, look["size"], look["mean"], look["std"], look["interpolation"])
    est.backbone = given
    est.pretrained = "auto" if pretrained is None else pretrained
    return load_backbone(est.backbone, est.pretrained)


def written_backbone(est, content: dict, arrays: dict, user_classes: dict, pretrained) -> Backbone:
    """Load the backbone that the file names.

    Raises
    ------
    ValueError
        If it can't be loaded, or is a module, which the user has to give.
    """
    saved = content["backbone"]
    if "recipe" in saved:
        recipe = decode(saved["recipe"], arrays, user_classes)
        if recipe is None:
            raise ValueError(
                f"its backbone {saved['name']} is a module, which no file can hold: give the same "
                "one, load(..., backbone=module)"
            )
        return load_backbone(recipe)
    name, tag, params = (
        saved["name"],
        saved["pretrained"],
        decode(saved["params"], {}, user_classes),
    )
    if name == "precomputed":
        return load_backbone(BackboneSpec(name, None, tuple(sorted(params.items()))))
    if "backbone" not in content["params"]:  # the parameter was set to a module after the fit
        est.backbone = name
    if pretrained is not None:
        tag = pretrained
        _set_weights(est, tag)
    try:
        backbone = load_backbone(named_spec(name, tag, params))
    except ValueError as error:
        raise ValueError(
            f"its backbone {name!r} ({tag}) can't be loaded: {error}. If the checkpoint file "
            "was moved, say where it is: load(..., pretrained=...)"
        ) from error
    if _names_other_weights(est, backbone.spec):
        _set_weights(est, backbone.spec.pretrained)  # "auto" means other weights now
    return backbone


def _names_other_weights(est, spec: BackboneSpec) -> bool:
    """Return whether the parameters name this model with other weights."""
    is_recipe = isinstance(est.backbone, tuple(BACKBONES.values()))
    name = est.backbone.name if is_recipe else est.backbone
    if name not in (spec.name, spec.name.removeprefix("timm/")):  # set after fit
        return False
    now = resolve_spec(est.backbone, est.pretrained)
    return (now.name, now.params) == (spec.name, spec.params) and now != spec


def _set_weights(est, pretrained: Any) -> None:
    """Set the parameter ``pretrained``, of the estimator or of the backbone's recipe."""
    in_recipe = isinstance(est.backbone, tuple(BACKBONES.values()))
    (est.backbone if in_recipe else est).set_params(pretrained=pretrained)
