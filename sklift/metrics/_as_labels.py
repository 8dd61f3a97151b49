"""Labels of any array library as NumPy arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import column_or_1d

_LARGEST = np.iinfo(np.int64).max


def as_labels(y: ArrayLike) -> np.ndarray:
    """Labels as they are, and never as floats, which are alike for whole numbers beyond 2**53.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels: a list, an array, a column with missing values allowed, a tensor on any device.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        Whole numbers are int64 where they fit: together with int64, uint64 would become float.
    """
    if hasattr(y, "detach"):  # a tensor, which may have gradients, and be on a device
        y = y.detach().cpu()
    labels = np.asarray(y)
    if labels.dtype.kind == "O" and all(type(v) is int for v in labels.ravel().tolist()):
        # columns with missing values allowed
        fits = all(-_LARGEST <= v <= _LARGEST for v in labels.ravel().tolist())
        labels = labels.astype(np.int64) if fits else labels
    elif labels.dtype == np.uint64 and (not labels.size or labels.max() <= _LARGEST):
        labels = labels.astype(np.int64)
    return column_or_1d(labels)
