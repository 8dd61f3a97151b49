"""What a fit is, in a few bytes: the data, the parameters and the backbone it depends on."""

from __future__ import annotations

import numpy as np

from .._compute._plan import ComputePlan
from .._core._warn import warn
from ..backbones import Backbone
from ._code import versions
from ._content import Description, describe
from ._sample import Sample
from ._settings import FitSettings

# These change how a fit runs or what predictions are made of, not what is learned.
_WITHOUT_EFFECT = {
    "checkpoint",
    "compute",
    "device",
    "random_state",
    "target_prior",
    "tta",
    "verbose",
    "warm_start",
}


def identify(
    settings: FitSettings,
    sample: Sample,
    classes: np.ndarray,
    backbone: Backbone,
    plan: ComputePlan,
) -> dict[str, str]:
    """What the outcome of ``fit`` depends on, by name.

    Where something can't be compared, the text is one that no other fit has, and a warning says so.
    """
    values = {k: v for k, v in settings.params.items() if k not in _WITHOUT_EFFECT}
    values["compute"] = [plan.accumulate, plan.compile]
    net_params = {**settings.net_params}
    callbacks = net_params.pop("callbacks", None) or ()
    values |= {"net_params": net_params, "callbacks": callbacks}
    instances = [c[-1] if isinstance(c, tuple) else c for c in callbacks]
    watching = {cls for callback in instances for cls in type(callback).__mro__}
    identity, unseen = {}, {}
    for name, value in values.items():
        # a description of its own for each, as what is shared between two may be copied
        description = Description(watching if name == "callbacks" else ())
        identity[name] = description(value)
        if description.unseen:
            unseen[name] = description.unseen[0]
    if unseen:
        what = ", ".join(f"{name} (holds a {kind})" for name, kind in unseen.items())
        warn(
            f"checkpoint: it can't be seen whether {what} is as it was in an earlier fit, so "
            "this training starts afresh"
        )
    identity["versions"] = versions()
    identity["X"] = sample.data.identity()
    identity["y"] = describe(classes) + describe(sample.codes)
    identity["sample_weight"] = describe(sample.weight)
    identity["backbone weights"] = backbone.checksum
    identity["device"] = plan.device.type
    identity["precision"] = str(plan.precision)
    if settings.random_state is not None:  # else new each time: that of the checkpoint is kept
        identity["random_state"] = str(sample.seed)
    return identity
