"""Adapters: what is trained inside a frozen tower.

A recipe holds hyperparameters and an ``inject(tower, n_classes)`` method, that changes an opened
tower in place and returns the recipe with its "auto" values filled in. Your own class needs nothing
more to be passed as ``LiftClassifier(adapter=...)``.
"""

from __future__ import annotations

from .._recipes import resolve
from ._adaptformer import AdaptFormer

__all__ = ["ADAPTERS", "AdaptFormer", "resolve_adapter"]

ADAPTERS = {
    "adaptformer": AdaptFormer,
    "none": None,
}


def resolve_adapter(value):
    """A recipe from a name, a recipe or None (train the head alone)."""
    return resolve(value, ADAPTERS, "adapter", method="inject")
