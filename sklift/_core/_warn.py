"""Warnings that point to the line of the user's code."""

from __future__ import annotations

import sys
import warnings
from types import FrameType

from ._text import visible_lines

# scikit-learn's decorators wrap our methods; the others call us back in training
_OURS = {"sklift", "sklearn", "skorch", "torch", "contextlib"}


def warn(message: str) -> None:
    """Warn at the first caller outside of the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and _package_of(frame.f_back) in _OURS:
        frame, level = frame.f_back, level + 1
    warnings.warn(visible_lines(message), UserWarning, stacklevel=level + 1)


def _package_of(frame: FrameType) -> str:
    return frame.f_globals.get("__name__", "").partition(".")[0]
