"""Sheet of pictures with their true and predicted classes."""

from __future__ import annotations

import math
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.utils import check_consistent_length
from sklearn.utils.multiclass import unique_labels

from .._classes._labels import check_labels
from .._core._text import counted
from ..images._as_source import as_image_source
from ..metrics._as_labels import as_labels
from ._columns import label_probabilities, naming
from ._fitted import names_of, reader_of
from ._panels import panels
from ._style import BLUE, VERMILLION, shorten, start

LARGEST = 256  # pixels of a side that are kept; a sheet shows no more
LONGEST_LINE = 26  # characters over a picture


class ContactSheetDisplay:
    """Pictures with true and predicted labels, the worst mistakes first.

    Mistakes come before hits; among them, those whose true class was given the least probability,
    then the most confident ones. A mistake has a cross and a vermilion frame, a hit a tick and a
    blue one.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create one.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, 3), uint8
        The pictures that are shown, reduced to at most 256 pixels a side.
    y_true, y_pred : list of str
        Names of the true and the predicted classes of these pictures.
    correct : ndarray of shape (n_images,), bool
        True where the prediction is right (a hit).
    proba_true, proba_pred : ndarray of shape (n_images,) or None, default=None
        The probabilities that these classes were given.
    title : str or None, default=None
        Title of the sheet.

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
    >>> from sklift.displays import ContactSheetDisplay
    >>> X = np.zeros((3, 8, 8), np.uint8)
    >>> y_true, y_pred = ["ant", "bee", "bee"], ["ant", "ant", "ant"]
    >>> y_proba = [[0.8, 0.2], [0.6, 0.4], [0.9, 0.1]]
    >>> display = ContactSheetDisplay.from_predictions(X, y_true, y_pred, y_proba)
    >>> display.proba_true
    array([0.1, 0.4, 0.8])
    """

    def __init__(
        self,
        images: list[np.ndarray],
        y_true: list[str],
        y_pred: list[str],
        correct: np.ndarray,
        *,
        proba_true: np.ndarray | None = None,
        proba_pred: np.ndarray | None = None,
        title: str | None = None,
    ):
        self.images = images
        self.y_true = y_true
        self.y_pred = y_pred
        self.correct = correct
        self.proba_true = proba_true
        self.proba_pred = proba_pred
        self.title = title

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, X, y: ArrayLike | None = None, *, n_images: int = 24, ax=None
    ) -> ContactSheetDisplay:
        """Show pictures and the predictions of a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            Its ``predict_proba``, if it has one, sorts the mistakes.
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes. Only those on the sheet are
            decoded for it.
        y : array-like of shape (n_samples,), default=None
            True labels; may be left out where X brings labels.
        n_images : int, default=24
            Number of pictures on the sheet, at most.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : ContactSheetDisplay
        """
        source = reader_of(estimator).build(X)
        return cls.from_predictions(
            source,
            check_labels(y) if y is not None else check_labels(source.labels, "the label of X"),
            estimator.predict(X),
            estimator.predict_proba(X) if hasattr(estimator, "predict_proba") else None,
            labels=getattr(estimator, "classes_", None),
            class_names=names_of(estimator),
            n_images=n_images,
            ax=ax,
        )

    @classmethod
    def from_predictions(
        cls,
        X,
        y_true: ArrayLike,
        y_pred: ArrayLike,
        y_proba: ArrayLike | None = None,
        *,
        labels: ArrayLike | None = None,
        class_names=None,
        image_shape: tuple | None = None,
        n_images: int = 24,
        ax=None,
    ) -> ContactSheetDisplay:
        """Show pictures and predictions.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes. Only those on the sheet are
            decoded.
        y_true, y_pred : array-like of shape (n_samples,)
            True and predicted labels.
        y_proba : array-like of shape (n_samples, n_classes) or None, default=None
            Predicted probabilities, by which the pictures are sorted; without them mistakes come
            first, and otherwise the order of X is kept.
        labels : array-like of shape (n_classes,) or None, default=None
            The class of each column of ``y_proba``, such as ``clf.classes_``. None: the sorted
            classes of ``y_true`` and ``y_pred``.
        class_names : dict, list of str or None, default=None
            Names to show: label -> name, or one for each of ``labels``. None: the labels.
        image_shape : tuple (height, width) or (height, width, channels), default=None
            The shape of the pictures in a 2-D X of flattened pictures.
        n_images : int, default=24
            Number of pictures on the sheet, at most.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : ContactSheetDisplay
        """
        if not isinstance(n_images, Integral) or n_images < 1:
            raise ValueError(f"n_images must be an int of at least 1, got {n_images!r}")
        source = as_image_source(X, image_shape)
        y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
        check_consistent_length(source, y_true, y_pred, y_proba)
        labels = unique_labels(y_true, y_pred) if labels is None else as_labels(labels, "labels")
        correct = y_true == y_pred
        proba_true, proba_pred = label_probabilities(y_proba, y_true, y_pred, labels)
        # lexsort sorts by its last key first
        order = np.lexsort((-proba_pred, proba_true, correct))[:n_images]
        called, given = naming(class_names, labels), y_proba is not None
        return cls(
            [reduced(source[int(i)]) for i in order],
            [called(label) for label in y_true[order].tolist()],
            [called(label) for label in y_pred[order].tolist()],
            correct[order],
            proba_true=proba_true[order] if given else None,
            proba_pred=proba_pred[order] if given else None,
            title=f"{len(order):,} of {counted(len(source), 'picture')}, worst mistakes first "
            f"(mistakes in all: {int((~correct).sum()):,})",
        ).plot(ax=ax)

    def plot(self, ax=None) -> ContactSheetDisplay:
        """Draw the sheet.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : ContactSheetDisplay
            With ``ax_`` and ``figure_``.
        """
        ax, self.axes_ = picture_grid(ax, self, len(self.images))
        for i, panel in enumerate(self.axes_):
            self._draw(panel, i)
        if self.title:
            ax.set_title(self.title, parse_math=False)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def _draw(self, panel, i: int) -> None:
        colour, mark = (BLUE, "✓") if self.correct[i] else (VERMILLION, "✗")
        panel.imshow(self.images[i])
        panel.set(xticks=[], yticks=[], anchor="N")
        panel.spines[:].set(color=colour, linewidth=2.5)
        panel.annotate(
            mark,
            (0, 1),
            (3, -3),
            xycoords="axes fraction",
            textcoords="offset points",
            ha="left",
            va="top",
            color="white",
            weight="bold",
            family="DejaVu Sans",  # comes with matplotlib and has both marks
            bbox={"boxstyle": "square,pad=0.15", "facecolor": colour, "edgecolor": "none"},
        )
        title = _line("", self.y_pred[i], self.proba_pred, i)
        if not self.correct[i]:
            title += "\n" + _line("true: ", self.y_true[i], self.proba_true, i)
        panel.set_title(title, fontsize=8, color=colour, pad=4, parse_math=False)


def picture_grid(ax, display, n: int, above: float = 0.22):
    """Axes, and those of n pictures inside, below text of a share ``above`` of their height."""
    n_columns = min(n, math.ceil(math.sqrt(1.5 * n)))
    n_rows = math.ceil(n / n_columns)
    height = 1.95 * 0.78 / (1 - above)
    ax = start(ax, display, figsize=(max(1.6 * n_columns, 4.8), height * n_rows + 0.3))
    grid = panels(ax, heights=(1,) * n_rows, widths=(1,) * n_columns, gap=(0, 0.02), above=above)
    for spare in grid[n:]:
        spare.remove()
    return ax, grid[:n]


def _line(before: str, name: str, proba: np.ndarray | None, i: int) -> str:
    after = "" if proba is None else f" ({proba[i]:.0%})"
    return before + shorten(name, LONGEST_LINE - len(before) - len(after)) + after


def reduced(image: np.ndarray, largest: int = LARGEST) -> np.ndarray:
    """A picture of at most so many pixels a side."""
    small = Image.fromarray(image)
    small.thumbnail((largest, largest))
    return np.asarray(small)
