"""Errors of a malformed file, with its name."""

from __future__ import annotations

import os
from contextlib import contextmanager

from .._core._text import visible_lines

# What malformed content makes the code that interprets it raise.
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
def naming(path: str | os.PathLike):
    """Turn what a malformed file causes into a ValueError that names the file."""
    try:
        yield
    except _MALFORMED as error:
        what = str(error) if isinstance(error, (ValueError, TypeError)) else repr(error)
        message = f"can't load {os.fspath(path)!r}: {visible_lines(what)}"
        raise ValueError(message) from error
