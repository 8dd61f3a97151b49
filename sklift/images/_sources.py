"""Sequences of decoded pictures, whatever place they come from."""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property
from hashlib import blake2b

import numpy as np

from ._look import NOTHING, Look
from ._reading import PLAIN, Reading


class ImageSource:
    """Pictures by index: ``source[i]`` is (height, width, 3) uint8, not to be written to.

    Attributes
    ----------
    labels : ndarray of shape (n_images,) or None
        The labels, if X holds (image, label) items.
    reads_files : bool
        Whether an item is decoded from a file on each access.
    """

    reads_files = False
    least: int | None = None  # no image is reduced
    reading: Reading = PLAIN

    @cached_property
    def labels(self) -> np.ndarray | None:
        return None

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, i: int) -> np.ndarray:
        raise NotImplementedError

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures."""
        return [self[i] for i in indices]

    def reduced(self, least: int) -> ImageSource:
        """The same, with each side divided by 2, 4 or 8, where the shorter one keeps `least`."""
        source = copy(self)
        source.least = least
        return source

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding."""
        return 1

    def at_frame(self, frame: int) -> ImageSource:
        """The same, of another frame of each picture."""
        source = copy(self)
        source.reading = replace(self.reading, frame=frame)
        return source

    def n_frames(self, i: int) -> int:
        """Number of frames of a picture, where the reading asks for all."""
        return 1

    def n_pixels(self, i: int) -> int:
        """Pixels of an image once it is decoded; 0 where that is not known, or it is."""
        return 0

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of the content of a picture, 16 bytes: equal for equal pictures only."""
        return array_fingerprint(self[i])

    def original_fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture as it was given, where that is known, however it is read."""
        return self.fingerprint(i)

    def look(self, i: int) -> Look:
        """What range and what opacity an image has, where that may be surprising."""
        return NOTHING

    def check_header(self, i: int) -> None:
        """Raise the errors of a picture that can be seen before it is read."""

    def decoder(self, i: int) -> str:
        """What else than Pillow decodes a picture, with its versions; empty: nothing."""
        return ""

    def key(self, i: int) -> tuple | None:
        """Key of a picture, cheap to compute and unique over all sources; None: there is none."""
        return None

    def identity(self) -> str:
        """Identity of the pictures and their order: a text that differs for any others."""
        digest = blake2b(digest_size=16)
        for i in range(len(self)):
            digest.update(self.fingerprint(i))
        return digest.hexdigest()


def array_fingerprint(image: np.ndarray) -> bytes:
    """Fingerprint of 16 bytes of the shape and the numbers of an array."""
    image = np.ascontiguousarray(image)
    digest = blake2b(str(image.shape).encode(), digest_size=16)
    digest.update(image)
    return digest.digest()


def marked(fingerprint: bytes, reading: Reading) -> bytes:
    """A fingerprint of 16 bytes that tells ways of reading apart as well."""
    mark = reading.mark()
    return blake2b(fingerprint + mark, digest_size=16).digest() if mark else fingerprint


def check_not_empty(n: int) -> None:
    """Refuse an X that holds no picture."""
    if n == 0:
        raise ValueError("X is empty: give at least one picture")
