"""Settings by which numbers become pictures: range of values, channels, frame."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b

from ._formats import FileFormat

PERCENTILES = (0.5, 99.5)


@dataclass(frozen=True)
class Reading:
    """What a :class:`Reader` asks of each picture.

    Parameters
    ----------
    value_range : None, int, (low, high) or "percentiles"
        What becomes black and white.
    channels : tuple of int or None
        The channels that are seen.
    frame : int, "middle" or "all"
        The page of a file that has many; "all" stands for each of them where they can be seen, and
        for the middle one elsewhere.
    formats : tuple of FileFormat
        Formats of the user's own.
    """

    value_range: int | tuple[float, float] | str | None = None
    channels: tuple[int, ...] | None = None
    frame: int | str = 0
    formats: tuple[FileFormat, ...] = ()

    def mark(self) -> bytes:
        """Bytes that tell this way of reading from others; none for the default."""
        if self == PLAIN:
            return b""
        own = [each.mark() for each in self.formats]
        settings = repr((self.value_range, self.channels, self.frame, own))
        return blake2b(settings.encode(), digest_size=8).digest()


PLAIN = Reading()
