"""Classifiers that are trained: one label a picture, or several."""

from __future__ import annotations

from ._lift import LiftClassifier

__all__ = ["LiftClassifier"]
