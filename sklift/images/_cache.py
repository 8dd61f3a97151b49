"""Decode once: files are kept in memory after they were read."""

from __future__ import annotations

import threading

import numpy as np
from torch.utils.data import get_worker_info

from sklift.images._sources import ImageSource


class CachedSource(ImageSource):
    """Keep the decoded images of files in memory, up to a bound.

    Images that no longer fit are decoded on each access; the first ones to come stay, since under
    random order no choice is better. A source that doesn't read files is passed through. A
    pickled copy starts empty; data-loading workers share the bound among them.

    Parameters
    ----------
    source : ImageSource
        The images.
    max_bytes : int, default=2**30
        The most memory to use.
    """

    def __init__(self, source: ImageSource, max_bytes: int = 1 << 30):
        self.source = source
        self.max_bytes = max_bytes
        self.reads_files = source.reads_files
        self.n_bytes = 0
        self._images: dict[int, np.ndarray] = {}
        self._lock = threading.Lock()

    def __reduce__(self):
        return CachedSource, (self.source, self.max_bytes)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, i: int) -> np.ndarray:
        image = self._images.get(i)
        if image is None:
            image = self.source[i]
            if self.reads_files:
                self._keep(i, image)
        return image

    def identity(self) -> str:
        """That of the images."""
        return self.source.identity()

    @property
    def labels(self) -> np.ndarray | None:
        return self.source.labels

    def _keep(self, i: int, image: np.ndarray) -> None:
        worker = get_worker_info()
        bound = self.max_bytes // (worker.num_workers if worker else 1)
        with self._lock:
            if i not in self._images and self.n_bytes + image.nbytes <= bound:
                self._images[i] = image
                self.n_bytes += image.nbytes
