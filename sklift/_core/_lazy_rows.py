"""Rows of a table that are read, computed or joined in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import chain

import numpy as np

AT_ONCE = 1 << 17  # numbers: 1 MB in float64


class LazyRows:
    """Rows of which only a part is in memory at a time.

    An index is a slice or an array of row numbers, which gives an array that may be changed.
    ``np.asarray`` gives all rows.

    Parameters
    ----------
    shape : (int, int)
        Number of rows, and their length.
    dtype : dtype
        Type of the numbers.
    read : callable
        A function from an index to an array of rows.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._core._lazy_rows import LazyRows
    >>> X = np.arange(6.0).reshape(3, 2)
    >>> rows = LazyRows(X.shape, X.dtype, lambda index: 10 * X[index])
    >>> rows[np.array([2, 0])]
    array([[40., 50.],
           [ 0., 10.]])
    """

    ndim = 2

    def __init__(self, shape: tuple[int, int], dtype, read: Callable):
        self.shape = shape
        self.dtype = np.dtype(dtype)
        self._read = read

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, index) -> np.ndarray:
        return self._read(index)

    def __array__(self, dtype=None, copy=None) -> np.ndarray:
        return np.asarray(self._read(slice(None)), dtype)

    def parts(self) -> Iterator[slice]:
        """Slices of rows that may be in memory together, in order."""
        size = max(1, AT_ONCE // max(1, self.shape[1]))
        for start in range(0, len(self), size):
            yield slice(start, start + size)


class Batches:
    """Iterator of arrays that knows how many rows they have together.

    Parameters
    ----------
    n_rows : int
        Number of rows.
    parts : iterable of ndarray
        The arrays.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._core._lazy_rows import Batches
    >>> Batches(3, [np.array([1, 2]), np.array([3])]).map(np.negative).join()
    array([-1, -2, -3])
    """

    def __init__(self, n_rows: int, parts: Iterable[np.ndarray]):
        self._n_rows = n_rows
        self._parts = iter(parts)

    def __iter__(self) -> Iterator[np.ndarray]:
        return self

    def __next__(self) -> np.ndarray:
        return next(self._parts)

    def map(self, function: Callable[[np.ndarray], np.ndarray]) -> Batches:
        """Batches of what a function makes of each array, which keeps the number of rows."""
        return Batches(self._n_rows, map(function, self._parts))

    def join(self) -> np.ndarray:
        """All rows in one array, each of which is in memory once."""
        first = next(self._parts)
        whole = np.empty((self._n_rows, *first.shape[1:]), first.dtype)
        end = 0
        for part in chain([first], self._parts):
            whole[end : end + len(part)] = part
            end += len(part)
        assert end == self._n_rows
        return whole
