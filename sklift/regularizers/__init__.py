"""Regularizers: terms that hold the tuned model near the frozen one.

A recipe holds hyperparameters, and has a method ``build(model)`` that returns a
:class:`Regularizer`. The method is called once, with the model at the start of training. An object
of your own class can be passed as ``LiftClassifier(regularizer=...)``.
"""

from __future__ import annotations

from .._core._recipes import resolve
from ._base import Outputs, Regularizer, build_regularizer
from .anchor import Anchor
from .consistency import Consistency
from .distillation import Distillation

__all__ = [
    "REGULARIZERS",
    "Anchor",
    "Consistency",
    "Distillation",
    "Outputs",
    "Regularizer",
    "build_regularizer",
    "resolve_regularizer",
]

REGULARIZERS = {
    "consistency": Consistency,
    "anchor": Anchor,
    "distillation": Distillation,
    "none": None,
}


def resolve_regularizer(value):
    """Return the recipe of a regularizer that ``value`` names or is.

    Parameters
    ----------
    value : str, recipe or None
        A key of ``REGULARIZERS``, an object with a method ``build(model)``, or None, which means
        ``"none"``.

    Returns
    -------
    recipe : object or None

    Raises
    ------
    ValueError
        If ``value`` is an unknown name.
    TypeError
        If ``value`` is a class or none of the above.

    Examples
    --------
    >>> from sklift.regularizers import resolve_regularizer
    >>> resolve_regularizer("consistency")
    Consistency()
    """
    return resolve(value, REGULARIZERS, "regularizer")
