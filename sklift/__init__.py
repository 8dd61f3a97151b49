"""sklift: long-tailed image classification with frozen foundation models, in scikit-learn style."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from ._core._version import __version__

if TYPE_CHECKING:
    from ._classes._conformal_classifier import ConformalClassifier
    from ._classes._gaussian_classifier import ShrunkGaussianClassifier
    from ._classes._novelty import NoveltyDetector
    from ._classes._selective import SelectiveClassifier
    from ._classes._taxonomy import Taxonomy
    from ._commands._service import prediction_service
    from ._fitting._head_search import HeadSearchCV
    from ._fitting._soup import soup
    from .classifier import LiftClassifier, MultilabelClassifier
    from .embedder import ImageEmbedder
    from .zero_shot import ZeroShotClassifier

__all__ = [
    "ConformalClassifier",
    "HeadSearchCV",
    "ImageEmbedder",
    "LiftClassifier",
    "MultilabelClassifier",
    "NoveltyDetector",
    "SelectiveClassifier",
    "ShrunkGaussianClassifier",
    "Taxonomy",
    "ZeroShotClassifier",
    "__version__",
    "prediction_service",
    "soup",
]

# Imported when they are asked for: the command line answers at once, and a script that needs a
# loader alone does not wait for scikit-learn.
_HOMES = {
    "ConformalClassifier": "_classes._conformal_classifier",
    "HeadSearchCV": "_fitting._head_search",
    "ImageEmbedder": "embedder",
    "LiftClassifier": "classifier",
    "MultilabelClassifier": "classifier",
    "NoveltyDetector": "_classes._novelty",
    "SelectiveClassifier": "_classes._selective",
    "ShrunkGaussianClassifier": "_classes._gaussian_classifier",
    "Taxonomy": "_classes._taxonomy",
    "ZeroShotClassifier": "zero_shot",
    "prediction_service": "_commands._service",
    "soup": "_fitting._soup",
}
_ROOMS = (
    "adapters", "backbones", "datasets", "displays", "heads", "images", "losses", "metrics",
    "presets", "regularizers", "testing", "training",
)  # fmt: skip


def __getattr__(name: str):
    if name in _ROOMS:
        return import_module(f".{name}", __name__)
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOMES[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__, *_ROOMS})
