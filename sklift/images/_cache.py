"""Decode once: what files hold is kept, in memory or in a folder."""

from __future__ import annotations

import os
import random
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from torch.utils.data import get_worker_info

from ._sources import ImageSource
from ._stored import StoredImages


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

    def keys(self, source: ImageSource, indices: Iterable[int]) -> list:
        """What tells files while this process runs."""
        keys = []
        for i in indices:
            key = source.key(i)
            assert key is not None  # files have one
            keys.append((source.factor(i), *key))
        return keys

    def find(self, keys: Iterable[tuple]) -> dict[tuple, np.ndarray]:
        """The known ones among ``keys``."""
        images = {key: self._images.get(key) for key in keys}
        return {key: image for key, image in images.items() if image is not None}

    def add(self, images: Mapping[tuple, np.ndarray], make_room: bool = True) -> None:
        """Keep these as well, if there is room, or room can be made."""
        worker = get_worker_info()
        bound = self.max_bytes // (worker.num_workers if worker else 1)
        with self._lock:
            for key, image in images.items():
                room = bound if make_room else bound - self.n_bytes
                if key in self._images or image.nbytes > room:
                    continue
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
    decoded : DecodedImages or StoredImages, optional
        Where they are kept; by default the memory of the process.
    """

    def __init__(
        self,
        source: ImageSource,
        make_room: bool = True,
        decoded: DecodedImages | StoredImages = DECODED,
    ):
        self.source = source
        self.make_room = make_room
        self.decoded: Any = decoded
        self.reads_files = source.reads_files

    def __reduce__(self):
        own = (self.decoded,) if isinstance(self.decoded, StoredImages) else ()
        return CachedSource, (self.source, self.make_room, *own)

    def __len__(self) -> int:
        return len(self.source)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.fetch([i])[0]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Several images, each decoded unless it is known."""
        if not self.reads_files:
            return self.source.fetch(indices)
        keys = self.decoded.keys(self.source, indices)
        images = self.decoded.find(keys)
        new = {key: i for key, i in zip(keys, indices, strict=True) if key not in images}
        if new:
            decoded = dict(zip(new, self.source.fetch(list(new.values())), strict=True))
            still = set(self.decoded.keys(self.source, new.values()))
            kept = {key: image for key, image in decoded.items() if key in still}
            self.decoded.add(kept, self.make_room)
            images |= decoded
        return [images[key] for key in keys]

    def reduced(self, least: int) -> CachedSource:
        """The source's, reduced; what is kept is told apart by how far."""
        return CachedSource(self.source.reduced(least), self.make_room, self.decoded)

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

    # no plain attribute as elsewhere: a dataset is asked for them only where they are needed
    @property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        return self.source.labels
