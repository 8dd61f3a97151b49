"""sklift: long-tailed image classification with frozen foundation models, in scikit-learn style."""

from __future__ import annotations

from ._version import __version__
from .classifier import LiftClassifier

__all__ = ["LiftClassifier", "__version__"]
