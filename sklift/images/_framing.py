"""Framing: pictures of any shape made square, before views are cut from them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from hashlib import blake2b

import numpy as np

from .._compute._threads import map_items
from ._sources import ImageSource
from ._wrapped import WrappedSource

LONGEST = 8  # longer side that can be seen, in shorter sides


def middle(image: np.ndarray) -> np.ndarray:
    """Cut a very long picture to its middle, eight times as long as wide.

    No view shows the rest, and the whole, resized, could take any amount of memory.
    """
    height, width = image.shape[:2]
    most = LONGEST * min(height, width)
    top, left = max(0, height - most) // 2, max(0, width - most) // 2
    return image[top : top + min(height, most), left : left + min(width, most)]


def squash(image: np.ndarray) -> np.ndarray:
    """Resize a picture (h, w, 3) to a square of the same area: both sides are seen whole."""
    from ._views import resize  # loads torch, which readers do without

    height, width = image.shape[:2]
    if height == width:
        return image
    side = max(1, round((height * width) ** 0.5))
    return np.ascontiguousarray(resize(image, side, side).permute(1, 2, 0).numpy())


def pad(image: np.ndarray) -> np.ndarray:
    """Put a picture (h, w, 3) in the middle of a square of its mean colour.

    Of very long ones, the middle is taken: the square of the whole could take any amount of memory.
    """
    image = middle(image)
    height, width = image.shape[:2]
    if height == width:
        return image
    side = max(height, width)
    square = np.empty((side, side, 3), np.uint8)
    square[:] = image.mean(axis=(0, 1)).round()
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = image
    return square


FRAMINGS: dict[str, Callable[[np.ndarray], np.ndarray] | None] = {
    "crop": None,
    "squash": squash,
    "pad": pad,
}


class FramedSource(WrappedSource):
    """A source whose pictures are square.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    framing : str
        A key of ``FRAMINGS``, but not "crop", which leaves pictures as they are.
    """

    def __init__(self, source: ImageSource, framing: str):
        super().__init__(source)
        self.framing = framing

    def __getitem__(self, i: int) -> np.ndarray:
        return self._framed(self.source[i])

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures."""
        return map_items(self._framed, self.source.fetch(indices))

    def _framed(self, image: np.ndarray) -> np.ndarray:
        frame = FRAMINGS[self.framing]
        assert frame is not None
        return frame(image)

    def reduced(self, least: int) -> FramedSource:
        """Return this source at a lower resolution."""
        return FramedSource(self.source.reduced(least), self.framing)

    def n_pixels(self, i: int) -> int:
        """Those of the picture, or the most that its square has."""
        return self.source.n_pixels(i) * (LONGEST if self.framing == "pad" else 1)

    def key(self, i: int) -> tuple | None:
        """Key of a picture of the source, with the framing."""
        key = self.source.key(i)
        return None if key is None else (self.framing, *key)

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture of the source, with the framing."""
        marked = self.framing.encode() + self.source.fingerprint(i)
        return blake2b(marked, digest_size=16).digest()
