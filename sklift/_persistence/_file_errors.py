"""Errors that name a malformed file."""

from __future__ import annotations

import os
from contextlib import contextmanager

from .._core._text import visible_lines

# Errors that code may raise for malformed content.
_MALFORMED = (
    ValueError,
    TypeError,
    LookupError,
    AttributeError,
    ArithmeticError,
    RecursionError,
    NotImplementedError,
)


@contextmanager
def file_errors(path: str | os.PathLike):
    """Context that turns errors of malformed content into a ValueError with the file's name."""
    try:
        yield
    except _MALFORMED as error:
        what = str(error) if isinstance(error, (ValueError, TypeError)) else repr(error)
        message = f"can't load {os.fspath(path)!r}: {visible_lines(what)}"
        raise ValueError(message) from error
