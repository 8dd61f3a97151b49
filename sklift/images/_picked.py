"""Some pictures of another sequence, by index."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

import numpy as np

from ._sources import ImageSource
from ._wrapped import WrappedSource


class PickedSource(WrappedSource):
    """Selected pictures of a source, by index.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    indices : ndarray of int
        Those that are selected.
    """

    def __init__(self, source: ImageSource, indices: np.ndarray):
        super().__init__(source)
        self.indices = indices

    def __len__(self) -> int:
        return len(self.indices)

    def place(self, i: int) -> int:
        """Index of a picture in the source."""
        return int(self.indices[i])

    def __getitem__(self, i: int) -> np.ndarray:
        return self.source[self.place(i)]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures."""
        return self.source.fetch([self.place(i) for i in indices])

    def reduced(self, least: int) -> PickedSource:
        """Return the selected pictures at a lower resolution."""
        return PickedSource(self.source.reduced(least), self.indices)

    @cached_property
    def labels(self) -> np.ndarray | None:
        """Labels of the selected pictures, if the source has some."""
        labels = self.source.labels
        return None if labels is None else labels[self.indices]
