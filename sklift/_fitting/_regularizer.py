"""The regularizer of a fit, and the start of training that it holds the model to."""

from __future__ import annotations

from torch import nn

from .._core._warn import warn
from ..regularizers import Regularizer, build_regularizer


def continued_regularizer(
    recipe, model: nn.Module, earlier: Regularizer | None
) -> Regularizer | None:
    """Build the regularizer of a fit that goes on from earlier training.

    The start that an earlier regularizer of the same kind remembers stays what it was. Where there
    is none, a warning says that the model as it is takes its place.
    """
    regularizer = build_regularizer(recipe, model)
    if regularizer is None or not (own := regularizer.state_dict()):
        return regularizer
    known = {}
    if earlier is not None and type(earlier) is type(regularizer):
        known = earlier.state_dict()
    if {k: t.shape for k, t in known.items()} == {k: t.shape for k, t in own.items()}:
        regularizer.load_state_dict(known)
    else:
        warn(
            f"{type(recipe).__name__} holds the model near its start, which is not known: the "
            "training that goes on had no such regularizer, or was pickled or saved since. The "
            "weights as they are now count as the start"
        )
    return regularizer
