"""What a fit is, in a few bytes: the data, the parameters and the backbone it depends on."""

from __future__ import annotations

from .._core._warn import warn
from ._code import versions
from ._content import Description, describe

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
    "recompute",
    "target_prior",
    "tta",
    "tta_expand",
    "verbose",
    "warm_start",
}


def identify(est, sample, backbone, device, precision) -> dict[str, str]:
    """What the outcome of ``fit`` depends on, by name.

    Where something can't be compared, the text is one that no other fit has, and a warning says so.
    """
    callbacks = [c[-1] if isinstance(c, tuple) else c for c in est.callbacks or ()]
    watching = {cls for callback in callbacks for cls in type(callback).__mro__}
    identity, unseen = {}, {}
    values = {k: v for k, v in est.get_params(deep=False).items() if k not in _WITHOUT_EFFECT}
    for name, value in {**values, "estimator": type(est)}.items():
        # a description of its own for each, as what is shared between two may be copied
        description = Description(watching if name == "callbacks" else ())
        identity[name] = description(value)
        if description.unseen:
            unseen[name] = description.unseen[0]
    if unseen:
        what = ", ".join(f"{name} (holds a {kind})" for name, kind in unseen.items())
        warn(
            f"checkpoint_dir: it can't be seen whether {what} is as it was in an earlier fit, so "
            "this training starts afresh"
        )
    identity["versions"] = versions()
    identity["X"] = sample.data.identity()
    identity["y"] = describe(est.classes_) + describe(sample.codes)
    identity["sample_weight"] = describe(sample.weight)
    identity["backbone weights"] = backbone.checksum
    identity["device"] = device.type
    identity["precision"] = str(precision)
    if est.random_state is not None:  # else a new seed each time: that of the checkpoint is kept
        identity["random_state"] = str(sample.seed)
    return identity
