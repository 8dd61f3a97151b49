"""Sheet of the pictures of a review list."""

from __future__ import annotations

from pathlib import PurePath

import numpy as np

from .._core._text import counted
from ..images._as_source import as_image_source
from ._contact_sheet import picture_grid, reduced
from ._fitted import reader_of
from ._review_list import review_list
from ._style import BLUE, GREEN, ORANGE, PURPLE, shorten

COLOURS = {"unsure": BLUE, "foreign": PURPLE, "diverse": GREEN, "label": ORANGE}
LONGEST_LINE = 26  # characters over a picture


class ReviewDisplay:
    """Pictures to look at or to label next, with their indices, file names and reasons.

    Use :meth:`from_estimator` or :meth:`from_table` to create one.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, 3), uint8
        The pictures, reduced to at most 256 pixels a side.
    table : dict of str to ndarray of shape (n_images,)
        What :func:`review_list` says of them.

    Attributes
    ----------
    axes_ : ndarray of shape (n_images,) of matplotlib Axes
        The axes of the pictures, row by row, inside ``ax_``.
    ax_ : matplotlib Axes
        Axes that hold all pictures.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier
    >>> from sklift.displays import ReviewDisplay
    >>> X = np.random.default_rng(0).integers(0, 255, (12, 32, 32, 3), dtype=np.uint8)
    >>> clf = LiftClassifier("emoji-tiny", adapter=None, max_epochs=1, random_state=0)
    >>> clf = clf.fit(X, ["ant", "bee", "cat"] * 4)
    >>> display = ReviewDisplay.from_estimator(clf, X, 4, reasons=["unsure"])
    >>> display.table["picture"].shape
    (4,)
    """

    def __init__(self, images: list[np.ndarray], table: dict):
        self.images = images
        self.table = table

    @classmethod
    def from_estimator(cls, estimator, X, k: int = 24, *, ax=None, **arguments) -> ReviewDisplay:
        """Choose pictures, and show them.

        Parameters
        ----------
        estimator : fitted classifier
            With ``predict_proba``.
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes.
        k : int, default=24
            Number of pictures.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.
        **arguments
            Others of :func:`review_list`: ``y``, ``detector``, ``features``, ``proba``,
            ``reasons``.

        Returns
        -------
        display : ReviewDisplay
        """
        table = review_list(estimator, X, k, **arguments)
        return cls.from_table(reader_of(estimator).build(X, must_exist=False), table, ax=ax)

    @classmethod
    def from_table(cls, X, table, *, ax=None) -> ReviewDisplay:
        """Show the pictures of a list.

        Parameters
        ----------
        X : pictures
            Those that were listed from.
        table : dict or DataFrame
            From :func:`review_list`.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : ReviewDisplay
        """
        source = as_image_source(X, must_exist=False)  # those that are listed must
        columns = {name: np.asarray(table[name]) for name in table}
        if not len(columns["index"]):
            raise ValueError("the table lists no picture: there is nothing to show")
        images = [reduced(source[i]) for i in columns["index"].tolist()]
        return cls(images, columns).plot(ax=ax)

    def plot(self, ax=None) -> ReviewDisplay:
        """Draw the sheet.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : ReviewDisplay
            With ``ax_`` and ``figure_``.
        """
        ax, self.axes_ = picture_grid(ax, self, len(self.images), above=0.3)
        for i, panel in enumerate(self.axes_):
            row = {name: values[[i]].tolist()[0] for name, values in self.table.items()}
            colour = COLOURS[row["reason"]]
            panel.imshow(self.images[i])
            panel.set(xticks=[], yticks=[], anchor="N")
            panel.spines[:].set(color=colour, linewidth=2.5)
            panel.set_title(_lines(row), fontsize=7.5, pad=4, parse_math=False)
        ax.set_title(f"{counted(len(self.images), 'picture')} to review", parse_math=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self


def _lines(row: dict) -> str:
    """Three lines over a picture: where it is, why it is listed, what it may be."""
    name = PurePath(row["picture"]).name
    where = name if name == f"X[{row['index']}]" else f"{row['index']}: {name}"
    what = f"{row['predicted']} ({row['probability']:.0%})"
    if row["reason"] == "label":
        what = f"{row['label']}, or {what}"
    return "\n".join(
        shorten(line, LONGEST_LINE) for line in (where, f"{row['reason']} {row['score']:.3g}", what)
    )
