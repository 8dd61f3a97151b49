"""What a file holds of an estimator."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch
from sklearn.base import clone

from .._core._version import __version__
from .._core._warn import warn
from ._codec import encode
from ._model_data import describe_backbone, describe_model

# Parameters that only training needs, and that may be functions, classes or objects.
TRAINING_ONLY = (
    "loss",
    "regularizer",
    "augmentation",
    "sampler",
    "optimizer",
    "net_params",
    "random_state",
)
_LIBRARIES = ("torch", "open_clip_torch", "timm", "scikit-learn", "skorch", "numpy", "safetensors")


def describe(est) -> tuple[dict, dict[str, torch.Tensor]]:
    """JSON content and tensors of a fitted estimator.

    Raises
    ------
    TypeError
        If something that predictions need can't be saved.
    """
    model = getattr(est, "model_", None)
    params = est.get_params(deep=False)
    arrays: dict[str, torch.Tensor] = {}
    omitted: list[str] = []
    params |= without_folders(params)
    content = {
        "estimator": type(est).__name__,
        "versions": versions(),
        "params": _encode_all(params, "params", arrays, omitted),
        "omitted": omitted,
        "fitted": _encode_all(
            {k: v for k, v in vars(est).items() if k not in params and k not in ("model_", "net_")},
            "fitted",
            arrays,
            omitted,
        ),
    }
    if omitted:
        warn(
            f"{type(est).__name__}.save leaves out {omitted}: functions, classes and objects are "
            "no data. Predictions don't need them; set them after loading, before fitting again"
        )
    backbone = est._load_backbone() if model is None else model.backbone
    content["backbone"] = described = describe_backbone(backbone)
    described["params"] = encode(described["params"], {}, "backbone_params")
    if model is None:
        return content, arrays
    content["model"], state = describe_model(model)
    return content, {**{f"model.{name}": t for name, t in state.items()}, **arrays}


def without_folders(params: dict) -> dict:
    """Parameters without folders: a file must not say what is written to on another machine."""
    own: dict[str, Any] = {}
    compute = params["compute"]
    if getattr(compute, "cache", False) is not False:
        own["compute"] = clone(compute).set_params(cache="auto")
    if "checkpoint" in params:
        own["checkpoint"] = None
    return own


def versions() -> dict[str, str]:
    """Versions of this package and of those that predictions depend on."""
    found = {"scikit-lift": __version__}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _encode_all(values: dict, prefix: str, arrays: dict, omitted: list) -> dict:
    """JSON of the values; names of those that can be done without go to ``omitted``."""
    encoded = {}
    for name, value in values.items():
        try:
            encoded[name] = encode(value, arrays, f"{prefix}.{name}")
        except TypeError:
            # a private attribute is scikit-learn's, and about training or display
            if name.removesuffix("_") not in TRAINING_ONLY and not name.startswith("_"):
                raise
            omitted.append(name)
    return encoded
