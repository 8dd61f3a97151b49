"""Images: what X may be, and how it becomes the views that a model sees."""

from ._sequence import ImageSequence

__all__ = ["ImageSequence"]
