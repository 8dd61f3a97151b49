"""The regularizer of a fit that continues earlier training."""

from __future__ import annotations

from torch import nn

from .._core._warn import warn
from ..regularizers import Regularizer, build_regularizer


def continued_regularizer(
    recipe, model: nn.Module, earlier: Regularizer | None
) -> Regularizer | None:
    """Build the regularizer of a fit that continues earlier training.

    A regularizer may remember the start of training. The new one takes that start from an earlier
    regularizer of the same class. If there is none, the present model counts as the start, and a
    warning is given.
    """
    regularizer = build_regularizer(recipe, model)
    if regularizer is None or not (start := regularizer.state_dict()):
        return regularizer
    known = {}
    if earlier is not None and type(earlier) is type(regularizer):
        known = earlier.state_dict()
    if {k: t.shape for k, t in known.items()} == {k: t.shape for k, t in start.items()}:
        regularizer.load_state_dict(known)
    else:
        warn(
            f"{type(recipe).__name__} holds the model near its start, which is not known: the "
            "training that goes on had no such regularizer, or was pickled or saved since. The "
            "weights as they are now count as the start"
        )
    return regularizer
