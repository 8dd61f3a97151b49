"""Bounds of a service."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any

from ..._core._text import counted
from ._drift import FEWEST

# From what lets a picture through to what a large machine may hold.
RANGES: dict[str, tuple[float, float]] = {
    "top": (1, 1_000_000),
    "batch_size": (1, 100_000),
    "max_waiting": (1, 1_000_000),
    "max_pictures": (1, 1_000_000),
    "max_upload": (1, 1_000_000),
    "max_megapixels": (1, 100_000),
    "time_limit": (0.1, 86_400),
    "window": (FEWEST, 1_000_000),
}
MEGABYTE = 2**20
_MOST_CELLS = 2**30  # probabilities of a window, four bytes each
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
        for name, (least, most) in RANGES.items():
            value: Any = top if name == "top" else getattr(self, name)
            kind = Real if name == "time_limit" else Integral
            is_number = isinstance(value, kind) and not isinstance(value, bool)
            if not is_number:
                wanted = "a number" if kind is Real else "an integer"
                raise TypeError(f"{name} must be {wanted}, got {value!r}")
            if not least <= value <= most:  # NaN is neither
                raise ValueError(f"{name} must be from {least:,} to {most:,}; got {value}")
        if self.max_pictures > self.max_waiting:
            raise ValueError(
                f"max_pictures={self.max_pictures} must be at most max_waiting={self.max_waiting}"
            )

    def check_window(self, n_classes: int) -> None:
        """Raise an error for a window that takes too much memory with so many classes."""
        if self.window * n_classes > _MOST_CELLS:
            most = _MOST_CELLS // n_classes
            raise ValueError(
                f"window={self.window} of {counted(n_classes, 'class')} takes "
                f"{4e-9 * self.window * n_classes:.0f} GB: give at most {most:,}"
            )

    @property
    def request_bytes(self) -> int:
        """Bytes of a request."""
        return self.max_upload * MEGABYTE

    @property
    def held_bytes(self) -> int:
        """Bytes of all requests together."""
        return self.request_bytes * _TOGETHER
