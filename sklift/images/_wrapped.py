"""A source around another one: what it does not change, it passes on."""

from __future__ import annotations

from copy import copy
from functools import cached_property

import numpy as np

from ._look import Look
from ._sources import ImageSource


class WrappedSource(ImageSource):
    """Base of sources that change how the pictures of another source are fetched, or which.

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

    def place(self, i: int) -> int:
        """Index of a picture in the source."""
        return i

    def at_frame(self, frame: int) -> ImageSource:
        """Return this source with another frame of each picture."""
        source = copy(self)
        source.source = self.source.at_frame(frame)
        source.reading = source.source.reading
        return source

    def n_frames(self, i: int) -> int:
        """Number of frames of a picture of the source."""
        return self.source.n_frames(self.place(i))

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding."""
        return self.source.factor(self.place(i))

    def n_pixels(self, i: int) -> int:
        """Pixels of a picture of the source."""
        return self.source.n_pixels(self.place(i))

    def look(self, i: int) -> Look:
        """What may be surprising in a picture of the source."""
        return self.source.look(self.place(i))

    def check_header(self, i: int) -> None:
        """Check the header of a picture of the source."""
        self.source.check_header(self.place(i))

    def decoder(self, i: int) -> str:
        """What decodes a picture of the source."""
        return self.source.decoder(self.place(i))

    def key(self, i: int) -> tuple | None:
        """Key of a picture of the source."""
        return self.source.key(self.place(i))

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture of the source."""
        return self.source.fingerprint(self.place(i))

    def original_fingerprint(self, i: int) -> bytes:
        """That of the source."""
        return self.source.original_fingerprint(self.place(i))

    # No attribute as elsewhere: a dataset is asked for labels only when they are needed.
    @cached_property
    def labels(self) -> np.ndarray | None:
        """Labels of the pictures, if the source has some."""
        return self.source.labels
