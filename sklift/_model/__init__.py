"""The trained model: a frozen tower, an adapter inside, and a head."""

from __future__ import annotations

from ._fold import folded
from ._scaled import scaled_model
from ._tuned_model import TunedModel

__all__ = ["TunedModel", "folded", "scaled_model"]
