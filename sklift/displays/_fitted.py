"""Facts that a display needs from a fitted estimator."""

from __future__ import annotations

from contextlib import suppress

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from ..images import Reader, resolve_reader
from ..metrics._scorers import trained_class_counts


def find_fitted(estimator, attribute: str):
    """Return the estimator, or the one inside a search or a wrapper, that has the attribute.

    Returns
    -------
    part : estimator or None
        None if nothing inside has it.
    """
    while estimator is not None and not hasattr(estimator, attribute):
        estimator = _inner(estimator)
    return estimator


def explainer_of(estimator):
    """The classifier that has ``explain``, the estimator or the one inside a search or a wrapper.

    None if there is no such one, or if it is in a pipeline, which changes the pictures before it.
    """
    while estimator is not None and not hasattr(estimator, "explain"):
        estimator = None if hasattr(estimator, "steps") else _inner(estimator)
    return estimator


def _inner(estimator):
    """The estimator inside a pipeline, a search or a wrapper; None if there is none."""
    if hasattr(estimator, "steps"):
        return estimator.steps[-1][1]
    inner = ("best_estimator_", "estimator_")
    return next((vars(estimator)[k] for k in inner if k in vars(estimator)), None)


def names_of(estimator) -> dict | None:
    """Names of the classes of a fitted estimator, label to name, if it knows them."""
    named = find_fitted(estimator, "class_names_")
    names = getattr(named, "class_names_", None)
    return names and dict(zip(named.classes_.tolist(), names, strict=True))


def reader_of(estimator) -> Reader:
    """The recipe by which an estimator reads pictures; the default one if it has none."""
    return resolve_reader(getattr(find_fitted(estimator, "reader"), "reader", "auto"))


def training_counts(estimator, instead: str, y: ArrayLike = ()) -> dict:
    """Training count of each label, 0 for labels of ``y`` that the estimator was not trained on.

    Raises
    ------
    ValueError
        If the estimator does not tell its training counts; the message says what to use instead.
    """
    try:
        trained = trained_class_counts(estimator)
    except ValueError:
        if isinstance(estimator, BaseEstimator):
            check_is_fitted(estimator)
        raise ValueError(
            f"{type(estimator).__name__} has no class_counts_, so its training counts are not "
            f"known: give a fitted classifier that has them, such as LiftClassifier, or use "
            f"{instead}"
        ) from None
    return {**dict.fromkeys(np.unique(y).tolist(), 0), **trained}


def common_counts(estimators, y: ArrayLike) -> dict:
    """Training counts that are the same for all of the estimators that tell theirs.

    Raises
    ------
    ValueError
        If none tells, or two differ.
    """
    told = {}
    for name, estimator in estimators.items():
        with suppress(ValueError):  # one that does not tell is scored by the counts of the others
            told[name] = training_counts(estimator, "class_counts=", y)
    if not told:
        raise ValueError(
            f"none of {list(estimators)} has class_counts_, so the training counts are not known: "
            "give class_counts=, a dict label -> count"
        )
    first, *others = told
    differing = [name for name in others if told[name] != told[first]]
    if differing:
        raise ValueError(
            f"{first!r} and {differing[0]!r} were trained on different counts: give class_counts=, "
            "a dict label -> count, by which to group the classes"
        )
    return told[first]
