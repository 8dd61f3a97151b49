"""Recall of each class against the number of its training samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ..metrics import shot_groups
from ..metrics._shots import recalls_and_groups
from ._fitted import training_counts
from ._style import (
    BLACK,
    GROUP_COLOURS,
    GROUP_MARKERS,
    group_titles,
    n_classes,
    scale_counts,
    start,
)


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
        if np.shape(self.recalls) != np.shape(self.class_counts):
            raise ValueError(
                f"recalls has shape {np.shape(self.recalls)}, class_counts "
                f"{np.shape(self.class_counts)}: give one of each per class"
            )
        tested = ~np.isnan(self.recalls)
        if not tested.any():
            raise ValueError("recalls is NaN for every class: there is nothing to draw")
        recalls, counts = self.recalls[tested], self.class_counts[tested]
        groups = shot_groups(counts, many=self.many, few=self.few)
        ax = start(ax, self)

        self.points_, self.means_ = {}, {}
        titles = group_titles(self.many, self.few)
        area = 20 if len(counts) > 100 else 40
        for name, group in groups.items():
            if not group.any():
                continue
            points = np.column_stack([counts[group], recalls[group]])
            points, size = np.unique(points, axis=0, return_counts=True)
            colour, mean = GROUP_COLOURS[name], recalls[group].mean()
            # over the line of the mean, and with a rim that shows them there
            style = {"alpha": 0.6, "linewidths": 0.5, "edgecolors": "white", "zorder": 3, **kwargs}
            self.points_[name] = ax.scatter(
                *points.T, s=area * size, color=colour, marker=GROUP_MARKERS[name], **style
            )
            ends = counts[group].min() / 1.1, counts[group].max() * 1.1  # seen for one count too
            ax.hlines(
                mean, *ends, color=BLACK, lw=5, snap=False
            )  # a rim that parts the line from the points
            self.means_[name] = ax.hlines(
                mean,
                *ends,
                color=colour,
                lw=3,
                snap=False,
                label=f"{titles[name]}: mean {mean:.2f} of {n_classes(group.sum())}",
            )
        scale_counts(ax, "x", counts)
        ax.set(
            ylim=(-0.03, 1.03),
            xlabel="training samples of the class",
            ylabel="recall of the class",
        )
        ax.legend(loc="lower left", bbox_to_anchor=(0, 1), title="marker area: number of classes")
        self.ax_, self.figure_ = ax, ax.figure
        return self
