"""Recipes of losses for long-tailed training."""

from __future__ import annotations

from .._core._recipes import resolve
from ._base import Loss
from ._recipe import LossRecipe, build_loss, implied_prior
from .balanced_softmax import BalancedSoftmax
from .callable_loss import CallableLoss
from .class_balanced import ClassBalanced
from .cross_entropy import CrossEntropy
from .focal import Focal
from .generalized_reweight import GeneralizedReweight
from .lade import LADE
from .ldam import LDAM
from .logit_adjusted import LogitAdjusted

__all__ = [
    "LADE",
    "LDAM",
    "LOSSES",
    "BalancedSoftmax",
    "CallableLoss",
    "ClassBalanced",
    "CrossEntropy",
    "Focal",
    "GeneralizedReweight",
    "LogitAdjusted",
    "Loss",
    "LossRecipe",
    "build_loss",
    "implied_prior",
    "resolve_loss",
]

LOSSES = {
    "cross_entropy": CrossEntropy,
    "logit_adjusted": LogitAdjusted,
    "balanced_softmax": BalancedSoftmax,
    "class_balanced": ClassBalanced,
    "generalized_reweight": GeneralizedReweight,
    "focal": Focal,
    "ldam": LDAM,
    "lade": LADE,
}


def resolve_loss(value):
    """Return the loss recipe that ``value`` names or is.

    Parameters
    ----------
    value : str, recipe or callable
        A key of ``LOSSES``, an object with a method ``build(class_counts, head)``, or a function
        ``(logits, target) -> scalar``, which is wrapped in ``CallableLoss``.

    Returns
    -------
    recipe : object

    Raises
    ------
    ValueError
        If ``value`` is an unknown name.
    TypeError
        If ``value`` is a class or none of the above.

    Examples
    --------
    >>> from sklift.losses import resolve_loss
    >>> resolve_loss("focal")
    Focal()
    """
    if callable(value) and not isinstance(value, type) and not hasattr(value, "build"):
        value = CallableLoss(value)
    return resolve(value, LOSSES, "loss")
