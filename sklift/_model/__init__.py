"""The model that is trained."""

from __future__ import annotations

from ._tuned_model import TunedModel

__all__ = ["TunedModel"]
