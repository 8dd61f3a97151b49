"""Pictures of two sources, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._look import Look
from ._sources import ImageSource


class JoinedSource(ImageSource):
    """The pictures of two sources, as one source without labels.

    Parameters
    ----------
    first, second : ImageSource
        The pictures, in this order.
    """

    def __init__(self, first: ImageSource, second: ImageSource):
        self.first = first
        self.second = second
        self.reads_files = first.reads_files or second.reads_files
        self.reading = first.reading

    def __len__(self) -> int:
        return len(self.first) + len(self.second)

    def _place(self, i: int) -> tuple[ImageSource, int]:
        n = len(self.first)
        return (self.first, i) if i < n else (self.second, i - n)

    def __getitem__(self, i: int) -> np.ndarray:
        source, j = self._place(i)
        return source[j]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures; those of each source together."""
        n = len(self.first)
        old = iter(self.first.fetch([i for i in indices if i < n]))
        new = iter(self.second.fetch([i - n for i in indices if i >= n]))
        return [next(old if i < n else new) for i in indices]

    def reduced(self, least: int) -> JoinedSource:
        """Return both sources at a lower resolution."""
        return JoinedSource(self.first.reduced(least), self.second.reduced(least))

    def at_frame(self, frame: int) -> JoinedSource:
        """Return both sources with another frame of each picture."""
        return JoinedSource(self.first.at_frame(frame), self.second.at_frame(frame))

    def n_frames(self, i: int) -> int:
        """Number of frames of a picture of its source."""
        source, j = self._place(i)
        return source.n_frames(j)

    def decoder(self, i: int) -> str:
        """What decodes a picture of its source."""
        source, j = self._place(i)
        return source.decoder(j)

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding."""
        source, j = self._place(i)
        return source.factor(j)

    def n_pixels(self, i: int) -> int:
        """Pixels of a picture of its source."""
        source, j = self._place(i)
        return source.n_pixels(j)

    def look(self, i: int) -> Look:
        """What may be surprising in a picture of its source."""
        source, j = self._place(i)
        return source.look(j)

    def check_header(self, i: int) -> None:
        """Check the header of a picture of its source."""
        source, j = self._place(i)
        source.check_header(j)

    def key(self, i: int) -> tuple | None:
        """Key of a picture of its source."""
        source, j = self._place(i)
        return source.key(j)

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture of its source."""
        source, j = self._place(i)
        return source.fingerprint(j)

    def original_fingerprint(self, i: int) -> bytes:
        """That of its source."""
        source, j = self._place(i)
        return source.original_fingerprint(j)
