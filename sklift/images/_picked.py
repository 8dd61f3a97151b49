"""Some pictures of another sequence, by index."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ._sources import ImageSource


class PickedSource(ImageSource):
    """Selected pictures of a source, by index."""

    def __init__(self, source: ImageSource, indices: np.ndarray):
        self.source = source
        self.indices = indices
        self.reads_files = source.reads_files
        self.reading = source.reading

    def __len__(self) -> int:
        return len(self.indices)

    # A property, not an attribute as elsewhere: a dataset is asked for labels only when needed.
    @property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """Those of the source."""
        labels = self.source.labels
        return None if labels is None else labels[self.indices]

    def __getitem__(self, i: int) -> np.ndarray:
        return self.source[int(self.indices[i])]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures."""
        return self.source.fetch([int(self.indices[i]) for i in indices])

    def reduced(self, least: int) -> PickedSource:
        """Return the selected pictures at a lower resolution."""
        return PickedSource(self.source.reduced(least), self.indices)

    def at_frame(self, frame: int) -> PickedSource:
        """Return another frame of the selected pictures."""
        return PickedSource(self.source.at_frame(frame), self.indices)

    def n_frames(self, i: int) -> int:
        """Number of frames of a picture of the source."""
        return self.source.n_frames(int(self.indices[i]))

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture of the source."""
        return self.source.factor(int(self.indices[i]))

    def n_pixels(self, i: int) -> int:
        """Those of the image."""
        return self.source.n_pixels(int(self.indices[i]))

    def decoder(self, i: int) -> str:
        """What decodes a picture of the source."""
        return self.source.decoder(int(self.indices[i]))

    def key(self, i: int) -> tuple | None:
        """Key of a picture of the source."""
        return self.source.key(int(self.indices[i]))

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture of the source."""
        return self.source.fingerprint(int(self.indices[i]))
