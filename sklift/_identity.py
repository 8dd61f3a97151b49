"""What a fit is, in a few bytes: the data, the parameters and the backbone it depends on."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import numpy as np

# These change how a fit runs or what predictions are made of, not what is learned.
_WITHOUT_EFFECT = {
    "cache",
    "checkpoint_dir",
    "checkpoint_minutes",
    "checkpoint_mismatch",
    "device",
    "num_workers",
    "precision",
    "random_state",
    "target_prior",
    "tta",
    "tta_expand",
    "verbose",
    "warm_start",
}


def identify(est, sample, backbone, device, precision) -> dict[str, str]:
    """What the outcome of ``fit`` depends on, by name."""
    identity = {
        name: describe(value)
        for name, value in est.get_params(deep=False).items()
        if name not in _WITHOUT_EFFECT
    }
    identity["X"] = sample.data.identity()
    identity["y"] = describe(est.classes_) + describe(sample.codes)
    identity["sample_weight"] = describe(sample.weight)
    identity["backbone weights"] = backbone.checksum
    identity["device"] = device.type
    identity["precision"] = str(precision)
    if isinstance(
        est.random_state, (int, np.integer)
    ):  # else a new seed each time: the first is kept
        identity["random_state"] = str(sample.seed)
    return identity


def describe(value) -> str:
    """A text that is equal for equal values, in every process."""
    if isinstance(value, np.ndarray) and value.dtype != object:
        content = np.ascontiguousarray(value)
        return f"{value.dtype}{value.shape}{blake2b(content, digest_size=16).hexdigest()}"
    if hasattr(value, "set_params") and not isinstance(value, type):  # transforms have the other
        return f"{type(value).__name__}({describe(value.get_params(deep=False))})"
    if isinstance(value, Mapping):
        return f"{{{', '.join(sorted(f'{k!r}: {describe(v)}' for k, v in value.items()))}}}"
    if isinstance(value, (list, tuple, np.ndarray)) or hasattr(value, "to_numpy"):
        return f"[{', '.join(describe(v) for v in list(value))}]"
    if isinstance(value, (str, bytes, int, float, bool, np.generic, type(None))):
        return repr(value)
    named = value if hasattr(value, "__qualname__") else type(value)  # objects may hold anything
    return f"{named.__module__}.{named.__qualname__}"
