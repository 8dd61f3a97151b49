"""Conversion of any X that is taken to a sequence of decoded pictures."""

from __future__ import annotations

import os
from collections.abc import Mapping

import numpy as np
from PIL import Image

from ._arrays import is_tensor, tensor_to_array
from ._crops import CropSource, ImageCrops
from ._data_set import DatasetSource
from ._encoded import Address, EncodedSource
from ._files import FileSource
from ._in_memory import ArraySource, ListSource
from ._items import as_labels, is_address, is_encoded, is_pair, is_path, is_row
from ._reading import PLAIN, Reading
from ._rows import RowsSource, is_array_like
from ._sources import ImageSource, check_not_empty

_CHOICES = (
    "file paths, PIL images, an array (n, height, width[, channels]), a torch tensor "
    "(n, channels, height, width), a list of pictures or of (picture, label), or a map-style "
    "dataset"
)


def as_image_source(
    X, image_shape=None, *, must_exist: bool = True, reading: Reading = PLAIN
) -> ImageSource:
    """Turn whatever X is into a sequence of decoded images.

    Parameters
    ----------
    X : file paths, pictures or dataset
        Paths (str or Path) in a list, array, Series, (n, 1) column or one-column DataFrame; a list
        or object array of PIL images, arrays or tensors, of any sizes, or of (image, label), or of
        the contents of files: bytes, file objects, `zipfile.Path`; addresses that fsspec
        reads; what is like an array, of h5py or zarr; an
        array (n, height, width[, c]), a tensor (n, [c,] height, width), with c in 1, 3, 4; a 2-D
        array of flattened images; any object with `__len__` and `__getitem__` whose items are
        images or (image, label); `ImageCrops`. Values are bool, uint8, uint16, or float in [0, 1].
    image_shape : tuple (height, width) or (height, width, channels), default=None
        The shape of the pictures in a flattened X; not used otherwise.
    must_exist : bool, default=True
        Whether a missing file, and a first item of a dataset that can't be read, is an error now,
        rather than when it is read.
    reading : Reading
        How numbers become pictures.

    Returns
    -------
    ImageSource
        Picklable; large arrays are not copied, pictures are converted one at a time.

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
    if hasattr(X, "column_names") and hasattr(X, "select_columns"):
        raise TypeError(
            f"X is a {type(X).__name__} of columns: from_huggingface of sklift.datasets takes X "
            "and y from those of a data set of Hugging Face"
        )
    if isinstance(X, ImageCrops):
        check_not_empty(len(X))
        return CropSource(X, must_exist, reading)
    if hasattr(X, "column_names") and hasattr(X, "column"):  # a table of pyarrow
        if len(X.column_names) != 1:
            raise ValueError(
                f"X has the columns {', '.join(map(str, X.column_names))}: give the one of the "
                "pictures, X['...']"
            )
        X = X.column(0)
    if hasattr(X, "to_numpy"):  # a dataframe or a series
        X = _to_numpy(X)
    if is_tensor(X):
        return ArraySource(tensor_to_array(X, "X", 1, reading), image_shape, reading)
    if isinstance(X, np.ndarray):
        if X.dtype.kind == "S":
            raise ValueError("X has paths of bytes: decode them, [path.decode() for path in X]")
        if X.dtype.kind not in "OUT":
            return ArraySource(X, image_shape, reading)
        X = _column(X)
    if isinstance(X, (list, tuple)):
        return _from_list(X, image_shape, must_exist, reading)
    if is_array_like(X):
        return RowsSource(X, image_shape, reading)
    if X is None or isinstance(X, Mapping) or not hasattr(X, "__getitem__") or not _has_length(X):
        raise TypeError(f"X is of type {type(X).__name__}; give {_CHOICES}")
    return DatasetSource(X, must_exist, reading)


def _from_list(X, image_shape, must_exist, reading) -> ImageSource:
    check_not_empty(len(X))
    if image_shape is not None and is_row(X[0]):
        lengths = [np.size(row) for row in X]
        if odd := [i for i, length in enumerate(lengths) if length != lengths[0]]:
            raise ValueError(
                f"X[{odd[0]}] has {lengths[odd[0]]} values, X[0] has {lengths[0]}: rows of "
                "flattened pictures are of one length"
            )
        return ArraySource(np.asarray(X), image_shape, reading)
    if all(is_pair(item) for item in X):
        source = _from_list([item[0] for item in X], image_shape, must_exist, reading)
        source.labels = as_labels(item[1] for item in X)
        return source
    if not is_path(X[0]):
        items = list(X)
        return (EncodedSource if all(map(is_encoded, items)) else ListSource)(items, reading)
    remote = is_address(X[0])
    for i, path in enumerate(X):
        if not is_path(path):
            raise TypeError(
                f"X[0] is a file path, but X[{i}] is of type {type(path).__name__}: give paths only"
            )
        if is_address(path) != remote:
            kinds = ("an address", "a path") if remote else ("a path", "an address")
            raise ValueError(
                f"X[0] is {kinds[0]}, X[{i}] {kinds[1]}: give one or the other; an absolute path "
                f"after file:// is an address too"
            )
    if remote:
        return EncodedSource([Address(address) for address in X], reading)
    return FileSource(X, must_exist, reading)


def _to_numpy(X) -> np.ndarray:
    """An array from a table or column; pyarrow's own copy texts only where that is allowed."""
    try:
        return X.to_numpy()
    except ValueError:
        return X.to_numpy(zero_copy_only=False)


def _column(X: np.ndarray) -> list:
    if X.ndim == 2 and X.shape[1] == 1:
        X = X[:, 0]
    if X.ndim != 1:
        raise ValueError(
            f"X has dtype {X.dtype} and shape {X.shape}; paths and objects come in one column, "
            f"pixels as uint8 or as floats in [0, 1]"
        )
    return list(X)


def _has_length(X) -> bool:
    try:
        len(X)
    except TypeError:
        return False
    return True
