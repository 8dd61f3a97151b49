"""All frames of pictures, each as a picture of its own."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from .._compute._threads import map_items
from ._look import Look
from ._read_errors import READ_ERRORS
from ._sources import ImageSource


class FramesSource(ImageSource):
    """A source of the frames of the pictures of another, picture by picture.

    Parameters
    ----------
    source : ImageSource
        The pictures, whose reading says ``frame="all"``.

    Attributes
    ----------
    counts : ndarray of shape (n_pictures,), int
        The number of frames of each picture.
    """

    def __init__(self, source: ImageSource):
        self.source = source
        self.reads_files = source.reads_files
        self.counts = np.array(map_items(self._count, range(len(source))), dtype=np.intp)
        self._pictures = np.repeat(np.arange(len(source)), self.counts)
        starts = np.repeat(np.cumsum(self.counts) - self.counts, self.counts)
        self._frames = np.arange(len(self._pictures)) - starts

    def _count(self, i: int) -> int:
        try:
            return self.source.n_frames(i)
        except READ_ERRORS:  # raised where it is read
            return 1

    def __len__(self) -> int:
        return len(self._pictures)

    def _at(self, i: int) -> tuple[ImageSource, int]:
        """The source at the frame of an item, and the index of its picture."""
        return self.source.at_frame(int(self._frames[i])), int(self._pictures[i])

    def __getitem__(self, i: int) -> np.ndarray:
        source, picture = self._at(i)
        return source[picture]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several frames, those with the same number together."""
        indices = np.asarray(indices, dtype=np.intp)
        found: list = [None] * len(indices)
        frames = self._frames[indices]
        for frame in np.unique(frames):
            places = np.flatnonzero(frames == frame)
            pictures = self._pictures[indices[places]].tolist()
            images = self.source.at_frame(int(frame)).fetch(pictures)
            for place, image in zip(places, images, strict=True):
                found[place] = image
        return found

    def reduced(self, least: int) -> FramesSource:
        """Return the frames at a lower resolution."""
        return FramesSource(self.source.reduced(least))

    def factor(self, i: int) -> int:
        """Divisor of the sides of a frame in decoding."""
        source, picture = self._at(i)
        return source.factor(picture)

    def n_pixels(self, i: int) -> int:
        """Pixels of a frame."""
        source, picture = self._at(i)
        return source.n_pixels(picture)

    def look(self, i: int) -> Look:
        """What may be surprising in a frame."""
        source, picture = self._at(i)
        return source.look(picture)

    def check_header(self, i: int) -> None:
        """Check the header of a picture."""
        source, picture = self._at(i)
        source.check_header(picture)

    def decoder(self, i: int) -> str:
        """What decodes a picture."""
        source, picture = self._at(i)
        return source.decoder(picture)

    def key(self, i: int) -> tuple | None:
        """Key of a frame."""
        source, picture = self._at(i)
        return source.key(picture)

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a frame."""
        source, picture = self._at(i)
        return source.fingerprint(picture)

    def original_fingerprint(self, i: int) -> bytes:
        """That of the picture."""
        source, picture = self._at(i)
        return source.original_fingerprint(picture)
