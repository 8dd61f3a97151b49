"""Scorers by training frequency, for ``scoring=``: they read the counts off the fitted estimator.

A class that only the test part of a fold holds counts as few-shot, with 0 training samples. A fold
whose test part has no class of the group scores NaN; stratified folds avoid that.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ._as_labels import as_labels
from ._shots import shot_accuracy_score, shot_groups

GROUPS = ("many", "medium", "few")


def make_shot_scorer(
    group: str, *, many: float = 100, few: float = 20
) -> Callable[[BaseEstimator, object, ArrayLike], float]:
    """Make a scorer of one group of classes, with boundaries that you choose, for ``scoring=``.

    It reads the training counts (``classes_`` and ``class_counts_``) off the fitted estimator, or
    off the one inside a pipeline, a search, a tuned threshold or a calibration. Where a calibration
    holds several estimators, trained on different folds, it takes the mean of their counts.

    Parameters
    ----------
    group : {"many", "medium", "few"}
        Which classes to score.
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`shot_groups`. Within cross-validation they apply to the
        counts of the training folds.

    Returns
    -------
    scorer : callable
        ``scorer(estimator, X, y)`` gives the mean recall of the classes of the group that ``y``
        holds, in [0, 1]; NaN if there is none. It can be pickled.

    Raises
    ------
    ValueError
        If ``group`` is not known, or ``few`` is above ``many``. Later, when it scores: if the
        estimator does not tell its training counts.

    Examples
    --------
    >>> from sklift.metrics import make_shot_scorer
    >>> make_shot_scorer("few", many=50, few=5)
    ShotScorer(group='few', many=50, few=5)

    ``GridSearchCV(LiftClassifier(), {"loss__tau": [0.5, 1]}, scoring=make_shot_scorer("few"))``
    """
    return ShotScorer(group, many, few)


@dataclass(frozen=True)
class ShotScorer:
    """Scorer of one group of classes, as :func:`make_shot_scorer` returns it."""

    group: str
    many: float = 100
    few: float = 20

    def __post_init__(self):
        if self.group not in GROUPS:
            raise ValueError(f"group must be one of {list(GROUPS)}; got {self.group!r}")
        shot_groups([], many=self.many, few=self.few)  # raises if they cross

    def __call__(self, estimator: BaseEstimator, X, y: ArrayLike) -> float:
        """Return the mean recall of the classes of the group, in [0, 1]; NaN if ``y`` has none."""
        unseen = dict.fromkeys(np.unique(as_labels(y, "y")).tolist(), 0)
        counts = {**unseen, **trained_class_counts(estimator)}
        scores = shot_accuracy_score(y, estimator.predict(X), counts, many=self.many, few=self.few)
        return scores[self.group]


def many_shot_scorer(estimator: BaseEstimator, X, y: ArrayLike) -> float:
    """Score the classes with more than 100 training samples, for ``scoring=``.

    The scorer that ``make_shot_scorer("many")`` returns: :func:`many_shot_accuracy_score` with the
    training counts of the fitted estimator.

    Parameters
    ----------
    estimator : fitted classifier
        With ``classes_`` and ``class_counts_``, as :class:`sklift.LiftClassifier` has them, or a
        pipeline, search, tuned threshold or calibration around one.
    X : array-like of shape (n_samples, ...)
        Test input of the estimator.
    y : array-like of shape (n_samples,)
        True labels.

    Returns
    -------
    score : float in [0, 1]
        NaN if ``y`` has no such class.

    Raises
    ------
    ValueError
        If the estimator does not tell its training counts.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier
    >>> from sklift.metrics import many_shot_scorer
    >>> X, y = np.eye(2).repeat([120, 40], axis=0), np.repeat(["ant", "bee"], [120, 40])
    >>> many_shot_scorer(LiftClassifier("precomputed", random_state=0).fit(X, y), X, y)
    1.0
    """
    return ShotScorer("many")(estimator, X, y)


def medium_shot_scorer(estimator: BaseEstimator, X, y: ArrayLike) -> float:
    """Score the classes with 20 to 100 training samples, for ``scoring=``.

    The scorer that ``make_shot_scorer("medium")`` returns; parameters and errors are those of
    :func:`many_shot_scorer`.

    Returns
    -------
    score : float in [0, 1]
        NaN if ``y`` has no such class.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier
    >>> from sklift.metrics import medium_shot_scorer
    >>> X, y = np.eye(2).repeat([120, 40], axis=0), np.repeat(["ant", "bee"], [120, 40])
    >>> medium_shot_scorer(LiftClassifier("precomputed", random_state=0).fit(X, y), X, y)
    1.0
    """
    return ShotScorer("medium")(estimator, X, y)


def few_shot_scorer(estimator: BaseEstimator, X, y: ArrayLike) -> float:
    """Score the classes with fewer than 20 training samples, for ``scoring=``.

    The scorer that ``make_shot_scorer("few")`` returns; parameters and errors are those of
    :func:`many_shot_scorer`.

    Returns
    -------
    score : float in [0, 1]
        NaN if ``y`` has no such class.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier
    >>> from sklift.metrics import few_shot_scorer
    >>> X, y = np.eye(2).repeat([120, 15], axis=0), np.repeat(["ant", "bee"], [120, 15])
    >>> few_shot_scorer(LiftClassifier("precomputed", random_state=0).fit(X, y), X, y)
    1.0

    ``GridSearchCV(LiftClassifier(), {"loss__tau": [0.5, 1.0]}, scoring=few_shot_scorer)``
    """
    return ShotScorer("few")(estimator, X, y)


def trained_class_counts(estimator) -> dict:
    """Training count of each label, read off the estimator or the one that it wraps."""
    if hasattr(estimator, "class_counts_"):
        return dict(zip(estimator.classes_.tolist(), estimator.class_counts_, strict=True))
    for wrapped in ("best_estimator_", "estimator_"):  # searches, tuned thresholds
        if hasattr(estimator, wrapped):
            return trained_class_counts(getattr(estimator, wrapped))
    if hasattr(estimator, "steps"):
        return trained_class_counts(estimator.steps[-1][1])
    if hasattr(estimator, "calibrated_classifiers_"):
        members = [trained_class_counts(c.estimator) for c in estimator.calibrated_classifiers_]
        labels = set().union(*members)
        return {label: np.mean([m.get(label, 0) for m in members]) for label in labels}
    raise ValueError(
        f"{type(estimator).__name__} has no class_counts_, so its training counts are not known: "
        "use a classifier that sets classes_ and class_counts_ in fit, or call "
        "shot_accuracy_score with the counts"
    )
