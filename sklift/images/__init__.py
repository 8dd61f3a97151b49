"""Images: what X may be, and how it becomes the views that a model sees."""

from __future__ import annotations

from ._reader import Reader, resolve_reader
from ._sequence import ImageSequence

__all__ = ["ImageSequence", "Reader", "resolve_reader"]
