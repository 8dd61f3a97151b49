"""Cache of decoded files, in memory or in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .._store._cache import resolve_cache
from ._keys import keys_by_content, keys_by_stamp
from ._sources import ImageSource
from ._wrapped import WrappedSource


class CachedSource(WrappedSource):
    """A source whose files are decoded once, as long as they don't change.

    Pictures that don't come from files are passed through.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    make_room : bool, default=True
        Whether new pictures may push out those that the store holds already.
    store : MemoryArrays or StoredArrays, optional
        Store of the decoded pictures; by default the memory of the process.
    """

    def __init__(self, source: ImageSource, make_room: bool = True, store=None):
        super().__init__(source)
        self.make_room = make_room
        self.store: Any = resolve_cache("auto").pictures if store is None else store

    def __reduce__(self):
        store = (self.store,) if self.store.outlives_process else ()
        return CachedSource, (self.source, self.make_room, *store)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.fetch([i])[0]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures; only those that the store lacks are decoded."""
        if not self.reads_files:
            return self.source.fetch(indices)
        keys_of = keys_by_content if self.store.outlives_process else keys_by_stamp
        keys = keys_of(self.source, indices)
        images = {key: image for key, image in self.store.find(keys).items() if _is_whole(image)}
        new = {key: i for key, i in zip(keys, indices, strict=True) if key not in images}
        if new:
            decoded = dict(zip(new, self.source.fetch(list(new.values())), strict=True))
            still = set(keys_of(self.source, new.values()))
            kept = {key: image for key, image in decoded.items() if key in still}
            self.store.add(kept, self.make_room)
            images |= decoded
        return [images[key] for key in keys]

    def reduced(self, least: int) -> CachedSource:
        """Return this source at a lower resolution; the store keeps each resolution by itself."""
        return CachedSource(self.source.reduced(least), self.make_room, self.store)

    def at_frame(self, frame: int) -> CachedSource:
        """Return this source with another frame of each picture, kept in the same store."""
        return CachedSource(self.source.at_frame(frame), self.make_room, self.store)

    def identity(self) -> str:
        """Identity of the source."""
        return self.source.identity()


def _is_whole(image: np.ndarray) -> bool:
    """Return whether a stored array has the form of a picture: a folder may be damaged."""
    return image.dtype == np.uint8 and image.ndim == 3 and image.shape[2] == 3 and image.size > 0
