"""Batches of rows as a head prepares them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import torch
from torch import Tensor

from .._core._lazy_rows import AT_ONCE
from ._labelled_rows import LabelledRows

MOST_KEPT = 1 << 26  # bytes of prepared rows that are kept: fewer than torch itself takes
_AT_ONCE = 8 * AT_ONCE  # numbers that are prepared together: small products take longer


class PreparedRows:
    """Batches of labelled rows, each after a function that doesn't change in training.

    If they fit into :data:`MOST_KEPT`, all rows are prepared once; else the rows of each batch.

    Parameters
    ----------
    rows : LabelledRows
        The rows, with targets.
    prepare : callable or None
        A function of a tensor of rows, ``(B, n_features) -> (B, n_features)``; None changes
        nothing.
    dtype : torch.dtype
        The type of the rows that it gets.

    Examples
    --------
    >>> import numpy as np
    >>> import torch
    >>> from sklift._data._labelled_rows import LabelledRows
    >>> from sklift._data._prepared_rows import PreparedRows
    >>> rows = LabelledRows(np.array([[1.0], [2.0], [3.0]]), codes=[0, 1, 0])
    >>> doubled = PreparedRows(rows, lambda x: 2 * x, torch.float32)
    >>> next(doubled.batches([torch.tensor([2, 0])]))
    (tensor([[6.],
            [2.]]), tensor([0, 0]), None)
    """

    def __init__(self, rows: LabelledRows, prepare: Callable | None, dtype: torch.dtype) -> None:
        self._rows, self._prepare, self._dtype = rows, prepare, dtype
        self._views, self._is_ready = rows.views, prepare is None
        n, n_views, width = rows.views.shape
        if prepare is not None and rows.views.size * dtype.itemsize <= MOST_KEPT:
            kept = torch.empty(n, n_views, width, dtype=dtype)
            size = max(1, _AT_ONCE // (n_views * width))
            for start in range(0, n, size):
                part = torch.tensor(rows.views[start : start + size])
                kept[start : start + size] = prepare(part.to(dtype))
            self._views, self._is_ready = kept.numpy(), True

    def batches(self, indices) -> Iterator[tuple[Tensor, Tensor, Tensor | None]]:
        """Iterate over rows, targets, and weights or None, for each tensor of row numbers.

        The next rows take the place of those before.
        """
        rows, weights = self._rows, self._rows.weights
        view = self._views[:, int(rows.epoch) % rows.n_views]
        # of other arrays, NumPy's take makes a copy first, of all rows
        is_taken = view.flags.c_contiguous and view.flags.aligned
        room = torch.from_numpy(np.empty((0, view.shape[1]), view.dtype))
        codes = rows.codes
        assert codes is not None
        for index in indices:
            n = index.shape[0]
            if n != room.shape[0]:  # torch's own memory is aligned: products always round alike
                room = torch.empty(n, room.shape[1], dtype=room.dtype)
                as_array = room.numpy()
            if is_taken:
                np.take(view, index.numpy(), axis=0, out=as_array, mode="clip")  # no copy at all
            else:
                as_array[...] = view[index.numpy()]
            x = room.to(self._dtype)
            if not self._is_ready:
                assert self._prepare is not None
                x = self._prepare(x)
            weight = None if weights is None else weights.index_select(0, index)
            yield x, codes.index_select(0, index), weight
