"""Errors of pictures that can't be read, gathered."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .._compute._threads import map_items
from ._items import OtherLabelError

READ_ERRORS = (OSError, ValueError, TypeError)  # errors that damaged pictures raise
_AT_ONCE = 4096  # pictures looked at together


def read_errors(look: Callable, indices: Sequence[int]) -> dict[int, str]:
    """Error texts, by index, of the pictures for which ``look(index)`` fails."""

    def reason(i: int) -> str | None:
        try:
            look(i)
        except OtherLabelError:  # of a picture that can be read
            raise
        except READ_ERRORS as error:
            return str(error)
        return None

    errors: dict[int, str] = {}
    for start in range(0, len(indices), _AT_ONCE):
        some = indices[start : start + _AT_ONCE]
        reasons = zip(some, map_items(reason, some), strict=True)
        errors |= {i: text for i, text in reasons if text is not None}
    return errors


def first_of(texts: Sequence[str], most: int = 3, *, n: int | None = None) -> str:
    """The first texts of ``n``, for a message; by default the number of texts."""
    n = len(texts) if n is None else n
    return "; ".join(texts[:most]) + ("; ..." if n > most else "")
