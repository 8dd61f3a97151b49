"""Rows of arrays that stay in their files: of HDF5, zarr, and others that are like arrays."""

from __future__ import annotations

import os

import numpy as np

from ._arrays import check_format, check_mask, is_tensor
from ._in_memory import ArraySource
from ._reading import PLAIN, Reading


class Rows:
    """What is like an array, with a length, which zarr's arrays lack.

    Parameters
    ----------
    array : array-like
        The array, whose first axis counts rows.
    """

    def __init__(self, array):
        self.array = array
        self.shape = tuple(array.shape)
        self.dtype = array.dtype

    def __len__(self) -> int:
        return int(self.shape[0])

    def __getitem__(self, key):
        return self.array[key]


class FileRows(Rows):
    """A data set of h5py that can be pickled, and is opened anew in another process.

    Parameters
    ----------
    dataset : h5py.Dataset
        The data set. An open one can't be pickled, and HDF5 doesn't promise that it outlives a
        fork.
    """

    def __init__(self, dataset):
        super().__init__(dataset)
        self.place = (os.path.abspath(dataset.file.filename), dataset.name)
        self._open = type(dataset.file)
        self._process = os.getpid()

    def __getitem__(self, key):
        if self.array is None or self._process != os.getpid():
            path, name = self.place
            self.array = self._open(path, "r")[name]
            self._process = os.getpid()
        return self.array[key]

    def __getstate__(self):
        return {**self.__dict__, "array": None}


def as_rows(dataset):
    """What is like an array as :class:`Rows`, of h5py as :class:`FileRows`; others as they are."""
    if isinstance(dataset, Rows) or not is_array_like(dataset):
        return dataset
    of_h5py = type(dataset).__module__.partition(".")[0] == "h5py"
    in_file = of_h5py and os.path.isfile(dataset.file.filename)
    return FileRows(dataset) if in_file else Rows(dataset)


def is_array_like(X) -> bool:
    """Whether X has rows, a shape and a type of numbers, and is no array of NumPy or torch."""
    if isinstance(X, np.ndarray) or is_tensor(X) or not hasattr(X, "__getitem__"):
        return False
    if hasattr(X, "tocsr"):  # sparse
        return False
    shape, dtype = getattr(X, "shape", None), getattr(X, "dtype", None)
    if not isinstance(shape, tuple) or len(shape) < 2:
        return False
    try:
        return np.dtype(dtype).kind in "biuf"
    except TypeError:
        return False


class RowsSource(ArraySource):
    """An array-like (n, height, width[, channels]), or (n, n_values), read row by row.

    Unlike an array's, its numbers are checked when they are read.
    """

    def __init__(self, array, image_shape=None, reading: Reading = PLAIN):
        super().__init__(as_rows(array), image_shape, reading)

    def _check(self) -> None:
        check_format(self.array, "X", self.image_shape, self.reading)

    def _image(self, i: int) -> np.ndarray:
        row = self.array[int(i)]
        check_mask(row, f"X[{i}]")
        return np.asarray(row).reshape(self.image_shape)
