"""Sequences of decoded pictures, one class for each place that they come from."""

from __future__ import annotations

import numbers
import os
from collections.abc import Sequence
from copy import copy
from dataclasses import replace
from functools import cached_property, lru_cache, partial
from hashlib import blake2b, file_digest

import numpy as np

from .._compute._threads import map_items
from .._core._text import visible
from ._arrays import check_format
from ._decode import (
    Header,
    check_encoded,
    check_file,
    check_image,
    factor_for,
    frames_of,
    read,
    read_reduced,
    to_rgb,
)
from ._items import check_label, content_of, is_encoded, is_pair, is_path, labels_of
from ._levels import check_range
from ._look import NOTHING, Look, look_at, look_at_file
from ._read_errors import READ_ERRORS, first_of, read_errors
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
    labels: np.ndarray | None = None
    least: int | None = None  # no image is reduced
    reading: Reading = PLAIN

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
        image = np.ascontiguousarray(self[i])
        digest = blake2b(str(image.shape).encode(), digest_size=16)
        digest.update(image)
        return digest.digest()

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


class FileSource(ImageSource):
    """Picture files. Missing files are an error at once, damaged ones when they are read."""

    reads_files = True

    def __init__(self, paths, must_exist: bool = True, reading: Reading = PLAIN):
        self.reading = reading
        self.paths = [str(os.fspath(path)) for path in paths]
        if must_exist:
            self._check_existing()

    def __len__(self) -> int:
        return len(self.paths)

    def _check_existing(self) -> None:
        """Raise an error if files are missing; it names damaged ones too, so that one does."""
        there = {i: os.path.exists(path) for i, path in enumerate(self.paths)}
        missing = [self.paths[i] for i, exists in there.items() if not exists]
        if not missing:
            return
        first = ", ".join(map(visible, missing[:3])) + (", ..." if len(missing) > 3 else "")
        message = f"{len(missing)} of the {len(self.paths)} files in X don't exist: {first}"
        others = read_errors(self.check_header, [i for i, exists in there.items() if exists])
        if others:
            message += f"; {len(others)} others can't be read: {first_of(list(others.values()))}"
        way_out = "correct the paths, or pass over such files with reader__on_error='skip'"
        raise FileNotFoundError(f"{message}; {way_out}")

    def __getitem__(self, i: int) -> np.ndarray:
        factor = self.factor(i)
        if factor == 1:
            return read(self.paths[i], self.reading)
        return read_reduced(self.paths[i], factor, self.reading)

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding: 1, 2, 4 or 8."""
        if self.least is None:
            return 1
        return factor_for(_header_of(self.reading, *self._stamp(i)).size, self.least)

    def n_pixels(self, i: int) -> int:
        """As many as the header says, of the reduced image."""
        try:
            width, height = _header_of(self.reading, *self._stamp(i)).size
            return height * width // self.factor(i) ** 2
        except (OSError, ValueError):  # it is refused where it is decoded
            return 0

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures, decoded by several threads."""
        return map_items(self.__getitem__, indices)

    def check_header(self, i: int) -> None:
        """Look at the first bytes of the file."""
        _header_of(self.reading, *self._stamp(i))

    def n_frames(self, i: int) -> int:
        """Number of frames that the file has."""
        return _header_of(self.reading, *self._stamp(i)).n_frames

    def decoder(self, i: int) -> str:
        """The format that reads the file, with its versions."""
        return _header_of(self.reading, *self._stamp(i)).decoder

    def look(self, i: int) -> Look:
        """Look at the header of the file, and at its pixels where that tells more."""
        return _look_of(self.reading, *self._stamp(i))

    def key(self, i: int) -> tuple:
        """Path, size and times of change, and how it is read."""
        return (*self._stamp(i), self.reading.mark())

    def _stamp(self, i: int) -> tuple:
        """Path, size and times of change: the second one can't be set to what it was."""
        path = os.path.abspath(self.paths[i])
        stat = os.stat(path)
        return path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def fingerprint(self, i: int) -> bytes:
        """That of the file, which need not be decoded."""
        return marked(_file_fingerprint(*self._stamp(i)), self.reading)

    def identity(self) -> str:
        """Identity by path, size and time of change: reading all files would take long.

        The change time of the inode, which differs for each copy of a file, does not count.
        """
        digest = blake2b(self.reading.mark(), digest_size=16)
        for i, path in enumerate(self.paths):
            digest.update(os.fsencode(path) + f"\0{self.key(i)[1:3]}\0".encode())
        return digest.hexdigest()


