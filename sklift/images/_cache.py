"""Decode once: what files hold is kept in memory, for all fits of the process."""

from __future__ import annotations

import os
import random
import threading

import numpy as np
from torch.utils.data import get_worker_info

from sklift.images._sources import ImageSource


class DecodedImages:
    """Decoded images by key, up to a bound.

    When it is full, any image makes room: under random and under cyclic order, the rule to drop
    the one used longest ago would drop each just before it is needed.

    Parameters
    ----------
    max_bytes : int, default=2**30
        The most memory to use; data-loading workers share it among them.
    """

    def __init__(self, max_bytes: int = 1 << 30):
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self._images: dict[tuple, np.ndarray] = {}
        self._keys: list[tuple] = []
        self._random = random.Random(0)
        self._lock = threading.Lock()

    def find(self, key: tuple) -> np.ndarray | None:
        """The image of this key, if it is there."""
        return self._images.get(key)

    def add(self, key: tuple, image: np.ndarray, make_room: bool = True) -> None:
        """Keep an image if there is room, or room can be made."""
        worker = get_worker_info()
        bound = self.max_bytes // (worker.num_workers if worker else 1)
        with self._lock:
            room = bound if make_room else bound - self.n_bytes
            if key in self._images or image.nbytes > room:
                return
            while self.n_bytes + image.nbytes > bound:
                i = self._random.randrange(len(self._keys))
                self._keys[i], self._keys[-1] = self._keys[-1], self._keys[i]
                self.n_bytes -= self._images.pop(self._keys.pop()).nbytes
            self._images[key] = image
            self._keys.append(key)
            self.n_bytes += image.nbytes


DECODED = DecodedImages()
if hasattr(os, "register_at_fork"):  # the lock may be held by a thread that the child lacks
    os.register_at_fork(after_in_child=lambda: setattr(DECODED, "_lock", threading.Lock()))


class CachedSource(ImageSource):
    """A source whose files are decoded once, as long as they don't change.

    Images that don't come from files are passed through.

    Parameters
    ----------
    source : ImageSource
        The images.
    make_room : bool, default=True
        Whether what is decoded may push out what is there.
    decoded : DecodedImages, optional
        Where they are kept; by default that of the process.
    """

    def __init__(
        self, source: ImageSource, make_room: bool = True, decoded: DecodedImages = DECODED
    ):
        self.source = source
        self.make_room = make_room
        self.decoded = decoded
        self.reads_files = source.reads_files

    def __reduce__(self):
        return CachedSource, (self.source, self.make_room)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, i: int) -> np.ndarray:
        key = self.source.key(i)
        if key is None:
            return self.source[i]
        image = self.decoded.find(key)
        if image is None:
            image = self.source[i]
            self.decoded.add(key, image, self.make_room)
        return image

    def glance(self, i: int) -> None:
        """That at the image."""
        self.source.glance(i)

    def key(self, i: int) -> tuple | None:
        """That of the image."""
        return self.source.key(i)

    def fingerprint(self, i: int) -> bytes:
        """That of the image."""
        return self.source.fingerprint(i)

    def identity(self) -> str:
        """That of the images."""
        return self.source.identity()

    @property
    def labels(self) -> np.ndarray | None:
        return self.source.labels
