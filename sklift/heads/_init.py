"""Weights that a head may start from, computed from arrays.

Every function returns a float32 tensor of shape (n_classes, n_features) on the CPU, with rows of
unit length. Arguments may be numpy arrays or tensors on any device. A class about which the data
says nothing gets a random row, the same at every call: no picture looks like it, and no two such
classes look alike (a zero row would have no direction, and an exploding gradient in a cosine
head).
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.utils import check_random_state
from torch import Tensor
from torch.nn import functional as F

from .._core._lazy_rows import AT_ONCE, LazyRows
from ._probe import logistic_coefficients

__all__ = [
    "class_mean_rows",
    "linear_probe_rows",
    "normalize",
    "random_rows",
    "subsample",
    "text_rows",
]

EPS = 1e-12


def normalize(values: Tensor) -> Tensor:
    """Return ``v / max(|v|, 1e-12)`` over the last axis, in the dtype of ``values``."""
    # In float16 the bound would round to zero, and a zero vector to NaN.
    wide = values.to(torch.promote_types(values.dtype, torch.float32))
    return F.normalize(wide, dim=-1, eps=EPS).to(values.dtype)


def random_rows(
    n_classes: int, n_features: int, generator: torch.Generator | None = None
) -> Tensor:
    """Return rows drawn from uniform(-1, 1) and normalised.

    Parameters
    ----------
    n_classes, n_features : int
    generator : torch.Generator, default=None
        Source of the numbers; None is torch's global one.

    Returns
    -------
    rows : Tensor of shape (n_classes, n_features)

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import random_rows
    >>> rows = random_rows(2, 768)
    >>> bool(rows.norm(dim=1).allclose(torch.ones(2)))
    True
    """
    return normalize(torch.empty(n_classes, n_features).uniform_(-1, 1, generator=generator))


def class_mean_rows(features, y, n_classes: int, sample_weight=None) -> Tensor:
    """Return the normalised mean of the raw features of each class.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        Frozen features, not normalised.
    y : array-like of shape (n_samples,)
        Class indices in 0..n_classes - 1.
    n_classes : int
    sample_weight : array-like of shape (n_samples,), default=None

    Returns
    -------
    rows : Tensor of shape (n_classes, n_features)

    Examples
    --------
    >>> from sklift.heads import class_mean_rows
    >>> class_mean_rows([[3.0, 0.0], [3.0, 8.0], [0.0, 2.0]], [0, 0, 1], n_classes=2)
    tensor([[0.6000, 0.8000],
            [0.0000, 1.0000]])
    """
    features, y, weight = _check_samples(features, y, n_classes, sample_weight)
    largest = torch.zeros(n_classes, dtype=weight.dtype).scatter_reduce(0, y, weight, "amax")
    weight = weight / largest.clamp_min(torch.finfo(weight.dtype).tiny)[y]  # small ones count too
    sums = torch.zeros(n_classes, features.shape[1], dtype=weight.dtype)
    for part in features.parts():
        sums.index_add_(0, y[part], torch.from_numpy(features[part]) * weight[part, None])
    return _unit_rows(sums)  # which cancels the division by the class total


def linear_probe_rows(features, y, n_classes: int, sample_weight=None) -> Tensor:
    """Return the normalised coefficients of a class-weighted logistic regression.

    The regression is scikit-learn's, with ``class_weight="balanced"``, on the raw features,
    stopped after 100 iterations, converged or not: it is a start, not a result. With two classes
    the rows are -w and w. With only one class in the data there is nothing to separate, and the
    row is the class mean.

    Parameters
    ----------
    features : array-like of shape (n_samples, n_features)
        Frozen features, not normalised.
    y : array-like of shape (n_samples,)
        Class indices in 0..n_classes - 1.
    n_classes : int
    sample_weight : array-like of shape (n_samples,), default=None
        Samples of weight 0 are left out.

    Returns
    -------
    rows : Tensor of shape (n_classes, n_features)

    Examples
    --------
    >>> from sklift.heads import linear_probe_rows
    >>> linear_probe_rows([[2.0, 0.0], [3.0, 0.0], [-2.0, 0.0]], [0, 0, 1], n_classes=2)
    tensor([[ 1., -0.],
            [-1.,  0.]])
    """
    lazy, y, weight = _check_samples(features, y, n_classes, sample_weight)
    kept = torch.nonzero(weight > 0)[:, 0]
    present, codes = y[kept].unique(return_inverse=True)
    if len(present) < 2:
        return class_mean_rows(lazy[kept.numpy()], y[kept], n_classes, weight[kept])
    codes, used = codes.numpy(), weight[kept].numpy()
    if len(present) == 2:
        probe = LogisticRegression(class_weight="balanced", max_iter=100)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)
            probe.fit(lazy[kept.numpy()], codes, sample_weight=used)
        coefficients = np.concatenate([-probe.coef_, probe.coef_])
    else:
        places, width = kept.numpy(), lazy.shape[1]
        coefficients = logistic_coefficients(lambda part: lazy[places[part]], codes, used, width)
    rows = torch.zeros(n_classes, lazy.shape[1], dtype=weight.dtype)
    rows[present] = torch.from_numpy(coefficients).to(rows)
    return _unit_rows(rows)


def text_rows(text_features, proj) -> Tensor:
    """Return text features carried back through the projection of the image tower.

    ``w_k = normalize(t_k @ proj.T)``, with t_k the normalised text feature of class k, or the mean
    of several, which is not normalised again.

    Parameters
    ----------
    text_features : array-like of shape (n_classes, n_joint) or (n_classes, n_prompts, n_joint)
        Output of the text tower, one or several prompts for each class. A list of arrays of shape
        (n_prompts_k, n_joint) allows different numbers of prompts.
    proj : array-like of shape (n_features, n_joint)
        Projection of a picture's feature into the joint space.

    Returns
    -------
    rows : Tensor of shape (n_classes, n_features)

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.heads import text_rows
    >>> proj = np.array([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> text_rows(np.array([[3.0, 0.0], [0.0, 5.0]]), proj)
    tensor([[1.0000, 0.0000, 0.0000],
            [0.0000, 0.7071, 0.7071]])
    """
    proj = _to_float(proj)
    means = [
        normalize(_to_cpu(prompts).to(proj).reshape(-1, proj.shape[1])).mean(0)
        for prompts in text_features
    ]
    return _unit_rows(torch.stack(means) @ proj.T)


def subsample(y, max_per_class: int = 100, random_state=None) -> np.ndarray:
    """Return the indices of a random draw of at most ``max_per_class`` samples of each class.

    Parameters
    ----------
    y : array-like of shape (n_samples,)
        Labels.
    max_per_class : int, default=100
    random_state : int, RandomState instance or None, default=None

    Returns
    -------
    indices : ndarray of shape (n_kept,)
        Sorted.

    Examples
    --------
    >>> from sklift.heads import subsample
    >>> len(subsample([0, 0, 0, 0, 1], max_per_class=2, random_state=0))
    3
    """
    y = np.asarray(y)
    starts = range(0, max(1, len(y)), AT_ONCE)
    classes = np.unique(np.concatenate([np.unique(y[i : i + AT_ONCE]) for i in starts]))
    n_seen = np.zeros(len(classes), dtype=np.intp)
    order = check_random_state(random_state).permutation(len(y))
    is_kept = np.zeros(len(y), dtype=bool)
    for start in range(0, len(order), AT_ONCE):  # sorting all at once would take six times as much
        some = order[start : start + AT_ONCE]
        codes = np.searchsorted(classes, y[some])
        by_class = np.argsort(codes, kind="stable")
        counts = np.bincount(codes, minlength=len(classes))
        rank = np.arange(len(some)) - np.repeat(np.cumsum(counts) - counts - n_seen, counts)
        is_kept[some[by_class[rank < max_per_class]]] = True
        n_seen += counts
        if n_seen.min() >= max_per_class:
            break
    return np.flatnonzero(is_kept)


def _unit_rows(rows: Tensor) -> Tensor:
    n_classes, n_features = rows.shape
    fallback = random_rows(n_classes, n_features, torch.Generator().manual_seed(0))
    known = rows.norm(dim=1, keepdim=True) > EPS
    return torch.where(known, normalize(rows).float(), fallback)


def _check_samples(features, y, n_classes, sample_weight) -> tuple[LazyRows, Tensor, Tensor]:
    features, y = _lazy(features), _to_cpu(y).long()
    if features.ndim != 2 or y.shape != features.shape[:1]:
        raise ValueError(
            "features must have shape (n_samples, n_features) and y shape (n_samples,); "
            f"got {tuple(features.shape)} and {tuple(y.shape)}"
        )
    if len(y) and not 0 <= int(y.min()) <= int(y.max()) < n_classes:
        raise ValueError(
            f"y must hold class indices in 0..{n_classes - 1}; "
            f"got values from {int(y.min())} to {int(y.max())}"
        )
    if sample_weight is None:
        return features, y, torch.from_numpy(np.ones(len(features), features.dtype))
    weight = _to_cpu(sample_weight).to(torch.from_numpy(np.empty(0, features.dtype)))
    if weight.shape != y.shape:
        raise ValueError(
            f"sample_weight has shape {tuple(weight.shape)}, expected {tuple(y.shape)}"
        )
    return features, y, weight


def _lazy(features) -> LazyRows:
    """Features as floats, at least float32; those of a memory map are not read as a whole."""
    if isinstance(features, LazyRows):
        return features
    if isinstance(features, Tensor):
        features = _to_float(features).numpy()
    array = np.asarray(features)
    dtype = array.dtype if array.dtype == np.float64 else np.float32
    # "W": a tensor on read-only memory would warn
    return LazyRows(array.shape, dtype, lambda index: np.require(array[index], dtype, "W"))


def _to_cpu(array) -> Tensor:
    # "W": a tensor on read-only memory (a memory map) would warn
    tensor = array if isinstance(array, Tensor) else torch.from_numpy(np.require(array, None, "W"))
    return tensor.detach().cpu()


def _to_float(array) -> Tensor:
    tensor = _to_cpu(array)
    return tensor.to(torch.promote_types(tensor.dtype, torch.float32))
