"""Average precision of each label against the number of its training samples."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length

from .._classes._label_sets import read_label_sets
from ..metrics import per_label_table
from ._against_counts import Against, draw_against_counts
from ._fitted import find_fitted
from ._style import start


class AveragePrecisionDisplay:
    """Average precision of each label against its training samples, with the mean of each group.

    The picture of :class:`RecallDisplay`, for pictures with any number of labels.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create one.

    Parameters
    ----------
    average_precisions : ndarray of shape (n_labels,), in [0, 1]
        Average precision of each label; NaN (a label that is not in the test data) is left out.
    label_counts : ndarray of shape (n_labels,)
        Training samples of each label.
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`sklift.metrics.shot_groups`.

    Attributes
    ----------
    points_ : dict of str to matplotlib PathCollection
        The markers of each group that has a label.
    means_ : dict of str to matplotlib LineCollection
        The line at the mean of each group that has a label.
    ax_ : matplotlib Axes
        Axes with the points.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    See Also
    --------
    sklift.metrics.per_label_table : The numbers.

    Examples
    --------
    >>> from sklift.displays import AveragePrecisionDisplay
    >>> y_true, y_score = [[1, 0], [0, 1], [0, 0]], [[0.9, 0.4], [0.2, 0.3], [0.1, 0.2]]
    >>> AveragePrecisionDisplay.from_predictions(y_true, y_score, [300, 5]).average_precisions
    array([1. , 0.5])
    """

    def __init__(
        self,
        average_precisions: np.ndarray,
        label_counts: np.ndarray,
        *,
        many: float = 100,
        few: float = 20,
    ):
        self.average_precisions = average_precisions
        self.label_counts = label_counts
        self.many = many
        self.few = few

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X,
        y,
        *,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> AveragePrecisionDisplay:
        """Plot the average precisions of a fitted classifier.

        Pictures that can't be read are left out, with ``reader__on_error="skip"``.

        Parameters
        ----------
        estimator : fitted classifier
            With ``classes_`` and ``label_counts_``, or a search or pipeline that wraps one.
        X : array-like of shape (n_samples, ...)
            Test input of the estimator.
        y : matrix or list of lists
            True labels, in any form that :meth:`sklift.MultilabelClassifier.fit` takes.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : AveragePrecisionDisplay
        """
        trained = find_fitted(estimator, "label_counts_")
        if trained is None:
            raise ValueError(
                f"{type(estimator).__name__} has no label_counts_, so its training counts are not "
                "known: give a fitted MultilabelClassifier, or use "
                "AveragePrecisionDisplay.from_predictions"
            )
        targets = read_label_sets(y, trained.classes_).targets
        scores, counts = estimator.predict_proba(X), trained.label_counts_
        check_consistent_length(scores, targets)
        read = ~np.isnan(scores).all(axis=1)
        return cls.from_predictions(
            targets[read], scores[read], counts, many=many, few=few, ax=ax, **kwargs
        )

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_score: ArrayLike,
        label_counts: Mapping | ArrayLike,
        *,
        labels: ArrayLike | None = None,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> AveragePrecisionDisplay:
        """Plot the average precisions of predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples, n_labels)
            1 where a picture has a label, else 0.
        y_score : array-like of shape (n_samples, n_labels)
            Scores of the labels, such as probabilities.
        label_counts : dict or array-like of shape (n_labels,)
            Training pictures with each label, see :func:`sklift.metrics.per_label_table`.
        labels : array-like of shape (n_labels,) or None, default=None
            The label of each column.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : AveragePrecisionDisplay
        """
        table = per_label_table(y_true, y_true, y_score, label_counts, labels=labels)
        display = cls(table["average_precision"], table["n_train"], many=many, few=few)
        return display.plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs) -> AveragePrecisionDisplay:
        """Draw points and means.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``scatter``.

        Returns
        -------
        display : AveragePrecisionDisplay
            With ``ax_`` and ``figure_``.
        """
        ax = start(ax, self)
        self.points_, self.means_ = draw_against_counts(
            ax,
            Against("average precision", "label", "labels"),
            self.average_precisions,
            self.label_counts,
            many=self.many,
            few=self.few,
            **kwargs,
        )
        self.ax_, self.figure_ = ax, ax.figure
        return self
