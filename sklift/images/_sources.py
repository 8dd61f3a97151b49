"""What X may be -> a sequence of decoded images."""

from __future__ import annotations

import numbers
import os
from collections.abc import Mapping, Sequence
from copy import copy
from functools import cached_property, lru_cache, partial
from hashlib import blake2b, file_digest

import numpy as np
from PIL import Image

from sklift.images._decode import (
    check_file,
    check_format,
    check_image,
    check_range,
    is_tensor,
    read,
    read_reduced,
    tensor_to_array,
    to_rgb,
)
from sklift.images._items import as_labels, declared_labels, is_pair, is_path, is_row
from sklift.images._threads import map_items

_CHOICES = (
    "file paths, PIL images, an array (n, height, width[, channels]), a torch tensor "
    "(n, channels, height, width), a list of images or of (image, label), or a map-style dataset"
)


class ImageSource:
    """Images by index: `source[i]` is (height, width, 3) uint8, not to be written to.

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
        """Several images."""
        return [self[i] for i in indices]

    def reduced(self, least: int) -> ImageSource:
        """The same, with files decoded at a lower resolution, of `least` pixels or more a side."""
        return self

    def factor(self, i: int) -> int:
        """What the sides of an image are divided by in decoding."""
        return 1

    def fingerprint(self, i: int) -> bytes:
        """16 bytes that tell the content of an image: equal for equal images only."""
        image = np.ascontiguousarray(self[i])
        digest = blake2b(str(image.shape).encode(), digest_size=16)
        digest.update(image)
        return digest.digest()

    def glance(self, i: int) -> None:
        """Raise what is known to be wrong with an image before it is read."""

    def key(self, i: int) -> tuple | None:
        """What tells an image cheaply from others, over all sources; None: nothing does."""
        return None

    def identity(self) -> str:
        """A text that tells the images, in order, from any others."""
        digest = blake2b(digest_size=16)
        for i in range(len(self)):
            digest.update(self.fingerprint(i))
        return digest.hexdigest()


class FileSource(ImageSource):
    """Image files; that they all exist is checked at once, what they hold when they are read."""

    reads_files = True
    least: int | None = None  # no image is reduced

    def __init__(self, paths, must_exist: bool = True):
        self.paths = [str(os.fspath(path)) for path in paths]
        missing = [path for path in self.paths if not os.path.exists(path)]
        if missing and must_exist:
            first = ", ".join(missing[:3]) + (", ..." if len(missing) > 3 else "")
            raise FileNotFoundError(
                f"{len(missing)} of the {len(self.paths)} files in X don't exist: {first}"
            )

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, i: int) -> np.ndarray:
        factor = self.factor(i)
        return read(self.paths[i]) if factor == 1 else read_reduced(self.paths[i], factor)

    def reduced(self, least: int) -> FileSource:
        """The same, with each side divided by 2, 4 or 8, where the shorter one keeps `least`."""
        source = copy(self)
        source.least = least
        return source

    def factor(self, i: int) -> int:
        """1, 2, 4 or 8, what the sides of an image are divided by in decoding."""
        if self.least is None:
            return 1
        sides = _glance_at(*self.key(i))
        # one that divides both sides: else all that is seen would move by a part of a pixel
        whole = (f for f in (8, 4, 2) if not any(side % f for side in sides))
        return next((f for f in whole if min(sides) >= f * self.least), 1)

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Several images, decoded by several threads."""
        return map_items(self.__getitem__, indices)

    def glance(self, i: int) -> None:
        """Look at the first bytes of the file."""
        _glance_at(*self.key(i))

    def key(self, i: int) -> tuple:
        """Path, size and time of change."""
        path = os.path.abspath(self.paths[i])
        stat = os.stat(path)
        return path, stat.st_size, stat.st_mtime_ns

    def fingerprint(self, i: int) -> bytes:
        """That of the file, which need not be decoded."""
        return _file_fingerprint(*self.key(i))

    def identity(self) -> str:
        """By path, size and time of change: reading all files would take long."""
        digest = blake2b(digest_size=16)
        for i, path in enumerate(self.paths):
            digest.update(os.fsencode(path) + f"\0{self.key(i)[1:]}\0".encode())
        return digest.hexdigest()