class PickedSource(ImageSource):
    """Selected pictures of a source, by index."""

    def __init__(self, source: ImageSource, indices: np.ndarray):
        self.source = source
        self.indices = indices
        self.reads_files = source.reads_files
        self.reading = source.reading

    def __len__(self) -> int:
        return len(self.indices)

    # A property, not an attribute as elsewhere: a dataset is asked for labels only when needed.
    @property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """Those of the source."""
        labels = self.source.labels
        return None if labels is None else labels[self.indices]

    def __getitem__(self, i: int) -> np.ndarray:
        return self.source[int(self.indices[i])]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures."""
        return self.source.fetch([int(self.indices[i]) for i in indices])

    def reduced(self, least: int) -> PickedSource:
        """Return the selected pictures at a lower resolution."""
        return PickedSource(self.source.reduced(least), self.indices)

    def at_frame(self, frame: int) -> PickedSource:
        """Return another frame of the selected pictures."""
        return PickedSource(self.source.at_frame(frame), self.indices)

    def n_frames(self, i: int) -> int:
        """Number of frames of a picture of the source."""
        return self.source.n_frames(int(self.indices[i]))

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture of the source."""
        return self.source.factor(int(self.indices[i]))

    def n_pixels(self, i: int) -> int:
        """Those of the image."""
        return self.source.n_pixels(int(self.indices[i]))

    def decoder(self, i: int) -> str:
        """What decodes a picture of the source."""
        return self.source.decoder(int(self.indices[i]))

    def key(self, i: int) -> tuple | None:
        """Key of a picture of the source."""
        return self.source.key(int(self.indices[i]))

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture of the source."""
        return self.source.fingerprint(int(self.indices[i]))


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
        content = content_of(self.images[i], f"X[{i}]")
        return marked(blake2b(content, digest_size=16).digest(), self.reading)


class DatasetSource(ImageSource):
    """A map-style dataset of pictures or (image, label); its items are made when asked for."""

    def __init__(self, dataset, must_exist: bool = True, reading: Reading = PLAIN):
        self.dataset = dataset
        self.reading = reading
        check_not_empty(len(dataset))
        self._look = NOTHING
        self._believed: list | None = None
        try:
            self._look_at_first()
        except READ_ERRORS:
            if must_exist:
                raise

    def _look_at_first(self) -> None:
        """Look at the first item: a dataset of anything else is found now, not in training."""
        first = self._image(0)
        self._pixels(first, 0)
        place = first if is_path(first) else "X[0]"
        self._look = look_at(first, str(place), self.reading)

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> np.ndarray:
        return self._pixels(self._image(i), i)

    def n_frames(self, i: int) -> int:
        """Number of frames of an item."""
        return frames_of(self._image(i), f"X[{i}]", self.reading)

    def look(self, i: int) -> Look:
        """What the first item told: to make others costs time, and may draw from random states."""
        return self._look if i == 0 else NOTHING

    def _image(self, i: int):
        item = self.dataset[i]
        if not is_pair(item):
            return item
        if self._believed is not None:
            check_label(item[1], self._believed[i], i)
        return item[0]

    def _pixels(self, image, i: int) -> np.ndarray:
        if not is_path(image):
            return to_rgb(image, f"X[{i}]", self.reading, self.least)
        factor = factor_for(check_file(image, self.reading).size, self.least)
        if factor == 1:
            return read(image, self.reading)
        return read_reduced(image, factor, self.reading)

    # A property, not an attribute as elsewhere: the items may have to be made for it.
    @cached_property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """Labels that the dataset lists, where its items agree; else those of its items."""
        labels, from_list = labels_of(self.dataset)
        if from_list and labels is not None:
            self._believed = labels.tolist()
        return labels


@lru_cache(maxsize=1 << 18)
def _header_of(reading: Reading, path: str, *size_and_times: int) -> Header:
    """Check a file, once as long as it is the same and good: a search fits on it many times."""
    return check_file(path, reading)


@lru_cache(maxsize=1 << 12)
def _look_of(reading: Reading, path: str, *size_and_times: int) -> Look:
    """Look at a file, once as long as it is the same and good."""
    return look_at_file(path, reading)


@lru_cache(maxsize=1 << 18)
def _file_fingerprint(path: str, *size_and_times: int) -> bytes:
    """Fingerprint of the content of a file, which is read once while it stays unchanged."""
    with open(path, "rb") as file:
        return file_digest(file, partial(blake2b, digest_size=16)).digest()


def marked(fingerprint: bytes, reading: Reading) -> bytes:
    """A fingerprint of 16 bytes that tells ways of reading apart as well."""
    mark = reading.mark()
    return blake2b(fingerprint + mark, digest_size=16).digest() if mark else fingerprint


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


def check_not_empty(n: int) -> None:
    """Refuse an X that holds no picture."""
    if n == 0:
        raise ValueError("X is empty: give at least one picture")


def _looks_single(array: np.ndarray) -> bool:
    # (height, width, 3) would pass for many pictures of 3 columns each.
    return len(array.shape) == 3 and array.shape[2] in (3, 4) and array.shape[1] > 4
