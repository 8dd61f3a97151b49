"""Rows of a head that start from the pictures with a label, and rows without their common part."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from ._init import _lazy, _to_float, _unit_rows

__all__ = ["label_mean_rows", "without_mean"]


def label_mean_rows(features, targets, sample_weight=None) -> Tensor:
    """Return the normalised difference between the mean of each label's pictures and of all.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        Frozen features, not normalised.
    targets : array-like of shape (n_samples, n_labels)
        1 where a picture has a label, else 0.
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    rows : Tensor of shape (n_labels, n_features)
        Random, but the same at every call, for a label that no picture has, or that all have.

    Examples
    --------
    >>> from sklift.heads import label_mean_rows
    >>> label_mean_rows([[1.0, 0.0], [3.0, 0.0], [1.0, 3.0], [3.0, 1.0]], [[0], [1], [0], [1]])
    tensor([[ 0.8944, -0.4472]])
    """
    lazy, y = _lazy(features), np.asarray(targets)
    if lazy.ndim != 2 or y.ndim != 2 or len(y) != len(lazy):
        raise ValueError(
            "features must have shape (n_samples, n_features) and targets (n_samples, n_labels); "
            f"got {tuple(lazy.shape)} and {y.shape}"
        )
    weight = np.ones(len(y)) if sample_weight is None else np.asarray(sample_weight, np.float64)
    weight = weight / weight.max()
    sums = np.zeros((y.shape[1], lazy.shape[1]))
    whole = np.zeros(lazy.shape[1])
    for part in lazy.parts():
        rows = lazy[part].astype(np.float64)
        sums += (y[part] * weight[part, None]).T @ rows
        whole += weight[part] @ rows
    totals = (y * weight[:, None]).sum(0)
    mean = whole / weight.sum()
    means = np.where(totals[:, None] > 0, sums / np.maximum(totals, 1e-30)[:, None], mean)
    differences = means - mean
    # Of a label that all pictures have, rounding alone would be left.
    differences[np.linalg.norm(differences, axis=1) <= 1e-7 * np.linalg.norm(means, axis=1)] = 0
    return _unit_rows(torch.from_numpy(differences))


def without_mean(rows, features) -> Tensor:
    """Return rows at right angles to the mean feature, so that their products are about zero.

    Pictures have much in common, and a row that points there too gives all of them a high logit,
    which no sigmoid expects.

    Parameters
    ----------
    rows : array-like of shape (n_labels, n_features)
    features : array-like of shape (n_samples, n_features)
        Frozen features of some pictures.

    Returns
    -------
    rows : Tensor of shape (n_labels, n_features)

    Examples
    --------
    >>> from sklift.heads import without_mean
    >>> without_mean([[0.6, 0.8]], [[2.0, 1.0], [4.0, -1.0]])
    tensor([[0., 1.]])
    """
    given, mean = _to_float(rows).double(), np.zeros(0)
    lazy = _lazy(features)
    mean = sum((lazy[part].astype(np.float64).sum(0) for part in lazy.parts()), start=0.0)
    length = np.linalg.norm(mean)
    if not length:
        return _unit_rows(given)
    common = torch.from_numpy(mean / length)
    return _unit_rows(given - (given @ common)[:, None] * common)
