"""Bounds of a service."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from numbers import Integral, Real
from typing import Any

from ._drift import FEWEST

MEGABYTE = 2**20
_TOGETHER = 8  # requests of the largest size whose uploads are held at a time


@dataclass(frozen=True)
class Limits:
    """Bounds on what a service takes and keeps.

    Parameters
    ----------
    batch_size : int
        Pictures that are computed together.
    max_waiting : int
        Pictures that may wait.
    max_pictures : int
        Pictures of a request.
    max_upload : int
        Megabytes of a request.
    max_megapixels : int
        Million pixels of a picture, and of a batch of several.
    time_limit : float
        Seconds for an upload, and for its answer.
    window : int
        Latest predictions that are compared with those of held-out pictures.
    """

    batch_size: int = 32
    max_waiting: int = 256
    max_pictures: int = 32
    max_upload: int = 32
    max_megapixels: int = 64
    time_limit: float = 30.0
    window: int = 1000

    def check(self, top: int) -> None:
        """Raise an error for a bound of a wrong type, or out of range."""
        values: dict[str, Any] = {"top": top} | {
            f.name: getattr(self, f.name) for f in fields(self)
        }
        for name, value in values.items():
            kind = Real if name == "time_limit" else Integral
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            if not is_number:
                wanted = "a number" if kind is Real else "an integer"
                raise TypeError(f"{name} must be {wanted}, got {value!r}")
            least = FEWEST if name == "window" else 0 if name == "time_limit" else 1
            if not (least <= value < math.inf and value > 0):
                raise ValueError(f"{name} must be {f'at least {least}' if least else 'above 0'}")
        if self.max_pictures > self.max_waiting:
            raise ValueError(
                f"max_pictures={self.max_pictures} must be at most max_waiting={self.max_waiting}"
            )

    @property
    def request_bytes(self) -> int:
        """Bytes of a request."""
        return self.max_upload * MEGABYTE

    @property
    def held_bytes(self) -> int:
        """Bytes of all requests together."""
        return self.request_bytes * _TOGETHER
