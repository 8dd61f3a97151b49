"""The content of a file, made from an estimator."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
import torch
from sklearn.base import clone

from .._core._version import __version__
from .._core._warn import warn
from ..backbones import Backbone, OwnTower
from ._backbone_data import backbone_data
from ._codec import encode
from ._file import check_content
from ._model_data import model_data

# Parameters that only training needs. They may be functions, classes or objects.
TRAINING_ONLY = (
    "loss",
    "regularizer",
    "augmentation",
    "sampler",
    "optimizer",
    "net_params",
    "random_state",
)
_LATER = 200  # bytes for what is learned of a class: its counts and its shares
_LIBRARIES = ("torch", "open_clip_torch", "timm", "scikit-learn", "skorch", "numpy", "safetensors")


def encode_estimator(est) -> tuple[dict, dict[str, torch.Tensor]]:
    """JSON content and tensors of a fitted estimator.

    Raises
    ------
    TypeError
        If a value that predictions need can't be saved.
    """
    model = getattr(est, "model_", None)
    arrays: dict[str, torch.Tensor] = {}
    omitted: list[str] = []
    backbone = est._load_backbone() if model is None else model.backbone
    names = {*est.get_params(deep=False), "model_", "net_"}
    content = {
        "estimator": type(est).__name__,
        "versions": versions(),
        "params": _encode_params(est, arrays, omitted),
        "omitted": omitted,
        "fitted": _encode_all(
            {k: v for k, v in vars(est).items() if k not in names},
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
    content["backbone"] = data = _encode_backbone(backbone, arrays)
    if data.get("recipe", ...) is None:
        warn(
            f"the backbone {backbone.spec} is a module, which is not in the file: give it to "
            f"{type(est).__name__}.load(path, backbone=...). A recipe of your own that loads it "
            "would be written down instead"
        )
    if model is None:
        return content, arrays
    content["model"], state = model_data(model)
    return content, {**{f"model.{name}": t for name, t in state.items()}, **arrays}


def warn_if_unsavable(est, classes: np.ndarray, names: list | None) -> None:
    """Warn, before the work, that an estimator couldn't be saved after it.

    Parameters
    ----------
    est : estimator
        The estimator, of which the parameters count.
    classes, names
        Its classes, and their names.
    """
    try:
        params = _encode_params(est, {}, [])
        fitted = _encode_all({"classes_": classes, "class_names_": names}, "fitted", {}, [])
        check_content({"params": params, "fitted": fitted}, _LATER * len(classes))
    except Exception as error:  # whatever a recipe of the user's raises, training may go on
        warn(f"the fitted {type(est).__name__} will predict, but save will refuse it: {error}")


def _encode_params(est, arrays: dict, omitted: list) -> dict:
    params = est.get_params(deep=False)
    params |= without_folders(params)
    if is_module(est.backbone):
        del params["backbone"]
    return _encode_all(params, "params", arrays, omitted)


def is_module(backbone) -> bool:
    """Return whether a backbone is a module or holds one, so that the user must give it again."""
    is_recipe = isinstance(backbone, str) or hasattr(backbone, "get_params")
    return isinstance(backbone, OwnTower) or not is_recipe


def _encode_backbone(backbone: Backbone, arrays: dict) -> dict:
    """JSON of a backbone; its recipe is None if no file can hold it."""
    data = backbone_data(backbone)
    data["params"] = encode(data["params"], {}, "backbone")
    if (recipe := data.get("recipe")) is not None:
        data["recipe"] = None if is_module(recipe) else encode(recipe, arrays, "backbone")
    return data


def without_folders(params: dict) -> dict:
    """New values of parameters with folders: a file must not choose folders of another machine."""
    replaced: dict[str, Any] = {}
    compute = params["compute"]
    if getattr(compute, "cache", False) is not False:
        replaced["compute"] = clone(compute).set_params(cache="auto")
    if "checkpoint" in params:
        replaced["checkpoint"] = None
    return replaced


def versions() -> dict[str, str]:
    """Versions of this package, and of the libraries that predictions depend on."""
    found = {"scikit-lift": __version__}
    for library in _LIBRARIES:
        try:
            found[library] = version(library)
        except PackageNotFoundError:
            continue
    return found


def _encode_all(values: dict, prefix: str, arrays: dict, omitted: list) -> dict:
    """JSON of the values; names of dispensable values without JSON are added to ``omitted``."""
    encoded = {}
    for name, value in values.items():
        try:
            encoded[name] = encode(value, arrays, f"{prefix}.{name}")
        except TypeError:
            # Private attributes are scikit-learn's, for training or display.
            if name.removesuffix("_") not in TRAINING_ONLY and not name.startswith("_"):
                raise
            omitted.append(name)
    return encoded
