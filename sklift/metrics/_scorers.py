"""Scorers by training frequency, for ``scoring=``: they read the counts off the fitted estimator.

A class that only the test part of a fold holds counts as few-shot, with 0 training samples. A fold
whose test part has no class of the group scores NaN; stratified folds avoid that.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ._shots import few_shot_accuracy_score, many_shot_accuracy_score, medium_shot_accuracy_score


def many_shot_scorer(estimator: BaseEstimator, X, y: ArrayLike) -> float:
    """Score the classes with more than 100 training samples, for ``scoring=``.

    :func:`many_shot_accuracy_score` with the ``classes_`` and ``class_counts_`` of the fitted
    estimator, or of what a search or a pipeline wraps.

    Parameters
    ----------
    estimator : fitted classifier
        With ``classes_`` and ``class_counts_``, as :class:`sklift.LiftClassifier` has them.
    X : array-like of shape (n_samples, ...)
        Test input of the estimator.
    y : array-like of shape (n_samples,)
        True labels.

    Returns
    -------
    score : float in [0, 1]
        NaN if `y` has no such class.

    Raises
    ------
    ValueError
        If the estimator does not tell its training counts.
    """
    return _score(many_shot_accuracy_score, estimator, X, y)


def medium_shot_scorer(estimator: BaseEstimator, X, y: ArrayLike) -> float:
    """Score the classes with 20 to 100 training samples, for ``scoring=``.

    :func:`medium_shot_accuracy_score`; parameters and errors as in :func:`many_shot_scorer`.

    Returns
    -------
    score : float in [0, 1]
        NaN if `y` has no such class.
    """
    return _score(medium_shot_accuracy_score, estimator, X, y)


def few_shot_scorer(estimator: BaseEstimator, X, y: ArrayLike) -> float:
    """Score the classes with fewer than 20 training samples, for ``scoring=``.

    :func:`few_shot_accuracy_score`; parameters and errors as in :func:`many_shot_scorer`.

    Returns
    -------
    score : float in [0, 1]
        NaN if `y` has no such class.

    Examples
    --------
    ``GridSearchCV(LiftClassifier(), {"loss__tau": [0.5, 1.0]}, scoring=few_shot_scorer)``
    """
    return _score(few_shot_accuracy_score, estimator, X, y)


def _score(metric, estimator, X, y) -> float:
    counted = _with_counts(estimator)
    trained = zip(counted.classes_.tolist(), counted.class_counts_, strict=True)
    unseen = dict.fromkeys(np.unique(y).tolist(), 0)
    return metric(y, estimator.predict(X), {**unseen, **dict(trained)})


def _with_counts(estimator):
    """The estimator inside searches and pipelines that tells its training counts."""
    inner = estimator
    while not hasattr(inner, "class_counts_"):
        if hasattr(inner, "best_estimator_"):
            inner = inner.best_estimator_
        elif hasattr(inner, "steps"):
            inner = inner.steps[-1][1]
        else:
            raise ValueError(
                f"{type(inner).__name__} has no class_counts_, so its training counts are not "
                "known: use a classifier that sets classes_ and class_counts_ in fit, or call "
                "shot_accuracy_score with the counts."
            )
    return inner
