"""Parts of pictures that a model looks at, by gradients."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from PIL import Image
from sklearn.base import BaseEstimator

from ._contact_sheet import LONGEST_LINE, picture_grid
from ._fitted import explainer_of
from ._style import shorten

DIMMEST = 0.2  # brightness of what the model does not look at
BRIGHT = 0.95  # quantile of a map's values that has full brightness, since single ones stick out


class SaliencyDisplay:
    """Pictures that are dark but for the places that the model looks at for a class.

    One pass through the model and one back tell it, by gradients: see
    :meth:`sklift.LiftClassifier.explain`. :class:`OcclusionDisplay` takes dozens of predictions for
    each picture, but it takes any classifier, and shows what speaks against a class as well.

    Use :meth:`from_estimator` to create one.

    Parameters
    ----------
    images : list of ndarray of shape (height, width, 3), uint8
        The views of the pictures that the model sees.
    maps : ndarray of shape (n_images, n_rows, n_columns)
        The share of each part of a view in what the class rests on. They sum to 1 for each picture,
        or are zeros if nothing speaks for the class.
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

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import LiftClassifier
    >>> from sklift.displays import SaliencyDisplay
    >>> X = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), np.uint8)
    >>> clf = LiftClassifier("emoji-tiny", max_epochs=1).fit(X, ["ant", "bee"] * 4)
    >>> display = SaliencyDisplay.from_estimator(clf, X[:2])
    >>> display.maps.shape
    (2, 5, 5)
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
        cls, estimator: BaseEstimator, X, y: ArrayLike | None = None, *, ax=None
    ) -> SaliencyDisplay:
        """Show where a fitted classifier looks.

        Parameters
        ----------
        estimator : fitted classifier
            A :class:`sklift.LiftClassifier` of pictures, or a search or wrapper with one inside.
        X : pictures
            Of any kind that :meth:`sklift.LiftClassifier.fit` takes; all of them are shown.
        y : array-like of shape (n_images,), default=None
            The classes to explain, such as the true ones; None: those that are predicted.
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : SaliencyDisplay

        Raises
        ------
        ValueError
            If ``y`` has classes that the classifier does not know, or if the tower does not show
            where it looks.
        TypeError
            If the classifier has no ``explain``.
        """
        explainer = explainer_of(estimator)
        if explainer is None:
            raise TypeError(
                f"{type(estimator).__name__} has no explain, as a LiftClassifier of pictures has: "
                "OcclusionDisplay takes any classifier with predict_proba"
            )
        return explainer.explain(X, y).plot(ax=ax)

    def plot(self, ax=None) -> SaliencyDisplay:
        """Draw the pictures.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, replaced by the pictures; None makes a new figure.

        Returns
        -------
        display : SaliencyDisplay
            With ``ax_`` and ``figure_``.
        """
        ax, self.axes_ = picture_grid(ax, self, len(self.images), above=0.13)
        for panel, image, label, p in zip(
            self.axes_, self.lit(), self.labels, self.proba, strict=True
        ):
            panel.imshow(image)
            panel.set(xticks=[], yticks=[], anchor="N")
            after = f" ({p:.0%})"
            title = shorten(label, LONGEST_LINE - len(after)) + after
            panel.set_title(title, fontsize=8, pad=4, parse_math=False)
        ax.set_title("bright: where the model looks for the class", fontsize=9)
        self.ax_, self.figure_ = ax, ax.figure
        return self

    def lit(self) -> list[np.ndarray]:
        """Return the pictures with light on the places, without matplotlib.

        Returns
        -------
        images : list of ndarray of shape (height, width, 3), uint8
        """
        return [_lit(*each) for each in zip(self.images, self.maps, strict=True)]


def _lit(image: np.ndarray, cells: np.ndarray) -> np.ndarray:
    full = max(np.quantile(cells, BRIGHT), cells.max() / 10, np.finfo(cells.dtype).tiny)
    light = Image.fromarray((cells / full).clip(0, 1).astype(np.float32))
    light = light.resize(image.shape[1::-1], Image.Resampling.BICUBIC)
    brightness = DIMMEST + (1 - DIMMEST) * np.asarray(light).clip(0, 1)
    return (image * brightness[..., None]).round().astype(np.uint8)