class PickedSource(ImageSource):
    """Some of the images of a source, by index."""

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
        """Several images."""
        return self.source.fetch([int(self.indices[i]) for i in indices])

    def reduced(self, least: int) -> PickedSource:
        """Some of the source's, reduced."""
        return PickedSource(self.source.reduced(least), self.indices)

    def factor(self, i: int) -> int:
        """That of the image."""
        return self.source.factor(int(self.indices[i]))

    def key(self, i: int) -> tuple | None:
        """That of the image."""
        return self.source.key(int(self.indices[i]))

    def fingerprint(self, i: int) -> bytes:
        """That of the image."""
        return self.source.fingerprint(int(self.indices[i]))


class ArraySource(ImageSource):
    """An array (n, height, width[, channels]), or (n, n_values) with the shape of its images."""

    def __init__(self, array: np.ndarray, image_shape=None):
        self.array = array
        self.image_shape = array.shape[1:]
        if array.ndim == 2:
            self.image_shape = _check_image_shape(image_shape, array.shape[1])
        elif array.ndim not in (3, 4) or _looks_single(array):
            raise ValueError(
                f"X has shape {array.shape}; give an array (n, height, width) or (n, height, "
                f"width, channels) (a single image as X[None]), or (n, values) and image_shape"
            )
        _check_not_empty(len(array))
        check_format(array, "X", self.image_shape)
        check_range(array, "X", many=True)

    def __len__(self) -> int:
        return len(self.array)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_rgb(self.array[i].reshape(self.image_shape), f"X[{i}]")


class ListSource(ImageSource):
    """A list of images, of any kinds and sizes, that are already in memory."""

    def __init__(self, images: list):
        self.images = images
        for i, image in enumerate(images):
            check_image(image, f"X[{i}]")

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, i: int) -> np.ndarray:
        return to_rgb(self.images[i], f"X[{i}]")


class DatasetSource(ImageSource):
    """A map-style dataset of images or (image, label); its items are made when asked for."""

    def __init__(self, dataset):
        self.dataset = dataset
        _check_not_empty(len(dataset))
        self[0]  # a dataset of anything else is found now rather than in the middle of training

    def __len__(self) -> int:
        return len(self.dataset)

    def __getitem__(self, i: int) -> np.ndarray:
        item = self.dataset[i]
        image = item[0] if is_pair(item) else item
        return read(image) if is_path(image) else to_rgb(image, f"X[{i}]")

    @cached_property
    def labels(self) -> np.ndarray | None:  # type: ignore[override]
        """The dataset's own list of targets; failing that, those of its items, one by one."""
        labels = declared_labels(self.dataset)
        if labels is None and is_pair(self.dataset[0]):
            labels = as_labels(self.dataset[i][1] for i in range(len(self)))
        return labels


