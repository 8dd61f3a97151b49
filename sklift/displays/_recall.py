"""Recall of each class against the number of its training samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ..metrics._shots import recalls_and_groups
from ._against_counts import Against, draw_against_counts
from ._fitted import training_counts
from ._style import start


class RecallDisplay:
    """Recall of each class against its training samples, with the mean of each group.

    A marker stands for all classes with the same count and recall; its area tells how many.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create one.

    Parameters
    ----------
    recalls : ndarray of shape (n_classes,), in [0, 1]
        Recall of each class; NaN (a class that is not in the test data) is left out.
    class_counts : ndarray of shape (n_classes,)
        Training samples of each class.
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`sklift.metrics.shot_groups`.

    Attributes
    ----------
    points_ : dict of str to matplotlib PathCollection
        The markers of each group that has a class.
    means_ : dict of str to matplotlib LineCollection
        The line at the mean recall of each group that has a class.
    ax_ : matplotlib Axes
        Axes with the points.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    Raises
    ------
    ValueError
        If recalls and counts do not fit, or no class has a recall.

    See Also
    --------
    ShotAccuracyDisplay : The means of several models side by side.
    sklift.metrics.per_class_recall : The recalls.

    Examples
    --------
    >>> from sklift.displays import RecallDisplay
    >>> y_true, y_pred = ["ant", "ant", "bee", "cat"], ["ant", "bee", "bee", "ant"]
    >>> counts = {"ant": 300, "bee": 12, "cat": 3}
    >>> RecallDisplay.from_predictions(y_true, y_pred, counts).recalls
    array([0.5, 1. , 0. ])
    """

    def __init__(
        self,
        recalls: np.ndarray,
        class_counts: np.ndarray,
        *,
        many: float = 100,
        few: float = 20,
    ):
        self.recalls = recalls
        self.class_counts = class_counts
        self.many = many
        self.few = few

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X,
        y: ArrayLike,
        *,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> RecallDisplay:
        """Plot the recalls of a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            With ``classes_`` and ``class_counts_``, or a search or pipeline that wraps one. Labels
            of ``y`` that it was not trained on have the count 0.
        X : array-like of shape (n_samples, ...)
            Test input of the estimator.
        y : array-like of shape (n_samples,)
            True labels.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : RecallDisplay
        """
        counts = training_counts(estimator, "RecallDisplay.from_predictions", y)
        y_pred = estimator.predict(X)
        return cls.from_predictions(y, y_pred, counts, many=many, few=few, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        class_counts: Mapping | ArrayLike,
        *,
        labels: ArrayLike | None = None,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> RecallDisplay:
        """Plot the recalls of predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,)
            Predicted labels.
        class_counts : dict, Series or array-like of shape (n_classes,)
            Training samples per class, see :func:`sklift.metrics.shot_accuracy_score`.
        labels : array-like of shape (n_classes,) or None, default=None
            All classes, see :func:`sklift.metrics.shot_accuracy_score`.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : RecallDisplay
        """
        _, counts, recalls, _ = recalls_and_groups(y_true, y_pred, class_counts, labels, many, few)
        display = cls(recalls, counts, many=many, few=few)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs) -> RecallDisplay:
        """Draw points and means.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : RecallDisplay
            With ``ax_`` and ``figure_``.
        """
        ax = start(ax, self)
        self.points_, self.means_ = draw_against_counts(
            ax,
            Against("recall", "class", "classes"),
            self.recalls,
            self.class_counts,
            many=self.many,
            few=self.few,
            **kwargs,
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self
