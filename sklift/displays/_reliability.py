"""Reliability diagram: accuracy against confidence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ..metrics import reliability_curve
from ._panels import panels
from ._style import BLACK, BLUE, SKY, VERMILLION, start


class ReliabilityDisplay:
    """Reliability diagram: accuracy against the confidence in the most probable class.

    Above, for each bin of confidence, the accuracy as a bar and its gap to the mean confidence;
    below, the share of samples in each bin. The legend tells the expected calibration error, the
    mean gap, ``sum_b weight_b |accuracy_b - confidence_b|``.

    Use :meth:`from_estimator` or :meth:`from_predictions` to create one.

    Parameters
    ----------
    confidence, accuracy, weight : ndarray of shape (n_filled,), in [0, 1]
        Mean confidence, accuracy and share of samples of the bins that hold a sample, see
        :func:`sklift.metrics.reliability_curve`.
    n_bins : int, default=15
        Number of bins of equal width over [0, 1].

    Attributes
    ----------
    bars_ : matplotlib BarContainer
        The accuracies.
    gaps_ : matplotlib LineCollection
        The lines from accuracy to confidence in each bin.
    histogram_ : matplotlib BarContainer
        The shares of samples.
    axes_ : ndarray of shape (2,) of matplotlib Axes
        The axes of the diagram and of the histogram, inside ``ax_``.
    ax_ : matplotlib Axes
        Axes that hold both.
    figure_ : matplotlib Figure
        Figure that holds the axes.

    See Also
    --------
    sklift.metrics.expected_calibration_error : The error in the legend.

    References
    ----------
    Guo, Pleiss, Sun, Weinberger, "On Calibration of Modern Neural Networks", ICML 2017,
    arXiv 1706.04599.

    Examples
    --------
    >>> from sklift.displays import ReliabilityDisplay
    >>> y_proba = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.4, 0.6]]
    >>> display = ReliabilityDisplay.from_predictions([0, 0, 1, 1], y_proba, n_bins=5)
    >>> display.confidence, display.weight
    (array([0.6, 0.9]), array([0.25, 0.75]))
    """

    def __init__(
        self,
        confidence: np.ndarray,
        accuracy: np.ndarray,
        weight: np.ndarray,
        *,
        n_bins: int = 15,
    ):
        self.confidence = confidence
        self.accuracy = accuracy
        self.weight = weight
        self.n_bins = n_bins

    @classmethod
    def from_estimator(
        cls, estimator: BaseEstimator, X, y: ArrayLike, *, n_bins: int = 15, ax=None
    ) -> ReliabilityDisplay:
        """Plot the reliability of a fitted classifier.

        Parameters
        ----------
        estimator : fitted classifier
            With ``classes_`` and ``predict_proba``.
        X : array-like of shape (n_samples, ...)
            Test input of the estimator.
        y : array-like of shape (n_samples,)
            True labels.
        n_bins : int, default=15
            Number of bins.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        ValueError
            If the estimator has no ``predict_proba``, or for the reasons of
            :func:`sklift.metrics.reliability_curve`.
        """
        if not hasattr(estimator, "predict_proba"):
            raise ValueError(
                f"{type(estimator).__name__} has no predict_proba: reliability is about "
                "probabilities"
            )
        y_proba = estimator.predict_proba(X)
        return cls.from_predictions(y, y_proba, labels=estimator.classes_, n_bins=n_bins, ax=ax)

    @classmethod
    def from_predictions(
        cls,
        y_true: ArrayLike,
        y_proba: ArrayLike,
        *,
        labels: ArrayLike | None = None,
        n_bins: int = 15,
        ax=None,
    ) -> ReliabilityDisplay:
        """Plot the reliability of predicted probabilities.

        Parameters
        ----------
        y_true : array-like of shape (n_samples,)
            True labels.
        y_proba : array-like of shape (n_samples, n_classes) or (n_samples,)
            Predicted probabilities; one-dimensional: those of the second of two classes.
        labels : array-like of shape (n_classes,) or None, default=None
            The class of each column, such as ``clf.classes_``. None: the sorted classes of
            ``y_true``.
        n_bins : int, default=15
            Number of bins.
        ax : matplotlib Axes, default=None
            Where to draw; None makes a new figure.

        Returns
        -------
        display : ReliabilityDisplay

        Raises
        ------
        ValueError
            As :func:`sklift.metrics.reliability_curve`.
        """
        curve = reliability_curve(y_true, y_proba, labels=labels, n_bins=n_bins)
        return cls(*curve, n_bins=n_bins).plot(ax=ax)

    def plot(self, ax=None) -> ReliabilityDisplay:
        """Draw diagram and histogram.

        Parameters
        ----------
        ax : matplotlib Axes, default=None
            Where to draw, replaced by two panels; None makes a new figure.

        Returns
        -------
        display : ReliabilityDisplay
            With ``ax_`` and ``figure_``.
        """
        confidence, accuracy, weight = self.confidence, self.accuracy, self.weight
        error = np.sum(weight * np.abs(accuracy - confidence))
        # Bins are open to the left; the small step back is for means a rounding above their bin.
        bins = np.ceil(confidence * self.n_bins - 1e-9).clip(1) - 1
        bars = {"align": "edge", "width": 1 / self.n_bins, "edgecolor": "white", "lw": 0.5}
        ax = start(ax, self, figsize=(5.2, 5.8))
        top, bottom = self.axes_ = panels(ax, heights=(3, 1), gap=0.06)

        self.bars_ = top.bar(
            bins / self.n_bins, accuracy, color=SKY, label="accuracy in the bin", **bars
        )
        (ideal,) = top.plot([0, 1], [0, 1], color=BLACK, ls="--", lw=1, label="perfect calibration")
        self.gaps_ = top.vlines(
            confidence, accuracy, confidence, color=VERMILLION, lw=2.5, label=f"ECE = {error:.3f}"
        )
        top.scatter(confidence, accuracy, s=22, color=BLUE, zorder=3, clip_on=False)
        top.set(xlim=(0, 1), ylim=(0, 1), ylabel="accuracy")
        top.tick_params(labelbottom=False)

        self.histogram_ = bottom.bar(bins / self.n_bins, weight, color=SKY, **bars)
        means = np.sum(weight * confidence), np.sum(weight * accuracy)
        confident = bottom.axvline(means[0], color=VERMILLION, lw=2)
        confident.set_label(f"mean confidence {means[0]:.2f}")
        accurate = bottom.axvline(means[1], color=BLUE, lw=2, ls="--")
        accurate.set_label(f"accuracy {means[1]:.2f}")
        bottom.set(xlim=(0, 1), xlabel="confidence", ylabel="samples (share)")
        # Bars may be anywhere in the panels, so the legend is above them.
        handles = [self.gaps_, ideal, self.bars_, confident, accurate]
        top.legend(handles=handles, loc="lower left", bbox_to_anchor=(0, 1), ncols=2)
        self.ax_, self.figure_ = ax, ax.figure
        return self
