"""A backbone as plain data, for loading it and for checking that it is the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ..backbones import Backbone, BackboneSpec

_TOLERANCE = 1e-3  # relative to the largest value: other machines round differently


def backbone_data(backbone: Backbone) -> dict[str, Any]:
    """Plain data of a backbone: its spec, its checksum and its preprocessing."""
    spec, preprocess = backbone.spec, backbone.preprocess
    data: dict[str, Any] = {
        "name": spec.name,
        "pretrained": spec.pretrained,
        "params": dict(spec.params),
        "checksum": backbone.checksum,
        "preprocess": {
            "size": preprocess.size,
            "mean": list(preprocess.mean),
            "std": list(preprocess.std),
            "interpolation": preprocess.interpolation,
        },
    }
    if spec.recipe is not None:  # a user's own tower
        data["recipe"] = spec.recipe
    if backbone.probe is not None:
        data["probe"] = backbone.probe.tolist()
    return data


def saved_spec(data: Mapping) -> BackboneSpec:
    """The spec of a backbone, made from its plain data in a pickle."""
    params = tuple(sorted(data["params"].items()))
    name, tag = data["name"], data["pretrained"]
    return BackboneSpec(name, tag, params, data.get("recipe"))


def check_backbone(backbone: Backbone, saved: Mapping) -> None:
    """Check that a backbone is the saved one.

    Raises
    ------
    ValueError
        If its weights, its preprocessing or, for a user's own tower, its features differ.
    """
    if backbone.checksum != saved["checksum"]:
        raise ValueError(
            f"the weights of backbone {backbone.spec} differ from those the model was trained on "
            f"(checksum {backbone.checksum[:12]}, expected {str(saved['checksum'])[:12]})"
        )
    now = backbone_data(backbone)
    if now["preprocess"] != saved["preprocess"]:
        raise ValueError(
            f"backbone {backbone.spec} takes other pictures than it did: {now['preprocess']} now, "
            f"{saved['preprocess']} when the model was trained"
        )
    if "probe" in saved and "probe" in now and not _alike(now["probe"], saved["probe"]):
        raise ValueError(
            f"backbone {backbone.spec} makes other features of the same picture than when the "
            "model was trained, with the same weights: its code has changed"
        )


def _alike(now: list, before: list) -> bool:
    ours, theirs = (np.asarray(values, np.float64) for values in (now, before))
    return ours.shape == theirs.shape and bool(
        np.allclose(ours, theirs, rtol=0, atol=_TOLERANCE * np.abs(ours).max())
    )
