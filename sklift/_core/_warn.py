"""Warnings that point to the line of the user's code."""

from __future__ import annotations

import sys
import warnings

from ._text import visible_lines

_OURS = ("sklift", "sklearn")  # scikit-learn's decorators wrap our methods


def warn(message: str) -> None:
    """Warn at the first caller outside of the package."""
    frame, level = sys._getframe(1), 2
    while frame.f_back and frame.f_back.f_globals.get("__name__", "").startswith(_OURS):
        frame, level = frame.f_back, level + 1
    warnings.warn(visible_lines(message), UserWarning, stacklevel=level + 1)
