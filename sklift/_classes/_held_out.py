"""Models with samples that they were not fitted to."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from numbers import Integral, Real
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold, check_cv
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._core._sklearn import Interval, take_rows

CV_CONSTRAINTS = [
    None,
    Interval(Integral, 2, None, closed="left"),
    Interval(Real, 0, 1, closed="neither"),
    "cv_object",
]


class Fold(NamedTuple):
    """A fitted model, and samples that it has not seen.

    Parameters
    ----------
    estimator : estimator
        Fitted.
    train : ndarray of int, or None
        Indices of the samples that it was fitted to; None if it came fitted.
    test : ndarray of int
        Indices of the others.
    """

    estimator: Any
    train: np.ndarray | None
    test: np.ndarray


def held_out(
    estimator, X, y: np.ndarray, cv, groups=None, random_state=None, sample_weight=None
) -> list[Fold]:
    """Models, each with the samples that it was not fitted to.

    Parameters
    ----------
    estimator : estimator
        A ``FrozenEstimator`` is taken as it is: all samples are new to it.
    X : array-like of length n_samples
        Samples.
    y : ndarray of shape (n_samples,)
        Labels.
    cv : None, int, float, splitter or iterable
        None is 5 folds, or fewer where the largest class has fewer samples, or where there are
        fewer groups; a float is the share that is held out once, of which each class leaves one
        sample at least for training.
    groups : array-like of shape (n_samples,), optional
        Samples of one group are held out together.
    random_state : int, RandomState or None
        Seed of the folds.
    sample_weight : ndarray of shape (n_samples,), optional
        Weights to fit with.

    Returns
    -------
    folds : list of Fold
        One if the estimator is frozen or the split is a single one.
    """
    if isinstance(estimator, FrozenEstimator):
        check_is_fitted(estimator.estimator)
        return [Fold(estimator, None, np.arange(len(y)))]
    return [
        Fold(fitted_to(estimator, X, y, train, sample_weight), train, test)
        for train, test in splits(y, cv, groups, random_state)
    ]


def whole(estimator, folds: list[Fold], X, y: np.ndarray, sample_weight=None):
    """The model to predict with: that of a single fold, or else one fitted to all samples."""
    if len(folds) == 1:
        return folds[0].estimator
    return fitted_to(estimator, X, y, slice(None), sample_weight)


def fitted_to(estimator, X, y: np.ndarray, rows, sample_weight=None):
    """A clone that is fitted to some samples; only weights that are given are passed on."""
    X = X if isinstance(rows, slice) else take_rows(X, rows)
    if sample_weight is None:
        return clone(estimator).fit(X, y[rows])
    return clone(estimator).fit(X, y[rows], sample_weight=sample_weight[rows])


def fit_by_groups(estimator, X, y: np.ndarray, groups=None):
    """Fit an estimator; one whose ``fit`` takes groups is told them."""
    if groups is not None and has_fit_parameter(estimator, "groups"):
        return estimator.fit(X, y, groups=groups)
    return estimator.fit(X, y)


def check_finite(values: np.ndarray, rows: np.ndarray, purpose: str, what="probabilities") -> None:
    """Raise ValueError if a sample, of which ``rows`` are the numbers, has a value that is none."""
    wrong = ~np.isfinite(values.reshape(len(values), -1)).all(axis=1)
    if wrong.any():
        raise ValueError(
            f"the {what} of sample {rows[wrong][0]} to {purpose} are not finite ({wrong.sum()} "
            "such samples): leave samples out that can't be read"
        )


def splits(y: np.ndarray, cv, groups, random_state) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Indices to fit to and to hold out; the parameters are those of :func:`held_out`."""
    if cv is None:
        most = np.unique(y, return_counts=True)[1].max()
        n_groups = len(y) if groups is None else len(np.unique(groups))
        cv = int(max(2, min(5, most, n_groups)))
    if isinstance(cv, Real) and not isinstance(cv, Integral):
        yield _share(y, float(cv), groups, check_random_state(random_state))
        return
    if isinstance(cv, Integral):
        kind = StratifiedKFold if groups is None else StratifiedGroupKFold
        cv = kind(int(cv), shuffle=True, random_state=random_state)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The least populated class", UserWarning)
        yield from check_cv(cv, y, classifier=True).split(np.zeros(len(y)), y, groups)


def _share(y: np.ndarray, share: float, groups, rng) -> tuple[np.ndarray, np.ndarray]:
    """A random part to hold out, of which no class is absent in the rest."""
    units = np.arange(len(y)) if groups is None else np.unique(groups, return_inverse=True)[1]
    codes = np.unique(y, return_inverse=True)[1]
    members_of = np.split(np.argsort(units, kind="stable"), np.cumsum(np.bincount(units))[:-1])
    left, held, n_held = np.bincount(codes), np.zeros(len(y), dtype=bool), 0
    for unit in rng.permutation(len(members_of)):
        if n_held >= share * len(y):
            break
        members = members_of[unit]
        classes, counts = np.unique(codes[members], return_counts=True)
        if (left[classes] > counts).all():
            left[classes] -= counts
            held[members], n_held = True, n_held + len(members)
    if not n_held:
        raise ValueError(
            f"cv={share} holds no sample out: every class has one sample or group only; give a "
            "FrozenEstimator and other samples"
        )
    return np.flatnonzero(~held), np.flatnonzero(held)