def as_image_source(X, image_shape=None, *, must_exist: bool = True) -> ImageSource:
    """Turn whatever X is into a sequence of decoded images.

    Parameters
    ----------
    X : file paths, images or dataset
        Paths (str or Path) in a list, array, Series, (n, 1) column or one-column DataFrame; a list
        or object array of PIL images, arrays or tensors, of any sizes, or of (image, label); an
        array (n, height, width[, c]), a tensor (n, [c,] height, width), with c in 1, 3, 4; a 2-D
        array of flattened images; any object with `__len__` and `__getitem__` whose items are
        images or (image, label). Values are uint8, uint16, or float in [0, 1].
    image_shape : tuple (height, width) or (height, width, channels), default=None
        The shape of the images in a flattened X; not used otherwise.
    must_exist : bool, default=True
        Whether a missing file is an error now, rather than when it is read.

    Returns
    -------
    ImageSource
        Picklable; large arrays are not copied, images are converted one at a time.

    Raises
    ------
    TypeError
        X, or one of its items, is none of the above.
    ValueError
        X is empty, or its shape, dtype or values are none of the above.
    FileNotFoundError
        Files are missing.
    """
    if isinstance(X, ImageSource):
        return X
    if isinstance(X, (str, os.PathLike)) and os.path.isdir(X):
        raise TypeError(
            f"X is a folder, {os.fspath(X)!r}; give the files in it: load_image_folder of "
            "sklift.datasets lists them with their labels"
        )
    if isinstance(X, (str, bytes, os.PathLike, Image.Image)):
        raise TypeError(f"X is a single {type(X).__name__}; give a list: [X]")
    if hasattr(X, "to_numpy"):  # a dataframe or a series
        X = X.to_numpy()
    if is_tensor(X):
        return ArraySource(tensor_to_array(X, "X", channel_axis=1), image_shape)
    if isinstance(X, np.ndarray):
        if X.dtype.kind not in "OUT":
            return ArraySource(X, image_shape)
        X = _column(X)
    if isinstance(X, (list, tuple)):
        return _from_list(X, image_shape, must_exist)
    if X is None or isinstance(X, Mapping) or not hasattr(X, "__getitem__") or not _has_length(X):
        raise TypeError(f"X is of type {type(X).__name__}; give {_CHOICES}")
    return DatasetSource(X)


@lru_cache(maxsize=1 << 18)
def _glance_at(path: str, size: int, changed: int) -> tuple[int, int]:
    """Check a file, once as long as it is the same and good: a search fits on it many times."""
    return check_file(path)


@lru_cache(maxsize=1 << 18)
def _file_fingerprint(path: str, size: int, changed: int) -> bytes:
    """Of the content of a file, read once as long as it is the same."""
    with open(path, "rb") as file:
        return file_digest(file, partial(blake2b, digest_size=16)).digest()


def _from_list(X, image_shape, must_exist) -> ImageSource:
    _check_not_empty(len(X))
    if image_shape is not None and is_row(X[0]):
        lengths = [np.size(row) for row in X]
        if odd := [i for i, length in enumerate(lengths) if length != lengths[0]]:
            raise ValueError(
                f"X[{odd[0]}] has {lengths[odd[0]]} values, X[0] has {lengths[0]}: rows of "
                "flattened images are of one length"
            )
        return ArraySource(np.asarray(X), image_shape)
    if all(is_pair(item) for item in X):
        images, labels = zip(*X, strict=True)
        source = _from_list(images, image_shape, must_exist)
        source.labels = as_labels(labels)
        return source
    if not is_path(X[0]):
        return ListSource(list(X))
    for i, path in enumerate(X):
        if not is_path(path):
            raise TypeError(
                f"X[0] is a file path, but X[{i}] is of type {type(path).__name__}: give paths only"
            )
    return FileSource(X, must_exist)


def _column(X: np.ndarray) -> list:
    if X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if X.ndim != 1:
        raise ValueError(
            f"X has dtype {X.dtype} and shape {X.shape}; paths and objects come in one column, "
            f"pixels as uint8 or as floats in [0, 1]"
        )
    return list(X)


def _check_image_shape(image_shape, n_values: int) -> tuple[int, ...]:
    if image_shape is None:
        raise ValueError(
            f"X has two dimensions: give image_shape=(height, width) or (height, width, channels) "
            f"if its rows are flattened images of {n_values} values"
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
            f"image_shape={shape} means {np.prod(shape)} columns, but X has {n_values}"
        )
    return shape


def _check_not_empty(n: int) -> None:
    if n == 0:
        raise ValueError("X is empty: give at least one image")


def _looks_single(array: np.ndarray) -> bool:
    # (height, width, 3) would pass for many images of 3 columns each.
    return array.ndim == 3 and array.shape[2] in (3, 4) and array.shape[1] > 4


def _has_length(X) -> bool:
    try:
        len(X)
    except TypeError:
        return False
    return True
