"""Heat map of the scores of a search over parameters."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from sklearn.base import BaseEstimator

from ._search_table import read_results
from ._style import VERMILLION, shorten, start

MOST_NUMBERS = 200  # cells: more numbers would not be readable
MOST_TICKS = 25
LONGEST_NAME = 28  # characters


class SearchResultsDisplay:
    """Score of a search by the values of two of its parameters, as a heat map.

    A cell shows the BEST mean test score that the search found with its two values, whatever the
    values of the other parameters. Beyond 200 distinct values of a parameter, neighbours share a
    cell. The best cell has a frame. In a halving search, a cell shows only what ran longest in it,
    since scores with different resources are not comparable.

    Use :meth:`from_estimator` or :meth:`from_cv_results` to create one.

    Parameters
    ----------
    scores : ndarray of shape (n_y_values, n_x_values)
        NaN where nothing was tried or the fit failed.
    x_values, y_values : list of str
        Names of the columns and rows.
    x : str
        The parameter of the columns.
    y : str or None
        The parameter of the rows; None if there is one row.
    others : list of str
        The parameters over which each cell is the best.
    best : (int, int) or None
        Row and column of the best cell; None if every fit failed.
    metric : str
        Name of the score.

    Attributes
    ----------
    image_ : matplotlib AxesImage
        The map.
    best_ : matplotlib Rectangle or None
        The frame of the best cell.
    texts_ : list of matplotlib Text
        The scores in the cells, row by row; empty for more than 200 cells.
    ax_ : matplotlib Axes
        Axes with the map.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    Examples
    --------
    >>> from sklearn.dummy import DummyClassifier
    >>> from sklearn.model_selection import GridSearchCV
    >>> from sklift.displays import SearchResultsDisplay
    >>> grid = {"strategy": ["uniform", "most_frequent"], "random_state": [0, 1]}
    >>> search = GridSearchCV(DummyClassifier(), grid, cv=2).fit([[0]] * 6, [0, 0, 1, 1, 1, 1])
    >>> display = SearchResultsDisplay.from_estimator(search, x="strategy")
    >>> display.x_values, display.others
    (['uniform', 'most_frequent'], ['random_state'])
    """

    def __init__(
        self,
        scores: np.ndarray,
        *,
        x_values: list[str],
        y_values: list[str],
        x: str,
        y: str | None,
        others: list[str],
        best: tuple[int, int] | None,
        metric: str,
    ):
        self.scores = scores
        self.x_values = x_values
        self.y_values = y_values
        self.x = x
        self.y = y
        self.others = others
        self.best = best
        self.metric = metric

    @classmethod
    def from_estimator(
        cls,
        search: BaseEstimator,
        *,
        x: str | None = None,
        y: str | None = None,
        metric: str | None = None,
        ax=None,
        **kwargs,
    ) -> SearchResultsDisplay:
        """Plot a fitted search.

        Parameters
        ----------
        search : fitted GridSearchCV, RandomizedSearchCV or halving search
            The search.
        x, y, ax, **kwargs
            As in :meth:`from_cv_results`.
        metric : str or None, default=None
            One of the search's metrics. None: the only one, or the one by which it was refitted.

        Returns
        -------
        display : SearchResultsDisplay

        Raises
        ------
        ValueError
            If the search is not fitted, or for the reasons of :meth:`from_cv_results`.
        """
        if not hasattr(search, "cv_results_"):
            raise ValueError(
                f"{type(search).__name__} has no cv_results_: give a fitted GridSearchCV or the "
                "like"
            )
        refit = getattr(search, "refit", None)
        if metric is None and isinstance(refit, str) and f"mean_test_{refit}" in search.cv_results_:
            metric = refit
        results = dict(search.cv_results_)
        if f"param_{getattr(search, 'resource', None)}" in results and {x, y} == {None}:
            del results[f"param_{search.resource}"]  # halving grows it; it is no choice
        return cls.from_cv_results(results, x=x, y=y, metric=metric, ax=ax, **kwargs)

    @classmethod
    def from_cv_results(
        cls,
        cv_results: Mapping,
        *,
        x: str | None = None,
        y: str | None = None,
        metric: str | None = None,
        ax=None,
        **kwargs,
    ) -> SearchResultsDisplay:
        """Plot the table of a search.

        Parameters
        ----------
        cv_results : dict or DataFrame
            The ``cv_results_`` of a search.
        x, y : str or None, default=None
            The parameters of columns and rows, such as "loss__tau". Both None: the one or two
            parameters that vary. Only ``y`` None: one row.
        metric : str or None, default=None
            Name of the score, for a search with several.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : SearchResultsDisplay

        Raises
        ------
        ValueError
            If a parameter or metric is not in the table, or is to be chosen.
        """
        return cls(**read_results(cv_results, x, y, metric)).plot(ax=ax, **kwargs)

    def plot(self, ax=None, **kwargs) -> SearchResultsDisplay:
        """Draw the map.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.
        **kwargs : dict
            Passed to matplotlib's ``imshow``.

        Returns
        -------
        display : SearchResultsDisplay
            With ``ax_`` and ``figure_``.
        """
        n_rows, n_columns = self.scores.shape
        tilted = sum(len(shorten(name, LONGEST_NAME)) for name in self.x_values[:MOST_TICKS]) > 50
        height = 1.9 + 0.45 * n_rows + (1.2 if tilted else 0)
        size = float(np.clip(1.9 + 0.75 * n_columns, 5, 12)), float(np.clip(height, 2.6, 9))
        ax = start(ax, self, figsize=size)
        # cividis looks alike with and without a colour vision deficiency
        style = {"cmap": "cividis", "aspect": "auto", **kwargs}
        self.image_ = ax.imshow(self.scores, **style)
        ax.figure.colorbar(self.image_, ax=ax)
        self.texts_ = []
        if self.scores.size <= MOST_NUMBERS:
            for (row, column), score in np.ndenumerate(self.scores):
                # On an empty cell the text stands on the background of the axes.
                dark = (
                    not np.isnan(score)
                    and np.dot(self.image_.to_rgba(score)[:3], (0.299, 0.587, 0.114)) < 0.5
                )
                text = "-" if np.isnan(score) else f"{score:.3f}"
                weight = "bold" if (row, column) == self.best else "normal"
                colour = "white" if dark else "black"
                self.texts_.append(
                    ax.text(
                        column, row, text, color=colour, weight=weight, ha="center", va="center"
                    )
                )
        self.best_ = None
        if self.best is not None:
            from matplotlib.patches import Rectangle

            row, column = self.best
            self.best_ = Rectangle(
                (column - 0.5, row - 0.5),
                1,
                1,
                fill=False,
                color=VERMILLION,
                lw=3,
                clip_on=False,
                zorder=3,
            )
            ax.add_patch(self.best_)
        self._label(ax, tilted)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _label(self, ax, tilted: bool) -> None:
        columns = np.arange(0, len(self.x_values), -(-len(self.x_values) // MOST_TICKS))
        rows = np.arange(0, len(self.y_values), -(-len(self.y_values) // MOST_TICKS))
        # Names that would run into each other are tilted.
        tilt = {"rotation": 40, "ha": "right", "rotation_mode": "anchor"} if tilted else {}
        x_names, y_names = (
            [shorten(values[i], LONGEST_NAME) for i in chosen]
            for values, chosen in ((self.x_values, columns), (self.y_values, rows))
        )
        ax.set_xticks(columns, x_names, parse_math=False, **tilt)
        ax.set_yticks(rows, y_names, parse_math=False)
        if self.y is None:
            ax.set_yticks([])
        best_over = f"\nbest over {shorten(', '.join(self.others), 50)}" if self.others else ""
        ax.set_xlabel(self.x, parse_math=False)
        ax.set_ylabel(self.y, parse_math=False)
        ax.set_title(f"mean test {self.metric}{best_over}", parse_math=False)
