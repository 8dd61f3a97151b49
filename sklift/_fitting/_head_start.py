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
    if given or isinstance(prompts, Mapping):
        return "text"
    assert names is not None
    codes = wordless(names)
    if 2 * len(codes) > len(names):
        warn(
            f"the labels are no words ({shown(codes)}) and class_names is not given, so the head "
            "starts from class means instead of text; pass class_names, or init='class_mean' to "
            "say it is meant"
        )
        return "class_mean"
    warn_of_wordless(names, "their rows of the head start from a text that says little")
    return "text"


def head_rows(
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
) -> torch.Tensor | None:
    """Unit rows ``(n_classes, n_features)`` for the start of the head; None for a random start.

    ``data`` gives the features, ``used`` holds the indices of the training samples.
    """
    if init == "random":
        return None
    if init == "text":
        features = prompt_features(backbone, prompts, classes, names)
        proj = backbone.projection
        if proj is None:  # features are in the joint space already
            proj = torch.eye(features[0].shape[1])
        return text_rows(features, proj)
    chosen = used if sample_weight is None else used[sample_weight[used] > 0]
    if init == "class_mean":
        chosen = chosen[subsample(codes[chosen], 100, random_state)]
    features = data.features(backbone, chosen, plan)
    weight = None if sample_weight is None else sample_weight[chosen]
    build = class_mean_rows if init == "class_mean" else linear_probe_rows
    return build(features, codes[chosen], len(classes), sample_weight=weight)
