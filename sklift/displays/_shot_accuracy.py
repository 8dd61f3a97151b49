"""Many-, medium- and few-shot accuracy of several models, side by side."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .._core._text import counted
from ..metrics._shots import mean_present, recalls_and_groups
from ._fitted import common_counts
from ._style import PALETTE, group_titles, legend, start

GROUPS = ("many", "medium", "few", "all")
HATCHES = ("", "//", "..")  # for models beyond the palette
MOST_NUMBERS = 8  # models whose bars are wide enough for a number


class ShotAccuracyDisplay:
    """Accuracy of the many-, medium- and few-shot classes and of all, as bars.

    Each accuracy is the mean of the recalls of the classes that the test data hold; that of all
    classes is the balanced accuracy.

    Create one by :meth:`from_estimator`, :meth:`from_estimators` or :meth:`from_predictions`.

    Parameters
    ----------
    scores : dict of str to dict
        Name of the model -> accuracies "many", "medium", "few" and "all", in [0, 1]; NaN for a
        group without a class, which gets no bar.
    group_sizes : dict of str to int
        Number of tested classes of "many", "medium", "few" and "all".
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`sklift.metrics.shot_groups`.

    Attributes
    ----------
    bars_ : dict of str to matplotlib BarContainer
        The bars of each model, in the order many, medium, few, all.
    ax_ : matplotlib Axes
        Axes with the bars.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    Raises
    ------
    ValueError
        If there is no model, or the counts do not fit the labels.

    See Also
    --------
    RecallDisplay : The recall of every single class.
    sklift.metrics.shot_accuracy_score : The accuracies.

    Examples
    --------
    >>> from sklift.displays import ShotAccuracyDisplay
    >>> y_true = ["ant", "ant", "bee", "cat"]
    >>> y_pred = {"plain": ["ant", "ant", "bee", "ant"], "LIFT": ["ant", "bee", "bee", "cat"]}
    >>> counts = {"ant": 300, "bee": 12, "cat": 3}
    >>> display = ShotAccuracyDisplay.from_predictions(y_true, y_pred, counts)
    >>> display.scores["LIFT"]["few"]
    1.0
    """

    def __init__(
        self,
        scores: dict[str, dict[str, float]],
        group_sizes: dict[str, int],
        *,
        many: float = 100,
        few: float = 20,
    ):
        self.scores = scores
        self.group_sizes = group_sizes
        self.many = many
        self.few = few

    @classmethod
    def from_estimator(
        cls,
        estimator: BaseEstimator,
        X,
        y: ArrayLike,
        *,
        class_counts: Mapping | None = None,
        name: str | None = None,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> ShotAccuracyDisplay:
        """Plot the accuracies of one fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            A classifier with ``predict``.
        X, y, class_counts, many, few, ax, **kwargs
            As in :meth:`from_estimators`.
        name : str or None, default=None
            Name of the model; None: that of its class.

        Returns
        -------
        display : ShotAccuracyDisplay
        """
        one = {name or type(estimator).__name__: estimator}
        return cls.from_estimators(
            one, X, y, class_counts=class_counts, many=many, few=few, ax=ax, **kwargs
        )

    @classmethod
    def from_estimators(
        cls,
        estimators: Mapping[str, BaseEstimator],
        X,
        y: ArrayLike,
        *,
        class_counts: Mapping | None = None,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> ShotAccuracyDisplay:
        """Plot the accuracies of several fitted classifiers.

        Parameters
        ----------
        estimators : dict of str to fitted classifier
            Name -> model, from left to right.
        X : array-like of shape (n_samples, ...)
            Test input of the estimators.
        y : array-like of shape (n_samples,)
            True labels.
        class_counts : dict or None, default=None
            Label -> training samples. None: the ``class_counts_`` of those estimators that have
            them, as :class:`sklift.LiftClassifier` does; labels of ``y`` not trained on have 0.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``bar``.

        Returns
        -------
        display : ShotAccuracyDisplay
        """
        if not isinstance(estimators, Mapping):
            raise TypeError(
                f"estimators must be a dict name -> estimator, got {type(estimators).__name__}"
            )
        if class_counts is None:
            class_counts = common_counts(estimators, y)
        y_pred = {name: estimator.predict(X) for name, estimator in estimators.items()}
        return cls.from_predictions(y, y_pred, class_counts, many=many, few=few, ax=ax, **kwargs)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_pred: Mapping[str, ArrayLike] | ArrayLike,
        class_counts: Mapping | ArrayLike,
        *,
        labels: ArrayLike | None = None,
        many: float = 100,
        few: float = 20,
        ax=None,
        **kwargs,
    ) -> ShotAccuracyDisplay:
        """Plot the accuracies of predictions.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_pred : array-like of shape (n_samples,), or dict of str to such
            Predicted labels; for several models, name -> labels.
        class_counts, labels
            Training samples per class, as in :func:`sklift.metrics.shot_accuracy_score`.
        many, few : float, default=100 and 20
            Boundaries of the groups.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``bar``.

        Returns
        -------
        display : ShotAccuracyDisplay
        """
        predictions = y_pred if isinstance(y_pred, Mapping) else {"Classifier": y_pred}
        scores, sizes = {}, {}
        for name, y in predictions.items():
            _, _, recalls, groups = recalls_and_groups(y_true, y, class_counts, labels, many, few)
            groups = {**groups, "all": np.ones(len(recalls), bool)}
            scores[name] = {group: mean_present(recalls[groups[group]]) for group in GROUPS}
            sizes = {group: int((~np.isnan(recalls[groups[group]])).sum()) for group in GROUPS}
        return cls(scores, sizes, many=many, few=few).plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs) -> ShotAccuracyDisplay:
        """Draw the bars.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``bar``.

        Returns
        -------
        display : ShotAccuracyDisplay
            With ``ax_`` and ``figure_``.
        """
        if not self.scores:
            raise ValueError("there is no model to draw: give at least one")
        n = len(self.scores)
        ax = start(ax, self, figsize=(max(6.4, min(2.4 + 1.4 * n, 14)), 4.8))
        width = 0.84 / n
        self.bars_ = {}
        for i, (name, score) in enumerate(self.scores.items()):
            heights = np.array([score[group] for group in GROUPS])
            left = np.arange(len(GROUPS)) + (i - (n - 1) / 2) * width
            style = {
                "color": PALETTE[i % len(PALETTE)],
                "hatch": HATCHES[i // len(PALETTE) % len(HATCHES)],
                "edgecolor": "white",
                "label": str(name),
                **kwargs,
            }
            self.bars_[name] = ax.bar(left, heights, width, **style)
            if n <= MOST_NUMBERS:
                ax.bar_label(self.bars_[name], fmt="%.2f", padding=2, fontsize=8)
        titles = {**group_titles(self.many, self.few), "all": "all (balanced)"}
        ticks = [
            "\n".join([*titles[group].split(" ", 1), counted(self.group_sizes[group], "class")])
            for group in GROUPS
        ]
        ax.set_xticks(range(len(GROUPS)), ticks)
        ax.set(ylim=(0, 1.05), yticks=np.linspace(0, 1, 6), ylabel="mean recall of the classes")
        longest = max(len(str(name)) for name in self.scores)
        letters = 12 * ax.get_window_extent().width / ax.figure.dpi  # that fit in the width
        columns = int(np.clip(letters // (longest + 7), 1, n))
        bars = list(self.bars_.values())
        names = [bar.get_label() for bar in bars]
        legend(ax, bars, names, loc="lower left", bbox_to_anchor=(0, 1), ncols=columns)
        self.ax_, self.figure_ = ax, ax.figure
        return self
