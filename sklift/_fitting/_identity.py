"""The identity of a fit: texts of its data, parameters and backbone."""

from __future__ import annotations

import numpy as np

from .._compute._plan import ComputePlan
from .._core._warn import warn
from ..backbones import Backbone
from ._code import versions
from ._content import Description, describe
from ._sample import Sample
from ._settings import FitSettings

# Parameters that change how a fit runs, or how it predicts, but not the trained weights.
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
    """Texts of everything that the outcome of ``fit`` depends on, by name.

    A value that can't be compared gets a text that no other fit has, and a warning is given.
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
        # One description per parameter: whether two parameters share an object must not count.
        description = Description(watching if name == "callbacks" else ())
        identity[name] = description(value)
        if description.unseen:
            unseen[name] = description.unseen[0]
    if unseen:
        what = ", ".join(f"{name} (holds a {type_name})" for name, type_name in unseen.items())
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
    if settings.random_state is not None:  # else the seed is random, and the checkpoint's is used
        identity["random_state"] = str(sample.seed)
    return identity
