"""Sequences of pictures in memory: an array, or a list of pictures of several kinds."""

from __future__ import annotations

import numbers
from hashlib import blake2b

import numpy as np

from ._arrays import check_format
from ._decode import check_encoded, check_image, frames_of, to_rgb
from ._items import content_of, is_encoded
from ._levels import check_range
from ._look import Look, look_at
from ._reading import PLAIN, Reading
from ._sources import ImageSource, array_fingerprint, check_not_empty, marked


class ArraySource(ImageSource):
    """An array (n, height, width[, channels]), or (n, n_values) with the shape of its pictures."""

    def __init__(self, array: np.ndarray, image_shape=None, reading: Reading = PLAIN):
        self.array = array
        self.reading = reading
        self.image_shape = tuple(array.shape[1:])
        if len(array.shape) == 2:
            self.image_shape = _check_image_shape(image_shape, array.shape[1], reading)
        elif len(array.shape) not in (3, 4) or _looks_single(array):
            raise ValueError(
                f"X has shape {array.shape}; give an array (n, height, width) or (n, height, "
                f"width, channels) (a single picture as X[None]), or (n, values) and "
                f"reader__image_shape"
            )
        check_not_empty(array.shape[0])
        self._check()

    def _check(self) -> None:
        check_format(self.array, "X", self.image_shape, self.reading)
        check_range(self.array, "X", many=True, reading=self.reading)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_rgb(self._image(i), f"X[{i}]", self.reading, self.least)

    def original_fingerprint(self, i: int) -> bytes:
        """That of the numbers."""
        return array_fingerprint(self._image(i))

    def look(self, i: int) -> Look:
        """Look at the numbers."""
        return look_at(self._image(i), f"X[{i}]", self.reading)

    def _image(self, i: int) -> np.ndarray:
        return self.array[i].reshape(self.image_shape)


class ListSource(ImageSource):
    """A list of images of several kinds and sizes, in memory or opened."""

    def __init__(self, images: list, reading: Reading = PLAIN):
        self.images = images
        self.reading = reading
        for i, image in enumerate(images):
            check_image(image, f"X[{i}]", reading)

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_rgb(self.images[i], f"X[{i}]", self.reading, self.least)

    def n_frames(self, i: int) -> int:
        """Number of frames of a file or of an opened image."""
        return frames_of(self.images[i], f"X[{i}]", self.reading)

    def look(self, i: int) -> Look:
        """Look at the image."""
        return look_at(self.images[i], f"X[{i}]", self.reading)

    def check_header(self, i: int) -> None:
        """Look at the first bytes of what is still to be decoded."""
        if is_encoded(self.images[i]):
            check_encoded(self.images[i], f"X[{i}]", self.reading)

    def fingerprint(self, i: int) -> bytes:
        """That of the content of a file, as of files elsewhere; of others, that of the pixels."""
        if not is_encoded(self.images[i]):
            return super().fingerprint(i)
        return marked(self.original_fingerprint(i), self.reading)

    def original_fingerprint(self, i: int) -> bytes:
        """That of the content of a file, or of the numbers of an array."""
        image = self.images[i]
        if is_encoded(image):
            return blake2b(content_of(image, f"X[{i}]"), digest_size=16).digest()
        return array_fingerprint(image) if isinstance(image, np.ndarray) else self.fingerprint(i)


def _check_image_shape(image_shape, n_values: int, reading: Reading) -> tuple[int, ...]:
    if image_shape is None:
        raise ValueError(
            f"X has two dimensions: give reader__image_shape=(height, width) or "
            f"(height, width, channels) if its rows are flattened pictures of {n_values} values"
        )
    shape = tuple(image_shape)
    valid = len(shape) in (2, 3) and all(
        isinstance(s, numbers.Integral) and int(s) > 0 for s in shape
    )
    few = reading.channels is None
    if not valid or (few and len(shape) == 3 and shape[2] not in (1, 3, 4)):
        raise ValueError(
            f"image_shape must be (height, width) or (height, width, channels) with 1, 3 or 4 "
            f"channels, got {image_shape!r}"
        )
    if np.prod(shape) != n_values:
        raise ValueError(
            f"reader__image_shape={shape} means {np.prod(shape)} columns, but X has {n_values}"
        )
    return shape


def _looks_single(array: np.ndarray) -> bool:
    # (height, width, 3) would pass for many pictures of 3 columns each.
    return len(array.shape) == 3 and array.shape[2] in (3, 4) and array.shape[1] > 4
