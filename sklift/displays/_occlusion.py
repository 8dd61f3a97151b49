"""Parts of pictures that a prediction rests on, by painting over them."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from sklearn.base import BaseEstimator

from ..images._sources import ImageSource
from ..metrics._as_labels import as_labels
from ._columns import codes_of, naming
from ._contact_sheet import LONGEST_LINE, picture_grid, reduced
from ._fitted import names_of, reader_of
from ._style import BLUE, VERMILLION, shorten

LARGEST = 512  # pixels of a side of the pictures that are painted over
LEAST = 0.05  # nats: the strongest colour stands for this at least, so that noise stays pale
STRONGEST = 0.75  # opacity of the colour


class OcclusionDisplay:
    """Pictures, with the parts that speak for a class and those that speak against it.

    A window slides over a picture and is painted with the picture's mean colour. Where the class
    becomes less probable, the classifier needs what is there (orange); where it becomes more
    probable, that part speaks against the class (blue). Only predictions are used: any classifier
    and any tower can be looked into.

    Use :meth:`from_estimator` to create one.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, 3), uint8
        The pictures, reduced to at most 512 pixels a side.
    maps : ndarray of shape (n_images, n_cells, n_cells)
        By how much the logarithm of the probability falls, in nats, where a cell of the picture is
        painted over: the mean over the windows that cover the cell.
    labels : list of str
        Names of the classes that are explained.
    proba : ndarray of shape (n_images,)
        Probabilities of these classes.

    Attributes
    ----------
    axes_ : ndarray of shape (n_images,) of matplotlib Axes
        The axes of the pictures, row by row, inside ``ax_``.
    ax_ : matplotlib Axes
        Axes that hold all pictures.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    References
    ----------
    Zeiler, Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014, arXiv
    1311.2901.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier
    >>> from sklift.displays import OcclusionDisplay
    >>> X = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), np.uint8)
    >>> clf = LiftClassifier("emoji-tiny", max_epochs=1).fit(X, ["ant", "bee"] * 4)
    >>> display = OcclusionDisplay.from_estimator(clf, X[:2], n_cells=3)
    >>> display.maps.shape
    (2, 3, 3)
    """

    def __init__(
        self, images: list[np.ndarray], maps: np.ndarray, labels: list[str], proba: np.ndarray
    ):
        self.images = images
        self.maps = maps
        self.labels = labels
        self.proba = proba

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, X, y: ArrayLike | None = None, *, n_cells: int = 8, ax=None
    ) -> OcclusionDisplay:
        """Explain the predictions of a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            With ``predict_proba``. It predicts ``(n_cells - 1)**2 + 1`` pictures for each one.
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes; all of them are shown.
        y : array-like of shape (n_images,), default=None
            The classes to explain, such as the true ones; None: those that are predicted.
        n_cells : int, default=8
            Cells along each side of a picture, at least 2. A window has two by two of them.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : OcclusionDisplay

        Raises
        ------
        ValueError
            If ``y`` has classes that the classifier does not know.
        TypeError
            If the classifier has no probabilities.
        """
        if not isinstance(n_cells, Integral) or n_cells < 2:
            raise ValueError(f"n_cells must be an int of at least 2, got {n_cells!r}")
        if not hasattr(estimator, "predict_proba"):
            raise TypeError(f"{type(estimator).__name__} has no predict_proba, which is explained")
        source = reader_of(estimator).build(X)
        classes = as_labels(estimator.classes_)
        called = naming(names_of(estimator), classes)
        images = [reduced(source[i], LARGEST) for i in range(len(source))]
        whole = estimator.predict_proba(_Occluded(images, None))
        codes = whole.argmax(axis=1) if y is None else codes_of(y, classes, len(images))
        n_windows = (n_cells - 1) ** 2
        proba = estimator.predict_proba(_Occluded(images, int(n_cells)))
        proba = proba.reshape(len(images), n_windows, -1)
        rows = np.arange(len(images))
        of_class = proba[rows, :, codes]
        falls = _log(whole[rows, codes])[:, None] - _log(of_class)
        maps = np.stack([_by_cell(each, int(n_cells)) for each in falls])
        labels = [called(label) for label in classes[codes].tolist()]
        return cls(images, maps, labels, whole[rows, codes]).plot(ax=ax)

    def plot(self, ax=None) -> OcclusionDisplay:
        """Draw the pictures.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : OcclusionDisplay
            With ``ax_`` and ``figure_``.
        """
        ax, self.axes_ = picture_grid(ax, self, len(self.images), above=0.13)
        for panel, image, cells, label, p in zip(
            self.axes_, self.images, self.maps, self.labels, self.proba, strict=True
        ):
            panel.imshow(image)
            panel.imshow(_overlay(cells, image.shape[:2]))
            panel.set(xticks=[], yticks=[], anchor="N")
            after = f" ({p:.0%})"
            title = shorten(label, LONGEST_LINE - len(after)) + after
            panel.set_title(title, fontsize=8, pad=4, parse_math=False)
        ax.set_title("orange speaks for the class, blue against it", fontsize=9)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class _Occluded(ImageSource):
    """Pictures with a window painted over, all windows of one after another; None: as they are."""

    def __init__(self, images: list[np.ndarray], n_cells: int | None):
        self.images = images
        self.n_cells = n_cells
        self.n_each = 1 if n_cells is None else (n_cells - 1) ** 2

    def __len__(self) -> int:
        return len(self.images) * self.n_each

    def __getitem__(self, i: int) -> np.ndarray:
        image = self.images[i // self.n_each]
        if self.n_cells is None:
            return image
        row, column = divmod(i % self.n_each, self.n_cells - 1)
        top, bottom, left, right = (
            round(k * side / self.n_cells)
            for first, side in zip((row, column), image.shape[:2], strict=True)
            for k in (first, first + 2)
        )
        painted = image.copy()
        painted[top:bottom, left:right] = image.mean(axis=(0, 1)).round()
        return painted


def _log(p: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(p, 1e-12))


def _by_cell(falls: np.ndarray, n_cells: int) -> np.ndarray:
    """Mean over the windows that cover each cell, from one value for each window."""
    total, number = np.zeros((2, n_cells, n_cells))
    for row, of_row in enumerate(falls.reshape(n_cells - 1, n_cells - 1)):
        for column, fall in enumerate(of_row):
            total[row : row + 2, column : column + 2] += fall
            number[row : row + 2, column : column + 2] += 1
    return total / number


def _overlay(cells: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    """Colours (h, w, 4): one for falls, the other for rises, the stronger the less clear."""
    from matplotlib.colors import to_rgb

    smooth = Image.fromarray(cells.astype(np.float32)).resize(shape[::-1], Image.Resampling.BICUBIC)
    strength = np.asarray(smooth) / max(np.abs(cells).max(), LEAST)
    colours = np.where(strength[..., None] > 0, to_rgb(VERMILLION), to_rgb(BLUE))
    opacity = STRONGEST * np.abs(strength).clip(0, 1)
    return np.concatenate([colours, opacity[..., None]], axis=2)
