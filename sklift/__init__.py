"""sklift: long-tailed image classification with frozen foundation models, in scikit-learn style."""

from __future__ import annotations

from ._classes._gaussian_classifier import ShrunkGaussianClassifier
from ._core._version import __version__
from ._fitting._soup import soup
from .classifier import LiftClassifier
from .embedder import ImageEmbedder
from .zero_shot import ZeroShotClassifier

__all__ = [
    "ImageEmbedder",
    "LiftClassifier",
    "ShrunkGaussianClassifier",
    "ZeroShotClassifier",
    "__version__",
    "soup",
]
