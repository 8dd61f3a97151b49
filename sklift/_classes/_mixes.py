"""Mixes of classes that a fitted classifier was trained on, and that its probabilities assume."""

from __future__ import annotations

from typing import Any

import numpy as np
from sklearn.frozen import FrozenEstimator

from ._priors import resolve_target_prior


def assumed_mix(estimator) -> np.ndarray | None:
    """Mix that the probabilities of a fitted classifier assume; None if it does not say.

    `LiftClassifier` has ``implied_prior_`` and ``target_prior``, Gaussian classifiers of this
    package and of scikit-learn have ``priors_`` or ``class_prior_``. Classes that are weighted
    "balanced" are alike in it.

    Examples
    --------
    >>> from sklift import ShrunkGaussianClassifier
    >>> from sklift._classes._mixes import assumed_mix
    >>> assumed_mix(ShrunkGaussianClassifier().fit([[0.0], [1.0], [3.0]], [0, 0, 1]))
    array([0.5, 0.5])
    """
    estimator = innermost(estimator)
    if hasattr(estimator, "implied_prior_"):
        target = getattr(estimator, "target_prior", None)
        target = resolve_target_prior(target, estimator.classes_, estimator.class_prior_)
        return estimator.implied_prior_ if target is None else target
    for name in ("priors_", "class_prior_"):
        if hasattr(estimator, name):
            return np.asarray(getattr(estimator, name), dtype=np.float64)
    if getattr(estimator, "class_weight", None) == "balanced":
        return np.full(len(estimator.classes_), 1 / len(estimator.classes_))
    return None


def trained_mix(estimator) -> np.ndarray | None:
    """Mix that a fitted classifier was trained on; None if it does not say."""
    estimator = innermost(estimator)
    for name in ("class_counts_", "class_count_", "class_prior_"):
        if hasattr(estimator, name):
            counts = np.asarray(getattr(estimator, name), dtype=np.float64)
            return counts / counts.sum()
    return None


def mix_of(y: np.ndarray, classes: np.ndarray, weight: np.ndarray | None = None) -> np.ndarray:
    """Share of each class in labels, by the sum of the weights if there are some.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._mixes import mix_of
    >>> mix_of(np.array([0, 0, 1]), np.array([0, 1]), np.array([1.0, 1.0, 6.0]))
    array([0.25, 0.75])
    """
    totals = np.array([np.sum((y == k) if weight is None else weight[y == k]) for k in classes])
    return totals / totals.sum()


def innermost(estimator):
    """The estimator inside pipelines, searches and frozen estimators."""
    return unwrapped(estimator)[0]


def unwrapped(estimator) -> tuple[Any, list]:
    """The estimator inside, and the pipelines of transformers before it, the first one first."""
    before = []
    while True:
        if isinstance(estimator, FrozenEstimator):  # before the others: it has what it holds
            estimator = estimator.estimator
        elif hasattr(estimator, "steps"):
            if len(estimator.steps) > 1:
                before.append(estimator[:-1])
            estimator = estimator.steps[-1][1]
        elif hasattr(estimator, "best_estimator_"):
            estimator = estimator.best_estimator_
        else:
            return estimator, before
