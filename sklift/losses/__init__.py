"""Recipes of losses for long-tailed training."""

from __future__ import annotations

from .._core._recipes import resolve
from ._base import Loss
from ._multilabel import MultilabelLoss, MultilabelLossRecipe
from ._recipe import LossRecipe, build_loss, implied_prior
from .asymmetric import Asymmetric
from .balanced_softmax import BalancedSoftmax
from .binary_cross_entropy import BinaryCrossEntropy
from .binary_logit_adjusted import BinaryLogitAdjusted
from .callable_loss import CallableLoss
from .class_balanced import ClassBalanced
from .cross_entropy import CrossEntropy
from .distribution_balanced import DistributionBalanced
from .focal import Focal
from .generalized_reweight import GeneralizedReweight
from .lade import LADE
from .ldam import LDAM
from .logit_adjusted import LogitAdjusted

__all__ = [
    "LADE",
    "LDAM",
    "LOSSES",
    "MULTILABEL_LOSSES",
    "Asymmetric",
    "BalancedSoftmax",
    "BinaryCrossEntropy",
    "BinaryLogitAdjusted",
    "CallableLoss",
    "ClassBalanced",
    "CrossEntropy",
    "DistributionBalanced",
    "Focal",
    "GeneralizedReweight",
    "LogitAdjusted",
    "Loss",
    "LossRecipe",
    "MultilabelLoss",
    "MultilabelLossRecipe",
    "build_loss",
    "implied_prior",
    "resolve_loss",
    "resolve_multilabel_loss",
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
# Losses of pictures with any number of labels
MULTILABEL_LOSSES = {
    "binary_logit_adjusted": BinaryLogitAdjusted,
    "binary_cross_entropy": BinaryCrossEntropy,
    "asymmetric": Asymmetric,
    "distribution_balanced": DistributionBalanced,
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
        If ``value`` is a class, none of the above, or a loss for several labels a picture.

    Examples
    --------
    >>> from sklift.losses import resolve_loss
    >>> resolve_loss("focal")
    Focal()
    """
    if isinstance(value, MultilabelLossRecipe) or (
        isinstance(value, str) and value in MULTILABEL_LOSSES
    ):
        raise TypeError(
            f"loss={value!r} is for several labels a picture: give it to MultilabelClassifier; "
            f"those for one are {sorted(LOSSES)}"
        )
    if callable(value) and not isinstance(value, type) and not hasattr(value, "build"):
        value = CallableLoss(value)
    return resolve(value, LOSSES, "loss")


def resolve_multilabel_loss(value):
    """Return the recipe of a loss for several labels a picture that ``value`` names or is.

    Parameters
    ----------
    value : str or recipe
        A key of ``MULTILABEL_LOSSES``, or an object with a method
        ``build(label_counts, n_samples, head)``.

    Returns
    -------
    recipe : object

    Raises
    ------
    ValueError
        If ``value`` is an unknown name.
    TypeError
        If ``value`` is a class, has no method ``build``, or is a loss for one label a picture.

    Examples
    --------
    >>> from sklift.losses import resolve_multilabel_loss
    >>> resolve_multilabel_loss("asymmetric")
    Asymmetric()
    """
    if (isinstance(value, str) and value in LOSSES) or isinstance(value, LossRecipe):
        raise TypeError(
            f"loss={value!r} is for one label a picture; those for several are "
            f"{sorted(MULTILABEL_LOSSES)}"
        )
    return resolve(value, MULTILABEL_LOSSES, "loss")
