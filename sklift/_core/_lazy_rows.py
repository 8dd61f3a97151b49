"""Rows of a table that are read, computed or joined in parts."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import numpy as np

AT_ONCE = 1 << 17  # numbers: 1 MB in float64


class LazyRows:
    """Rows of which only a part is in memory at a time.

    An index is a slice or an array of row numbers; what it gives is an array of its own, which may
    be changed. ``np.asarray`` gives all rows.

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


def joined(parts: Iterable[np.ndarray]) -> np.ndarray:
    """Join arrays along the first axis; each is let go as soon as it is copied.

    So the memory is that of the result, not twice as much as with ``np.concatenate``.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._core._lazy_rows import joined
    >>> joined(np.full(n, n) for n in (1, 2))
    array([1, 2, 2])
    """
    left = list(parts)
    end = sum(map(len, left))
    whole = np.empty((end, *left[0].shape[1:]), left[0].dtype)
    while left:  # from the end: the allocator gives back what was allocated last
        part = left.pop()
        whole[end - len(part) : end] = part
        end -= len(part)
    return whole
