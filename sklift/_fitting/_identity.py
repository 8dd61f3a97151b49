"""What a fit is, in a few bytes: the data, the parameters and the backbone it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from hashlib import blake2b
from types import CodeType, FunctionType, MethodType

import numpy as np

from .._compute._plan import ComputePlan
from ..backbones import Backbone
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
    "tta_expand",
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
    """What the outcome of ``fit`` depends on, by name."""
    identity = {
        name: describe(value)
        for name, value in settings.params.items()
        if name not in _WITHOUT_EFFECT
    }
    identity["accumulate"] = describe(plan.accumulate)
    identity["compile"] = describe(plan.compile)
    identity["X"] = sample.data.identity()
    identity["y"] = describe(classes) + describe(sample.codes)
    identity["sample_weight"] = describe(sample.weight)
    identity["backbone weights"] = backbone.checksum
    identity["device"] = plan.device.type
    identity["precision"] = str(plan.precision)
    if settings.random_state is not None:  # else new each time: that of the checkpoint is kept
        identity["random_state"] = str(sample.seed)
    return identity


def describe(value, depth: int = 8) -> str:
    """A text that is equal for equal values, in every process, and differs for others."""

    def inner(v):
        return describe(v, depth - 1)

    if isinstance(value, (str, bytes, int, float, bool, np.generic, type(None))):
        return repr(value)
    if hasattr(value, "numpy") and hasattr(value, "detach"):  # a tensor
        value = value.detach().cpu().numpy()
    if isinstance(value, np.ndarray) and value.dtype != object:
        content = np.ascontiguousarray(value)
        return f"{value.dtype}{value.shape}{blake2b(content, digest_size=16).hexdigest()}"
    if depth == 0:
        return type(value).__qualname__
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{inner(k)}: {inner(v)}' for k, v in value.items()))}}}"
    if isinstance(value, (set, frozenset)):
        return f"{{{', '.join(sorted(map(inner, value)))}}}"
    if isinstance(value, (list, tuple, np.ndarray)) or hasattr(value, "to_numpy"):
        return f"[{', '.join(map(inner, list(value)))}]"
    if isinstance(value, np.random.RandomState):
        return inner(value.get_state())
    if isinstance(value, CodeType):
        return f"{value.co_code.hex()}{inner(value.co_consts)}{inner(value.co_names)}"
    if isinstance(value, FunctionType):
        closure = [c.cell_contents for c in value.__closure__ or ()]
        rest = [value.__defaults__, value.__kwdefaults__, closure]
        return f"{value.__qualname__}({inner(value.__code__)}, {inner(rest)})"
    if isinstance(value, partial):
        return f"partial({inner([value.func, value.args, value.keywords])})"
    if isinstance(value, MethodType):
        return f"{inner(value.__self__)}.{value.__name__}"
    if hasattr(value, "__qualname__"):  # a class, or a function that is not Python's
        return f"{value.__module__}.{value.__qualname__}"
    # a transform of torchvision has a get_params that is something else
    content = value.get_params(deep=False) if hasattr(value, "set_params") else None
    if content is None and hasattr(value, "named_children"):
        plain = {k: v for k, v in vars(value).items() if not k.startswith("_")}
        content = {**plain, **dict(value.named_children()), **value.state_dict()}
    content = getattr(value, "__dict__", {}) if content is None else content
    return f"{type(value).__module__}.{type(value).__qualname__}({inner(content)})"
