"""Classifiers that are trained: one label a picture, or several."""

from __future__ import annotations

from ._lift import LiftClassifier
from ._multilabel import MultilabelClassifier

__all__ = ["LiftClassifier", "MultilabelClassifier"]
