"""SelectiveClassifier, labels only where they are sure enough."""

from __future__ import annotations

from numbers import Real
from typing import Self

import numpy as np
from scipy.special import betaincinv

from .._core._sklearn import HasMethods, Interval, take_rows
from ._held_out import CV_CONSTRAINTS, held_out, whole
from ._masked import masked_labels
from ._wrapping import WrappingClassifier


class SelectiveClassifier(WrappingClassifier):
    r"""Classifier that says a label only where it is right as often as wanted.

    Each class has its own threshold: the lowest probability from which on predictions of this class
    are right with the wanted precision, on samples that the classifier was not fitted to. Below, it
    says nothing (selective classification, or classification with a reject option [1]_).

    Parameters
    ----------
    estimator : classifier
        With ``predict_proba``. A fitted one, as ``FrozenEstimator(clf)``, is tested on the samples
        of ``fit``, which must be new to it.
    precision : float in (0, 1), default=0.95
        Wanted share of right labels among those that are said: of each class that has predictions
        enough to show it (``alone_``), and of the other classes together.
    confidence : float in (0, 1), default=0.8
        Confidence with which the precision of a threshold exceeds the wanted one, by the interval
        of Clopper and Pearson. Higher values need more samples: 0.95 at 0.8 needs 32 in a row
        without a mistake.
    cv : int, float, splitter or iterable, optional
        The way to hold out, as in :class:`ConformalClassifier`: 5 folds by default.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds.

    Attributes
    ----------
    estimator_ : classifier
        The fitted one.
    classes_ : ndarray of shape (n_classes,)
        Those of ``estimator_``.
    thresholds_ : ndarray of shape (n_classes,)
        Least probability of a label that is said; infinite for classes that are never said.
    alone_ : ndarray of shape (n_classes,), bool
        Classes with a threshold of their own. The others share one, by their predictions together.
    said_ : ndarray of shape (n_classes,)
        How often each class was said of held-out samples.
    precision_ : ndarray of shape (n_classes,)
        The share of these that are right; NaN for classes that were never said.
    n_features_in_ : int
        Number of columns of X, if ``estimator_`` knows it.

    See Also
    --------
    ConformalClassifier : Several labels instead of none.
    sklearn.model_selection.TunedThresholdClassifierCV : A threshold for two classes.

    Notes
    -----
    The confidence is that of a threshold which is fixed beforehand. The lowest of many is chosen,
    and so is a little too good: check with other samples where it matters. New samples must come in
    the mix of the held-out ones: where a class is rarer, fewer of its predictions are right.

    References
    ----------
    .. [1] Geifman, El-Yaniv, "Selective Classification for Deep Neural Networks", NeurIPS 2017,
       arXiv 1705.08500.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklift import SelectiveClassifier, ShrunkGaussianClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = FrozenEstimator(ShrunkGaussianClassifier().fit(X[:100], y[:100]))
    >>> sure = SelectiveClassifier(clf, precision=0.95).fit(X[100:1000], y[100:1000])
    >>> said = sure.predict(X[1000:])
    >>> round(clf.score(X[1000:], y[1000:]), 2)
    0.81
    >>> float(round((said == y[1000:]).mean(), 2)), float(round(1 - said.mask.mean(), 2))
    (0.97, 0.56)
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "precision": [Interval(Real, 0, 1, closed="neither")],
        "confidence": [Interval(Real, 0, 1, closed="neither")],
        "cv": CV_CONSTRAINTS,
        "random_state": ["random_state"],
    }

    def __init__(
        self, estimator, *, precision=0.95, confidence=0.8, cv=None, random_state=None
    ) -> None:
        self.estimator = estimator
        self.precision = precision
        self.confidence = confidence
        self.cv = cv
        self.random_state = random_state

    def fit(self, X, y, groups=None, sample_weight=None) -> Self:
        """Fit the classifier unless it is frozen, and choose the thresholds.

        Parameters
        ----------
        X : array-like or pictures
            Of any kind that the classifier takes.
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,), optional
            Samples of one group, such as a burst of a camera, are held out together.
        sample_weight : array-like of shape (n_samples,), optional
            Weights to fit the classifier with. Held-out samples count alike.

        Returns
        -------
        self : SelectiveClassifier
            Fitted.

        Raises
        ------
        ValueError
            If no label is one of those of the frozen classifier.
        """
        X, y, groups, weight = self._checked(X, y, groups, sample_weight)
        folds = held_out(self.estimator, X, y, self.cv, groups, self.random_state, weight)
        estimator = whole(self.estimator, folds, X, y, weight)
        classes = np.asarray(estimator.classes_)
        if set(classes.tolist()).isdisjoint(y.tolist()):
            raise ValueError(
                f"none of the labels in y, such as {y.tolist()[0]!r}, is one of the {len(classes)} "
                f"classes that the classifier was fitted to, such as {classes.tolist()[0]!r}"
            )
        best, right, predicted = [], [], []
        for fold in folds:
            proba = np.asarray(fold.estimator.predict_proba(take_rows(X, fold.test)))
            readable = np.isfinite(proba).all(axis=1)
            labels = np.asarray(fold.estimator.classes_)[proba[readable].argmax(axis=1)]
            best.append(proba[readable].max(axis=1))
            right.append(labels == y[fold.test][readable])
            predicted.append(np.searchsorted(classes, labels))
        self._choose(
            np.concatenate(best), np.concatenate(right), np.concatenate(predicted), len(classes)
        )
        self._adopt(estimator)
        return self

    def predict(self, X) -> np.ma.MaskedArray:
        """Labels that are sure enough.

        Parameters
        ----------
        X : array-like or pictures
            Of any kind that the classifier takes.

        Returns
        -------
        labels : masked array of shape (n_samples,)
            Masked where the classifier is not sure enough, or a picture can't be read.
        """
        proba = self.predict_proba(X)
        codes = np.where(np.isfinite(proba), proba, 0).argmax(axis=1)
        best = proba[np.arange(len(proba)), codes]
        return masked_labels(self.classes_, codes, ~(best >= self.thresholds_[codes]))

    def _choose(self, best, right, predicted, n_classes: int) -> None:
        """Set the thresholds, and what they give on held-out samples."""
        thresholds = np.full(n_classes, np.inf)
        for k in np.unique(predicted):
            mine = predicted == k
            thresholds[k] = self._lowest(best[mine], right[mine])
        alone = np.isfinite(thresholds)
        others = ~alone[predicted]
        if others.any():
            thresholds[~alone] = self._lowest(best[others], right[others])
        said = best >= thresholds[predicted]
        self.thresholds_, self.alone_ = thresholds, alone
        self.said_ = np.bincount(predicted[said], minlength=n_classes)
        hits = np.bincount(predicted[said], right[said], n_classes)
        self.precision_ = np.divide(
            hits, self.said_, out=np.full(n_classes, np.nan), where=self.said_ > 0
        )

    def _lowest(self, best: np.ndarray, right: np.ndarray) -> float:
        """Lowest threshold above which enough are right; infinite if there is none."""
        order = np.argsort(-best, kind="stable")
        n, hits = np.arange(1, len(order) + 1), np.cumsum(right[order])
        least = betaincinv(np.maximum(hits, 1), n - hits + 1, 1 - self.confidence)
        least[hits == 0] = 0
        last = np.append(best[order][1:] < best[order][:-1], True)  # equal ones go together
        enough = np.flatnonzero((least >= self.precision) & last)
        return float(best[order][enough[-1]]) if len(enough) else np.inf
