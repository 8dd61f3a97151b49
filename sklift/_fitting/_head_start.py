"""The start of the head: from text, class means, a linear probe, or at random."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from .._classes._prompts import prompt_features
from .._classes._words import shown, warn_of_wordless, wordless
from .._compute._plan import ComputePlan
from .._core._warn import warn
from ..backbones import Backbone
from ..heads import class_mean_rows, linear_probe_rows, subsample, text_rows


def resolve_init(
    init: str, backbone: Backbone, names: list[str] | None, prompts, given: bool = True
) -> str:
    """Return ``init``, with ``"auto"`` resolved. A dict of ``prompts`` needs no names.

    Names that are not ``given``, but read off the labels, must be words, or most of them.

    Raises
    ------
    ValueError
        If ``init`` is "text" and there is no text tower, or no class names.
    """
    named = names is not None or isinstance(prompts, Mapping)
    if init == "text":
        if backbone.text is None:
            raise ValueError(
                f"init='text' needs a text tower, which backbone {backbone.spec} does not have; "
                "use init='class_mean'"
            )
        if not named:
            raise ValueError(
                "init='text' needs class names: give class_names (a dict label -> name), or "
                "string labels"
            )
    if init != "auto":
        return init
    if backbone.text is None:
        return "class_mean"
    if not named:
        warn(
            "the labels are no names and class_names is not given, so the head starts from class "
            "means instead of text; pass class_names, or init='class_mean' to say it is meant"
        )
        return "class_mean"
    if isinstance(prompts, Mapping):
        return "text"
    assert names is not None
    if given:
        why = "the head starts from texts that say little, class means may be better"
        warn_of_wordless(names, why, given)
        return "text"
    codes = wordless(names)
    if 2 * len(codes) > len(names):
        warn(
            f"the labels are no words ({shown(codes)}) and class_names is not given, so the head "
            "starts from class means instead of text; pass class_names, or init='class_mean' to "
            "say it is meant"
        )
        return "class_mean"
    warn_of_wordless(names, "their rows of the head start from a text that says little", given)
    return "text"


def start_head(
    head: torch.nn.Module,
    init: str,
    backbone: Backbone,
    data,
    codes: np.ndarray,
    used: np.ndarray,
    classes: np.ndarray,
    plan: ComputePlan,
    *,
    names: list[str] | None,
    prompts,
    sample_weight: np.ndarray | None,
    random_state: int,
) -> None:
    """Set what the head starts from: its rows, and what it computes once from frozen features.

    ``data`` gives the features, ``used`` holds the indices of the training samples. A head that
    computes something has a method ``fit_features``, see :class:`sklift.heads.WhitenedCosine`.

    Raises
    ------
    ValueError
        If a head that changes features is to start from texts.
    """
    fit_features = getattr(head, "fit_features", None)
    rows = None
    if init == "text":
        if fit_features is not None:
            raise ValueError(
                f"{type(head).__name__} compares whitened features, for which no text is a start: "
                "use init='class_mean', or head='cosine'"
            )
        features = prompt_features(backbone, prompts, classes, names)
        proj = backbone.projection
        if proj is None:  # features are in the joint space already
            proj = torch.eye(features.shape[1])
        rows = text_rows(features, proj)
    elif init != "random" or fit_features is not None:
        chosen = used if sample_weight is None else used[sample_weight[used] > 0]
        if init != "linear_probe":
            chosen = chosen[subsample(codes[chosen], 100, random_state)]
        features = data.features(backbone, chosen, plan)
        weight = None if sample_weight is None else sample_weight[chosen]
        if fit_features is not None:
            features = fit_features(features, codes[chosen], weight)
        if init != "random":
            build = class_mean_rows if init == "class_mean" else linear_probe_rows
            rows = build(features, codes[chosen], len(classes), sample_weight=weight)
    if rows is not None:
        with torch.no_grad():
            head.weight.copy_(rows)
