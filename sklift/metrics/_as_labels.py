"""Labels of any array library as NumPy arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from .._classes._labels import plain_labels

_LARGEST = np.iinfo(np.int64).max


def as_labels(y: ArrayLike, name: str = "y") -> np.ndarray:
    """Labels by the rule of the estimators, with whole numbers never as floats.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels: as `fit` takes them, or a tensor on any device.
    name : str, default="y"
        What errors call them.

    Returns
    -------
    labels : ndarray of shape (n_samples,)
        Whole numbers are int64 where they fit: together with int64, uint64 would become float.
    """
    if hasattr(y, "detach"):  # a tensor, which may have gradients, and be on a device
        y = y.detach().cpu()
    labels = plain_labels(y, name)
    if labels.dtype == np.uint64 and (not labels.size or labels.max() <= _LARGEST):
        labels = labels.astype(np.int64)
    return labels
