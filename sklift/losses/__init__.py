"""Losses for long-tailed training, one recipe each."""

from __future__ import annotations

from .._core._recipes import resolve
from ._base import Loss
from ._recipe import LossRecipe, implied_prior
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
    """Return the loss recipe that `value` names or is.

    Parameters
    ----------
    value : str, recipe or callable
        A key of `LOSSES`, an object with a method ``build(class_counts, head)``, or a function
        ``(logits, target) -> scalar``, which is wrapped in `CallableLoss`.

    Returns
    -------
    recipe : object

    Raises
    ------
    ValueError
        If `value` is an unknown name.
    TypeError
        If `value` is a class or none of the above.

    Examples
    --------
    >>> from sklift.losses import resolve_loss
    >>> resolve_loss("focal")
    Focal()
    """
    if callable(value) and not isinstance(value, type) and not hasattr(value, "build"):
        value = CallableLoss(value)
    return resolve(value, LOSSES, "loss")


def build_loss(recipe, class_counts, head) -> Loss:
    """Return the loss module of a recipe, whatever a user's own recipe builds.

    Parameters
    ----------
    recipe : object
        With a method ``build(class_counts, head)`` that returns a `Loss`, or any function or
        module ``(logits, target) -> scalar``.
    class_counts : array-like of shape (n_classes,)
        Training samples per class.
    head : recipe
        The head, from which a margin loss reads its scale.

    Returns
    -------
    loss : Loss

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import Cosine
    >>> from sklift.losses import LogitAdjusted, build_loss
    >>> loss = build_loss(LogitAdjusted(), [90, 10], Cosine())
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))  # -log(0.1)
    tensor(2.3026)
    """
    loss = recipe.build(class_counts, head)
    return loss if isinstance(loss, Loss) else CallableLoss(loss).build(class_counts)
