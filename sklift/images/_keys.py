"""Keys of decoded pictures."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from hashlib import blake2b

import PIL
from PIL import features

from .._compute._threads import map_items
from ._sources import ImageSource


def keys_by_stamp(source: ImageSource, indices: Iterable[int]) -> list:
    """Keys of pictures while this process runs: the stamps of their files, and the reduction."""
    keys = []
    for i in indices:
        stamp = source.key(i)
        assert stamp is not None  # files have one
        keys.append((source.factor(i), *stamp))
    return keys


def keys_by_content(source: ImageSource, indices: Iterable[int]) -> list[bytes]:
    """Keys of pictures in any process: fingerprints, versions of decoders, and the reduction."""

    def key(i: int) -> bytes:
        source.check_header(i)  # a pipe, for instance, is not to be read
        return _decoders(source.decoder(i)) + bytes([source.factor(i)]) + source.fingerprint(i)

    return map_items(key, indices)


@cache
def _decoders(other: str) -> bytes:
    """Checksum of the versions of Pillow, its libraries and others: pixels may differ."""
    names = ("jpg", "libjpeg_turbo", "jpg_2000", "webp", "avif", "libtiff")
    versions = [PIL.__version__, *map(features.version, names), *[other] * bool(other)]
    return blake2b(repr(versions).encode(), digest_size=8).digest()
