"""Curves of a training, by epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real

import numpy as np
from sklearn.base import BaseEstimator

from ._fitted import find_fitted
from ._panels import panels
from ._style import BLUE, ORANGE, PALETTE, start

# Panel: the key of the training curve, that of the validation curve.
PANELS = {
    "loss": ("train_loss", "valid_loss"),
    "accuracy": ("train_acc", "valid_acc"),
    "learning rate": ("lr",),
}
SCORES = "other scores"  # the panel of all other keys, but these:
NO_SCORES = ("dur", "epoch", "train_batch_count", "valid_batch_count")
LINES = {
    "train": {"color": BLUE, "marker": "o"},
    "valid": {"color": ORANGE, "marker": "s", "linestyle": "--"},
}
MARKERS = "os^Dvp*"
MOST_MARKERS = 40  # more would hide the line


class TrainingCurveDisplay:
    """Loss, accuracy, learning rate and other scores by epoch.

    Use :meth:`from_estimator` or :meth:`from_history` to create one.

    Parameters
    ----------
    history : list of dict
        One dict per epoch, with any of "train_loss", "valid_loss", "train_acc", "valid_acc" and
        "lr" in each, and scores of other names, in some epochs at least, which share a panel. What
        is no number is not drawn, nor are "dur", "epoch" and counts of batches.

    Attributes
    ----------
    lines_ : dict of str to matplotlib Line2D
        The curve of each of these keys that the history has.
    axes_ : ndarray of shape (n_panels,) of matplotlib Axes
        The panels of loss, accuracy, learning rate and other scores that the history has, inside
        ``ax_``.
    ax_ : matplotlib Axes
        Axes that hold all panels.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    Raises
    ------
    ValueError
        If the history is empty or has nothing to draw, or its epochs differ in what they have.

    Examples
    --------
    >>> from sklift.displays import TrainingCurveDisplay
    >>> history = [{"train_loss": 2.0, "lr": 0.02}, {"train_loss": 1.5, "lr": 0.01}]
    >>> display = TrainingCurveDisplay.from_history(history)
    >>> display.lines_["train_loss"].get_ydata()
    array([2. , 1.5])
    """

    def __init__(self, history: Sequence[Mapping[str, float]]):
        self.history = history

    @classmethod
    def from_estimator(cls, estimator: BaseEstimator, *, ax=None, **kwargs) -> TrainingCurveDisplay:
        """Plot the ``history_`` of a fitted estimator.

        Parameters
        ----------
        estimator : fitted estimator
            With ``history_``, as :class:`sklift.LiftClassifier` has it, or a search or pipeline
            that wraps one.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by panels; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        part = find_fitted(estimator, "history_")
        if part is None:
            raise ValueError(
                f"{type(estimator).__name__} has no history_: give a fitted LiftClassifier, or use "
                "TrainingCurveDisplay.from_history"
            )
        return cls.from_history(part.history_, ax=ax, **kwargs)

    @classmethod
    def from_history(
        cls, history: Sequence[Mapping[str, float]], *, ax=None, **kwargs
    ) -> TrainingCurveDisplay:
        """Plot a history.

        Parameters
        ----------
        history : list of dict
            One dict per epoch.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by panels; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : TrainingCurveDisplay
        """
        return cls(history).plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs) -> TrainingCurveDisplay:
        """Draw the curves.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, replaced by panels; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``plot``.

        Returns
        -------
        display : TrainingCurveDisplay
            With ``ax_`` and ``figure_``.
        """
        from_epoch = self._drawn()
        known = {key for keys in PANELS.values() for key in keys}
        contents = {**PANELS, SCORES: [key for key in from_epoch if key not in known]}
        titles = [title for title, keys in contents.items() if from_epoch.keys() & set(keys)]
        ax = start(ax, self, figsize=(6, 0.8 + 1.8 * len(titles)))
        self.axes_ = panels(ax, heights=(1,) * len(titles), gap=0.05)
        self.lines_ = {}
        epochs = np.arange(1, len(self.history) + 1)
        for panel, title in zip(self.axes_, titles, strict=True):
            for i, key in enumerate(contents[title]):
                if key in from_epoch:
                    label, look = _label_and_look(key, i, of_a_score=title == SCORES)
                    style = {"markersize": 4, **look, **kwargs}
                    if len(epochs) > MOST_MARKERS:
                        style["marker"] = ""
                    values = from_epoch[key]
                    seen = ~np.isnan(values) if title == SCORES else np.ones(len(values), bool)
                    (self.lines_[key],) = panel.plot(
                        epochs[seen], values[seen], label=label, **style
                    )
            self._tidy(panel, title)
            panel.tick_params(labelbottom=False)
        panel.tick_params(labelbottom=True)
        panel.set_xlabel("epoch")
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _drawn(self) -> dict[str, np.ndarray]:
        """Values of each key that is drawn, one per epoch."""
        if not len(self.history):
            raise ValueError("history is empty: give one dict per epoch")
        known = [key for keys in PANELS.values() for key in keys]
        every = dict.fromkeys(key for row in self.history for key in row)
        others = [key for key in every if key not in known and key not in NO_SCORES]
        scores = {key: np.array([_number(row.get(key)) for row in self.history]) for key in others}
        scores = {key: values for key, values in scores.items() if not np.isnan(values).all()}
        drawn = [key for key in known if key in every]
        if not drawn and not scores:
            raise ValueError(
                f"history has none of {known}; its first epoch has {list(self.history[0])}"
            )
        for key in drawn:
            for i, row in enumerate(self.history):
                if key not in row:
                    raise ValueError(f"history[{i}] has no {key!r}, but other epochs have")
        return {k: np.array([float(row[k]) for row in self.history]) for k in drawn} | scores

    def _tidy(self, panel, title: str) -> None:
        from matplotlib.ticker import MaxNLocator

        panel.set_ylabel(title)
        panel.xaxis.set_major_locator(
            MaxNLocator(8, integer=True, min_n_ticks=1, steps=[1, 2, 5, 10])
        )
        panel.yaxis.set_major_locator(MaxNLocator(5, steps=[1, 2, 2.5, 5, 10]))
        if title == "accuracy":
            panel.set_ylim(0, 1.05)
        elif all(np.nanmin(line.get_ydata()) >= 0 for line in panel.lines):
            panel.set_ylim(0, 1.05 * panel.get_ylim()[1])  # room for half a marker at the top
        if len(panel.lines) > 1 or title == SCORES:
            for text in panel.legend().get_texts():
                text.set_parse_math(False)  # names of the user's


def _label_and_look(key: str, position: int, *, of_a_score: bool) -> tuple[str, dict]:
    """Label and style of a line: its part of the data, or the name of a score."""
    if of_a_score:
        label = f" {key}" if key.startswith("_") else key  # else matplotlib leaves it out
        marker = MARKERS[position % len(MARKERS)]
        return label, {"color": PALETTE[position % len(PALETTE)], "marker": marker}
    part = "valid" if key.startswith("valid") else "train"
    return part, LINES[part]


def _number(value) -> float:
    """A score of an epoch; NaN where there is none, or it is something else."""
    is_number = isinstance(value, Real) and not isinstance(value, bool | np.bool_)
    return float(value) if is_number else np.nan
