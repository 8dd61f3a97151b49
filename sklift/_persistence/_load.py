"""Rebuilding of an estimator from the content of a file."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from sklearn.base import BaseEstimator
from sklearn.exceptions import NotFittedError
from sklearn.utils.validation import check_is_fitted

from .._compute._device import check_precision, resolve_device
from .._core._sklearn import param_names
from .._core._warn import warn
from .._estimator import resolve_recipe
from ._backbone_data import check_backbone
from ._codec import decode
from ._load_backbone import given_backbone, written_backbone
from ._model_data import build_model
from ._save import without_folders

_OF_BACKBONE = ("backbone.", "params.backbone.")  # arrays in the settings of its recipe
_SECTIONS = {"params": dict, "omitted": list, "fitted": dict, "backbone": dict, "estimator": str}
_PER_CLASS = {"class_counts_", "class_prior_", "implied_prior_", "_class_weights"}
_PER_CLASS |= {"_effective_counts", "label_counts_", "adjustment_", "f1_thresholds_"}


def rebuild(
    cls: type[BaseEstimator],
    content: dict,
    tensors: Mapping[str, torch.Tensor],
    recipes: Sequence[type],
    device: str | None,
    pretrained: str | os.PathLike | None,
    given=None,
):
    """Rebuild the fitted estimator. ``given``: a backbone to use instead of the saved one.

    Raises
    ------
    ValueError
        If the content is malformed. Other errors (of types or look-ups) are possible as well.
    """
    for section, section_type in _SECTIONS.items():
        if not isinstance(content.get(section), section_type):
            raise ValueError(f"its metadata has no usable section {section!r}")
    if content["estimator"] != cls.__name__:
        raise ValueError(
            f"it holds a {content['estimator']}: load it with {content['estimator']}.load"
        )
    user_classes = {recipe.__name__: recipe for recipe in recipes}
    state = {n.removeprefix("model."): t for n, t in tensors.items() if n.startswith("model.")}
    arrays = {name: t for name, t in tensors.items() if not name.startswith("model.")}
    if given is not None:
        content["params"].pop("backbone", None)
        arrays = {n: t for n, t in arrays.items() if not n.startswith(_OF_BACKBONE)}
    est = _unfitted(cls, content, arrays, user_classes)
    if device is not None:
        est.device = device
    usable = _usable_device(est)
    if given is None:
        backbone = written_backbone(est, content, arrays, user_classes, pretrained)
    else:
        backbone = given_backbone(est, content["backbone"], given, pretrained)
    check_backbone(backbone, content["backbone"])
    fitted = {name: decode(v, arrays, user_classes) for name, v in content["fitted"].items()}
    for name in fitted:
        if (
            not name.isidentifier()
            or hasattr(cls, name)
            or hasattr(est, name)
            or name in ("model_", "net_")
        ):
            raise ValueError(f"{name!r} is no fitted attribute of {cls.__name__}")
    classes = fitted.get("classes_", np.empty(0))
    if not isinstance(classes, np.ndarray) or classes.ndim != 1:
        raise ValueError("its classes are no vector")
    if unused := sorted(arrays) or ("model" not in content and sorted(state)):
        raise ValueError(f"it holds tensors that belong to nothing: {unused[:5]}")
    vars(est).update(fitted)
    if "model" in content:
        recipes_used, n_classes = (est.adapter_, est.head_), len(est.classes_)
        est.model_ = build_model(recipes_used, n_classes, content["model"], state, backbone, usable)
    _check_per_class(fitted, len(classes))
    try:
        check_is_fitted(est)
    except NotFittedError as error:
        raise ValueError("fitted attributes are missing") from error
    if content["omitted"]:
        warn(
            f"the {cls.__name__} was saved without {content['omitted']}, which are no data: "
            "parameters among them have their default values; set them before fitting again"
        )
    return est


def _check_per_class(fitted: Mapping, n_classes: int) -> None:
    """Check the fitted attributes that have a number for each class."""
    for name in sorted(_PER_CLASS & fitted.keys()):
        value = fitted[name]
        is_array = isinstance(value, np.ndarray) and value.dtype.kind in "iuf"
        if not is_array or value.shape != (n_classes,) or not np.isfinite(value).all():
            raise ValueError(f"{name!r} does not have a number for each class")


def _unfitted(cls: type[BaseEstimator], content: dict, arrays, user_classes):
    """The unfitted estimator, with its parameters."""
    params = content["params"]
    if unknown := sorted(set(params) - set(param_names(cls))):
        saved = (content.get("versions") or {}).get("scikit-lift")
        raise ValueError(
            f"{cls.__name__} has no parameters {unknown}; it was saved by scikit-lift {saved}"
        )
    params = {name: decode(value, arrays, user_classes) for name, value in params.items()}
    est = cls(**{**params, **without_folders(params)})
    est._check_params()
    return est


def _usable_device(est) -> torch.device:
    """The device of the parameters, or the CPU if this machine lacks the device."""
    try:
        device = resolve_device(est.device)
    except (ValueError, RuntimeError) as error:
        warn(f"{error}; device is set to 'cpu'")
        est.device = "cpu"
        device = resolve_device("cpu")
    try:
        check_precision(resolve_recipe("compute", est.compute).precision, device)
    except ValueError as error:
        warn(f"{error}; compute__precision is set to 'auto'")
        est.set_params(compute__precision="auto")
    return device
