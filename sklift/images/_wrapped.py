"""A source around another one: what it does not change, it passes on."""

from __future__ import annotations

from copy import copy

import numpy as np

from ._look import Look
from ._sources import ImageSource


class WrappedSource(ImageSource):
    """Base of sources that change how the pictures of another source are fetched.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    """

    def __init__(self, source: ImageSource):
        self.source = source
        self.reads_files = source.reads_files
        self.reading = source.reading

    def __len__(self) -> int:
        return len(self.source)

    def at_frame(self, frame: int) -> ImageSource:
        """Return this source with another frame of each picture."""
        source = copy(self)
        source.source = self.source.at_frame(frame)
        source.reading = source.source.reading
        return source

    def n_frames(self, i: int) -> int:
        """Number of frames of a picture of the source."""
        return self.source.n_frames(i)

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding."""
        return self.source.factor(i)

    def n_pixels(self, i: int) -> int:
        """Pixels of a picture of the source."""
        return self.source.n_pixels(i)

    def look(self, i: int) -> Look:
        """What may be surprising in a picture of the source."""
        return self.source.look(i)

    def check_header(self, i: int) -> None:
        """Check the header of a picture of the source."""
        self.source.check_header(i)

    def decoder(self, i: int) -> str:
        """What decodes a picture of the source."""
        return self.source.decoder(i)

    def key(self, i: int) -> tuple | None:
        """Key of a picture of the source."""
        return self.source.key(i)

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture of the source."""
        return self.source.fingerprint(i)

    # A property, not an attribute as elsewhere: a dataset is asked for labels only when needed.
    @property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        return self.source.labels
