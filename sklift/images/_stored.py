"""Decoded pictures in a folder, which processes share and which outlives them."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b
from pathlib import Path

import PIL
from PIL import features

from .._compute._threads import map_items
from .._store._folder_arrays import MAX_BYTES, StoredArrays, stored_arrays
from ._sources import ImageSource

_KIND = "pictures-2"


class StoredImages(StoredArrays):
    """Pictures (height, width, 3) uint8 by what their files hold.

    Parameters
    ----------
    directory : str or Path
        The folder; made where it is not there.
    kind : str
        What the names of its files begin with.
    max_bytes : int, default=2**34
        The most that the pixels take on the disk.
    """

    def __init__(self, directory, kind: str = _KIND, max_bytes: int = MAX_BYTES):
        super().__init__(directory, kind, max_bytes)

    def keys(self, source: ImageSource, indices: Iterable[int]) -> list[bytes]:
        """What tells files: what they hold, what decodes it, and how far it is reduced."""

        def key(i: int) -> bytes:
            source.glance(i)  # a pipe, for instance, is not to be read
            return _decoders() + bytes([source.factor(i)]) + source.fingerprint(i)

        return map_items(key, indices)


def stored_images(directory: Path) -> StoredImages:
    """Those of a folder, one object for all fits of the process."""
    stored = stored_arrays(StoredImages, directory, _KIND, MAX_BYTES)
    assert isinstance(stored, StoredImages)  # the class that it was made of
    return stored


@cache
def _decoders() -> bytes:
    """Of another version of Pillow and its libraries, pixels may differ by one."""
    names = ("jpg", "libjpeg_turbo", "jpg_2000", "webp", "avif", "libtiff")
    versions = [PIL.__version__, *map(features.version, names)]
    return blake2b(repr(versions).encode(), digest_size=8).digest()
