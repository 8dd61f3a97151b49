"""Sequences of decoded pictures, one class for each place that they come from."""

from __future__ import annotations

import numbers
import os
from collections.abc import Sequence
from copy import copy
from functools import cached_property, lru_cache, partial
from hashlib import blake2b, file_digest

import numpy as np

from .._compute._threads import map_items
from .._core._text import visible
from ._decode import check_file, check_format, check_image, check_range, read, read_reduced, to_rgb
from ._items import as_labels, declared_labels, is_pair, is_path


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

    def __len__(self) -> int:
        raise NotImplementedError

    def __getitem__(self, i: int) -> np.ndarray:
        raise NotImplementedError

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures."""
        return [self[i] for i in indices]

    def reduced(self, least: int) -> ImageSource:
        """Return this source with files decoded at lower resolution, sides not below ``least``."""
        return self

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding."""
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

    def check_header(self, i: int) -> None:
        """Raise the errors of a picture that can be seen before it is read."""

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
    least: int | None = None  # no picture is reduced

    def __init__(self, paths, must_exist: bool = True):
        self.paths = [str(os.fspath(path)) for path in paths]
        missing = [path for path in self.paths if not os.path.exists(path)]
        if missing and must_exist:
            first = ", ".join(map(visible, missing[:3])) + (", ..." if len(missing) > 3 else "")
            raise FileNotFoundError(
                f"{len(missing)} of the {len(self.paths)} files in X don't exist: {first}"
            )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> np.ndarray:
        factor = self.factor(i)
        return read(self.paths[i]) if factor == 1 else read_reduced(self.paths[i], factor)

    def reduced(self, least: int) -> FileSource:
        """Return this source, sides divided by 2, 4 or 8, the shorter one not below ``least``."""
        source = copy(self)
        source.least = least
        return source

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding: 1, 2, 4 or 8."""
        if self.least is None:
            return 1
        sides = _sides_of(*self.key(i))
        # one that divides both sides: else all that is seen would move by a part of a pixel
        whole = (f for f in (8, 4, 2) if not any(side % f for side in sides))
        return next((f for f in whole if min(sides) >= f * self.least), 1)

    def n_pixels(self, i: int) -> int:
        """As many as the header says, of the reduced image."""
        try:
            height, width = _sides_of(*self.key(i))
            return height * width // self.factor(i) ** 2
        except (OSError, ValueError):  # it is refused where it is decoded
            return 0

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures, decoded by several threads."""
        return map_items(self.__getitem__, indices)

    def check_header(self, i: int) -> None:
        """Look at the first bytes of the file."""
        _sides_of(*self.key(i))

    def key(self, i: int) -> tuple:
        """Key: path, size, times of change of content and inode (which no program can set)."""
        path = os.path.abspath(self.paths[i])
        stat = os.stat(path)
        return path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of the file, which need not be decoded."""
        return _file_fingerprint(*self.key(i))

    def identity(self) -> str:
        """Identity by path, size and time of change: reading all files would take long.

        The change time of the inode, which differs for each copy of a file, does not count.
        """
        digest = blake2b(digest_size=16)
        for i, path in enumerate(self.paths):
            digest.update(os.fsencode(path) + f"\0{self.key(i)[1:3]}\0".encode())
        return digest.hexdigest()


class PickedSource(ImageSource):
    """Selected pictures of a source, by index."""

    def __init__(self, source: ImageSource, indices: np.ndarray):
        self.source = source
        self.indices = indices
        self.reads_files = source.reads_files
        self.labels = None if source.labels is None else source.labels[indices]

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> np.ndarray:
        return self.source[int(self.indices[i])]

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures."""
        return self.source.fetch([int(self.indices[i]) for i in indices])

    def reduced(self, least: int) -> PickedSource:
        """Return the selected pictures at a lower resolution."""
        return PickedSource(self.source.reduced(least), self.indices)

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture of the source."""
        return self.source.factor(int(self.indices[i]))

    def n_pixels(self, i: int) -> int:
        """Those of the image."""
        return self.source.n_pixels(int(self.indices[i]))

    def key(self, i: int) -> tuple | None:
        """Key of a picture of the source."""
        return self.source.key(int(self.indices[i]))

    def fingerprint(self, i: int) -> bytes:
        """Fingerprint of a picture of the source."""
        return self.source.fingerprint(int(self.indices[i]))


class ArraySource(ImageSource):
    """An array (n, height, width[, channels]), or (n, n_values) with the shape of its pictures."""

    def __init__(self, array: np.ndarray, image_shape=None):
        self.array = array
        self.image_shape = array.shape[1:]
        if array.ndim == 2:
            self.image_shape = _check_image_shape(image_shape, array.shape[1])
        elif array.ndim not in (3, 4) or _looks_single(array):
            raise ValueError(
                f"X has shape {array.shape}; give an array (n, height, width) or (n, height, "
                f"width, channels) (a single image as X[None]), or (n, values) and "
                f"reader__image_shape"
            )
        check_not_empty(len(array))
        check_format(array, "X", self.image_shape)
        check_range(array, "X", many=True)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_rgb(self.array[i].reshape(self.image_shape), f"X[{i}]")


class ListSource(ImageSource):
    """A list of pictures, of any kinds and sizes, that are already in memory."""

    def __init__(self, images: list):
        self.images = images
        for i, image in enumerate(images):
            check_image(image, f"X[{i}]")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_rgb(self.images[i], f"X[{i}]")


class DatasetSource(ImageSource):
    """A map-style dataset of pictures or (image, label); its items are made when asked for."""

    def __init__(self, dataset):
        self.dataset = dataset
        check_not_empty(len(dataset))
        self[0]  # a dataset of anything else is found now rather than in the middle of training

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> np.ndarray:
        item = self.dataset[i]
        image = item[0] if is_pair(item) else item
        return read(image) if is_path(image) else to_rgb(image, f"X[{i}]")

    # A property, not an attribute as elsewhere: the items may have to be made for it.
    @cached_property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """Labels that the dataset lists; where it lists none, those of its items, one by one."""
        labels = declared_labels(self.dataset)
        if labels is None and is_pair(self.dataset[0]):
            labels = as_labels(self.dataset[i][1] for i in range(len(self)))
        return labels


@lru_cache(maxsize=1 << 18)
def _sides_of(path: str, *size_and_times: int) -> tuple[int, int]:
    """Check a file, once while it stays good and unchanged: a search fits on it many times."""
    return check_file(path)


@lru_cache(maxsize=1 << 18)
def _file_fingerprint(path: str, *size_and_times: int) -> bytes:
    """Fingerprint of the content of a file, which is read once while it stays unchanged."""
    with open(path, "rb") as file:
        return file_digest(file, partial(blake2b, digest_size=16)).digest()


def _check_image_shape(image_shape, n_values: int) -> tuple[int, ...]:
    if image_shape is None:
        raise ValueError(
            f"X has two dimensions: give reader__image_shape=(height, width) or "
            f"(height, width, channels) if its rows are flattened images of {n_values} values"
        )
    shape = tuple(image_shape)
    valid = len(shape) in (2, 3) and all(
        isinstance(s, numbers.Integral) and int(s) > 0 for s in shape
    )
    if not valid or (len(shape) == 3 and shape[2] not in (1, 3, 4)):
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
        raise ValueError("X is empty: give at least one image")


def _looks_single(array: np.ndarray) -> bool:
    # (height, width, 3) would pass for many pictures of 3 columns each.
    return array.ndim == 3 and array.shape[2] in (3, 4) and array.shape[1] > 4
