"""Recipes of heads, and the weights that they may start from."""

from __future__ import annotations

from .._core._recipes import resolve
from ._base import Head
from ._biased import Biased
from ._init import class_mean_rows, linear_probe_rows, random_rows, subsample, text_rows
from ._label_means import label_mean_rows, without_mean
from .auto import Auto
from .cosine import Cosine
from .l2norm import L2Norm
from .layernorm import LayerNorm
from .linear import Linear
from .whitened import WhitenedCosine

__all__ = [
    "HEADS",
    "Auto",
    "Biased",
    "Cosine",
    "Head",
    "L2Norm",
    "LayerNorm",
    "Linear",
    "WhitenedCosine",
    "class_mean_rows",
    "label_mean_rows",
    "linear_probe_rows",
    "random_rows",
    "resolve_head",
    "subsample",
    "text_rows",
    "without_mean",
]

HEADS = {
    "cosine": Cosine,
    "auto": Auto,
    "whitened_cosine": WhitenedCosine,
    "linear": Linear,
    "l2norm": L2Norm,
    "layernorm": LayerNorm,
}


def resolve_head(value):
    """Return the head recipe that ``value`` names or is.

    Parameters
    ----------
    value : str or recipe
        A key of ``HEADS``, or an object with a method ``build(n_features, n_classes)``.

    Returns
    -------
    recipe : object

    Raises
    ------
    ValueError
        If ``value`` is an unknown name.
    TypeError
        If ``value`` is a class, or has no method ``build``.

    Examples
    --------
    >>> from sklift.heads import resolve_head
    >>> resolve_head("cosine")
    Cosine()
    """
    return resolve(value, HEADS, "head")
