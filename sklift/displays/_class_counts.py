"""Curve of the class counts: the length of the tail."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .._classes._labels import check_labels
from .._core._text import counted
from ..metrics import shot_groups
from ._fitted import training_counts
from ._style import BLACK, GROUP_COLOURS, group_titles, scale_counts, shorten, start

MOST_NAMES = 30  # more would overlap


class ClassCountsDisplay:
    """Training samples per class, from the largest class to the smallest.

    The long-tail curve, on a logarithmic scale, over the many-, medium- and few-shot classes.

    Use :meth:`from_estimator`, :meth:`from_labels` or :meth:`from_counts` to create one.

    Parameters
    ----------
    class_counts : ndarray of shape (n_classes,)
        Training samples per class, in any order.
    labels : ndarray of shape (n_classes,) or None, default=None
        The classes; up to 30 are written on the axis.
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`sklift.metrics.shot_groups`.

    Attributes
    ----------
    line_ : matplotlib Line2D
        The curve.
    spans_ : dict of str to matplotlib artist
        The shaded area of each group that has a class.
    ax_ : matplotlib Axes
        Axes with the curve.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    Raises
    ------
    ValueError
        If there is no class, a count is negative, or the labels do not fit the counts.

    See Also
    --------
    RecallDisplay : What a classifier makes of each class.

    Examples
    --------
    >>> from sklift.displays import ClassCountsDisplay
    >>> display = ClassCountsDisplay.from_counts({"ant": 12, "bee": 150, "cat": 40})
    >>> display.line_.get_ydata()
    array([150,  40,  12])
    """

    def __init__(
        self,
        class_counts: np.ndarray,
        *,
        labels: np.ndarray | None = None,
        many: float = 100,
        few: float = 20,
    ):
        self.class_counts = class_counts
        self.labels = labels
        self.many = many
        self.few = few

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, *, many: float = 100, few: float = 20, ax=None, **kwargs
    ) -> ClassCountsDisplay:
        """Plot the ``class_counts_`` that a classifier was trained on.

        Parameters
        ----------
        estimator : fitted classifier
            With ``classes_`` and ``class_counts_``, or a search or pipeline that wraps one.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ClassCountsDisplay
        """
        counts = training_counts(estimator, "ClassCountsDisplay.from_labels")
        return cls.from_counts(counts, many=many, few=few, ax=ax, **kwargs)

    @classmethod
    def from_labels(
        cls, y: ArrayLike, *, many: float = 100, few: float = 20, ax=None, **kwargs
    ) -> ClassCountsDisplay:
        """Plot how often each label occurs.

        Parameters
        ----------
        y : array-like of shape (n_samples,)
            Training labels.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ClassCountsDisplay
        """
        labels, counts = np.unique(check_labels(y), return_counts=True)
        return cls.from_counts(counts, labels=labels, many=many, few=few, ax=ax, **kwargs)

    @classmethod
    def from_counts(
        cls,
        class_counts: Mapping | ArrayLike,
        *,
        labels: ArrayLike | None = None,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> ClassCountsDisplay:
        """Plot counts.

        Parameters
        ----------
        class_counts : dict, Series or array-like of shape (n_classes,)
            Training samples per class: label -> count, or an array along ``labels``.
        labels : array-like of shape (n_classes,) or None, default=None
            The classes, if ``class_counts`` is an array.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ClassCountsDisplay
        """
        if hasattr(class_counts, "to_dict"):  # a pandas Series, such as value_counts() gives
            class_counts = class_counts.to_dict()
        if isinstance(class_counts, Mapping):
            class_counts, labels = list(class_counts.values()), list(class_counts)
        labels = None if labels is None else np.asarray(labels)
        display = cls(np.asarray(class_counts), labels=labels, many=many, few=few)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs) -> ClassCountsDisplay:
        """Draw the curve.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : ClassCountsDisplay
            With ``ax_`` and ``figure_``.
        """
        groups = shot_groups(self.class_counts, many=self.many, few=self.few)
        if not len(self.class_counts):
            raise ValueError("class_counts is empty: give at least one class")
        if self.labels is not None and len(self.labels) != len(self.class_counts):
            raise ValueError(
                f"{counted(len(self.labels), 'label')} for {len(self.class_counts)} class_counts: "
                "give one for each"
            )
        order = np.argsort(-self.class_counts, kind="stable")
        counts = self.class_counts[order]
        rank = np.arange(1, len(counts) + 1)
        ax = start(ax, self)

        self.spans_ = {}
        titles = group_titles(self.many, self.few)
        for name, group in groups.items():
            if group.any():
                inside = rank[group[order]]
                self.spans_[name] = ax.axvspan(
                    inside[0] - 0.5,
                    inside[-1] + 0.5,
                    color=GROUP_COLOURS[name],
                    alpha=0.25,
                    lw=0,
                    label=f"{titles[name]}: {counted(group.sum(), 'class')}",
                )
        style = {"color": BLACK, "drawstyle": "steps-mid", **kwargs}
        if len(counts) <= MOST_NAMES:
            style = {"marker": "o", "markersize": 4, **style}
        (self.line_,) = ax.plot(rank, counts, **style)
        scale_counts(ax, "y", counts)
        ax.set(
            xlim=(0.5, len(counts) + 0.5),
            xlabel="class, by training samples",
            ylabel="training samples",
            title=f"{counted(len(counts), 'class')}, {counted(round(counts.sum()), 'sample')}",
        )
        if self.labels is not None and len(counts) <= MOST_NAMES:
            names = [shorten(str(label), 30) for label in self.labels[order]]
            tilt = {"rotation": 45, "ha": "right", "rotation_mode": "anchor"}
            ax.set_xticks(rank, names, parse_math=False, **tilt)
            ax.set_xlabel(None)
        else:
            ax.xaxis.get_major_locator().set_params(integer=True)
        ax.legend(loc="upper right")  # where a falling curve leaves room
        self.ax_, self.figure_ = ax, ax.figure
        return self
