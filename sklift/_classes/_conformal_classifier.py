"""ConformalClassifier, sets of labels with a promised coverage."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import Self

import numpy as np
from sklearn.base import clone
from sklearn.frozen import FrozenEstimator
from sklearn.utils.validation import check_is_fitted

from .._core._sklearn import HasMethods, Interval, StrOptions, take_rows
from .._core._text import counted
from ._conformity import SCORES, class_thresholds, fewest_samples
from ._held_out import CV_CONSTRAINTS, check_finite, fit_by_groups, held_out, whole
from ._mixes import assumed_mix, innermost, mix_of, trained_mix
from ._priors import resolve_target_prior
from ._wrapping import WrappingClassifier

Mixes = tuple[np.ndarray, np.ndarray]  # that of training, and that of the samples


class ConformalClassifier(WrappingClassifier):
    r"""Classifier with sets of labels that hold the true one with a promised probability.

    It wraps any classifier that has ``predict_proba``. Samples that the classifier was not fitted
    to show how badly true labels fit; labels that fit no worse than a threshold are in the set
    [1]_. See *Notes* for what is promised.

    Parameters
    ----------
    estimator : classifier
        With ``predict_proba``. A fitted one, as ``FrozenEstimator(clf)``, is calibrated on the
        samples of ``fit``, which must be new to it.
    coverage : float in (0, 1), default=0.9
        Share of new samples whose set holds the true label.
    conformity_score : {"pas", "lac", "aps", "raps"} or callable, default="pas"
        Score of how badly a label fits. ``"lac"``: 1 minus its probability [2]_, the smallest sets.
        ``"pas"``: minus its probability over the prevalence of its class [3]_, so that sets hold
        the labels of rare classes as well. ``"aps"`` [4]_ and ``"raps"`` [5]_: the sum of the
        probabilities down to it, without a random part. A callable takes arrays ``proba``
        (n_samples, n_classes), the mix of classes that it assumes and the mix of the samples, and
        returns an array like ``proba``.
    class_conditional : float in [0, 1], default=0
        0: one threshold for all classes. 1: one for each class that has enough samples to calibrate
        with (9 for a coverage of 0.9), and one for the others together. Between: the weighted mean
        of both [3]_.
    outlier_detector : estimator, optional
        Such as :class:`NoveltyDetector`, whose ``predict`` is -1 for foreign samples: their sets
        are empty. It is calibrated with, so that the promise stays. It must be frozen if
        ``estimator`` is.
    class_prior : array-like of shape (n_classes,), or dict, optional
        The mix of classes that samples come in, for ``"pas"``. None: that of the training data. A
        frozen classifier that does not tell its mix is taken to be trained in this one.
    cv : int, float, splitter or iterable, optional
        The way to hold out. A float is the share that is held out once; the last sample of a class
        stays in training, which costs coverage where many are rare. An int, 5 by default, or
        fewer for classes or groups that are fewer, or a splitter with several splits: all samples
        are held out in turn, and the classifier that predicts is fitted to all of them; for classes
        too rare to be held out.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds.

    Attributes
    ----------
    estimator_ : classifier
        The fitted one.
    outlier_detector_ : estimator or None
        The fitted one.
    classes_ : ndarray of shape (n_classes,)
        Those of ``estimator_``.
    thresholds_ : ndarray of shape (n_classes,)
        Scores up to which a label is in the set.
    calibration_counts_ : ndarray of shape (n_classes,)
        Number of samples of each class that were calibrated with.
    n_features_in_ : int
        Number of columns of X, if ``estimator_`` knows it.

    See Also
    --------
    metrics.prediction_set_scores : Coverage of sets, over all samples and as a mean over classes.
    NoveltyDetector : Find foreign samples.

    Notes
    -----
    If new samples come as the n calibration samples do (exchangeable: the same places, the same
    mix), the promise for ``class_conditional=0`` and a frozen estimator or a single split is exact:
    :math:`P(y \in C(x)) \ge c`, and at most :math:`c + 1 / (n + 1)` where scores have no ties. It
    holds over the draw of the calibration samples as well; for one draw, the coverage varies by
    about :math:`\sqrt{c (1 - c) / n}`.

    - The mean coverage over classes is not promised. ``"pas"`` raises it: of all sets of a mean
      size, those that maximise it have this form, if probabilities are right.
    - ``class_conditional=1`` promises c to each class with :math:`n_k \ge c / (1 - c)` calibration
      samples (``calibration_counts_``), and to the others as a group, about. Sets grow.
    - Between 0 and 1, the overall promise is :math:`2 c - 1` at worst, and usually c.
    - A share as ``cv`` holds out fewer samples of rare classes than come, and the promise is for
      samples like those. Drawn from 150 classes of which a quarter had one sample, 70 % were
      covered of the wanted 80 (five folds: 80 %). Take folds, or samples of their own, there.
    - A class that the model of a single split has not seen is in no set, and its samples count as
      missed.
    - With several folds, thresholds come from models that saw fewer samples. There is no promise
      for a finite sample; coverage is usually near c. A class that has one sample only is
      unknown to the model that is tested with it, unless this model is told the classes.

    Shares of ``target_prior`` that are 0 keep classes out of the sets. The set of a picture that
    can't be read is empty, with ``reader__on_error="skip"``.

    References
    ----------
    .. [1] Vovk, Gammerman, Shafer, "Algorithmic Learning in a Random World", Springer, 2005.
    .. [2] Sadinle, Lei, Wasserman, "Least Ambiguous Set-Valued Classifiers with Bounded Error
       Levels", Journal of the American Statistical Association 114, 2019, arXiv 1609.00451.
    .. [3] Ding, Fermanian, Salmon, "Conformal Prediction for Long-Tailed Classification", ICLR
       2026, arXiv 2507.06867.
    .. [4] Romano, Sesia, Candès, "Classification with Valid and Adaptive Coverage", NeurIPS 2020,
       arXiv 2006.02544.
    .. [5] Angelopoulos, Bates, Malik, Jordan, "Uncertainty Sets for Image Classifiers using
       Conformal Prediction", ICLR 2021, arXiv 2009.14193.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.frozen import FrozenEstimator
    >>> from sklift import ConformalClassifier, ShrunkGaussianClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> clf = ShrunkGaussianClassifier().fit(X[:300], y[:300])
    >>> sets = ConformalClassifier(FrozenEstimator(clf), coverage=0.95).fit(X[300:800], y[300:800])
    >>> inside = sets.predict_set(X[800:])
    >>> inside.shape
    (997, 10)
    >>> sets.classes_[inside[5]].tolist()
    [0, 9]
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "predict_proba"])],
        "coverage": [Interval(Real, 0, 1, closed="neither")],
        "conformity_score": [StrOptions(set(SCORES)), callable],
        "class_conditional": [Interval(Real, 0, 1, closed="both")],
        "outlier_detector": [HasMethods(["fit", "predict"]), None],
        "class_prior": ["array-like", Mapping, None],
        "cv": CV_CONSTRAINTS,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator,
        *,
        coverage=0.9,
        conformity_score="pas",
        class_conditional=0.0,
        outlier_detector=None,
        class_prior=None,
        cv=None,
        random_state=None,
    ) -> None:
        self.estimator = estimator
        self.coverage = coverage
        self.conformity_score = conformity_score
        self.class_conditional = class_conditional
        self.outlier_detector = outlier_detector
        self.class_prior = class_prior
        self.cv = cv
        self.random_state = random_state

    def fit(self, X, y, groups=None, sample_weight=None) -> Self:
        """Fit the classifier unless it is frozen, and calibrate.

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
        self : ConformalClassifier
            Fitted.

        Raises
        ------
        ValueError
            If a label is unknown to the frozen classifier, the samples are too few for the
            coverage, or more of them than it allows fit no class.
        """
        X, y, groups, weight = self._checked(X, y, groups, sample_weight)
        frozen = isinstance(self.estimator, FrozenEstimator)
        if frozen and not isinstance(self.outlier_detector, (FrozenEstimator, type(None))):
            raise ValueError(
                "outlier_detector is fitted to the samples that it should be tested with: give "
                "FrozenEstimator(detector), fitted to those that the classifier knows"
            )
        folds = held_out(self.estimator, X, y, self.cv, groups, self.random_state, weight)
        estimator = whole(self.estimator, folds, X, y, weight)
        classes = np.asarray(estimator.classes_)
        column = {label: k for k, label in enumerate(classes.tolist())}
        unknown = [i for i, v in enumerate(y.tolist()) if v not in column]
        if frozen and unknown:
            i = unknown[0]
            raise ValueError(
                f"y[{i}] = {y.tolist()[i]!r} is none of the "
                f"{counted(len(classes), 'class')} that the classifier was fitted to "
                f"({counted(len(unknown), 'such sample')}): leave them out"
            )
        given = resolve_target_prior(
            self.class_prior, classes, np.ones(len(classes)), "class_prior"
        )
        scores, codes, detector, mixes = [], [], None, (np.empty(0), np.empty(0))
        for fold in folds:
            rows, fitted = take_rows(X, fold.test), fold.estimator
            where = {label: k for k, label in enumerate(np.asarray(fitted.classes_).tolist())}
            shares = None if given is None else given[[column[label] for label in where]]
            mixes = self._mixes(fitted, y, weight, fold.train, shares)
            detector = self._detector(X, y, groups, fold.train)
            found = self._scores(fitted, detector, rows, mixes, fold.test)
            for row, label in zip(found, y[fold.test].tolist(), strict=True):
                scores.append(row[where[label]] if label in where else np.inf)
                codes.append(column.get(label, -1))  # of a single split, that lacked it
        self.thresholds_ = self._thresholds(np.array(scores), np.array(codes), len(classes))
        self.calibration_counts_ = np.bincount(
            [code for code in codes if code >= 0], minlength=len(classes)
        )
        if len(folds) > 1:
            detector, mixes = (
                self._detector(X, y, groups, slice(None)),
                self._mixes(estimator, y, weight, slice(None), given),
            )
        self.outlier_detector_, self._fitted_mixes = detector, mixes
        self._adopt(estimator)
        return self

    def predict_set(self, X) -> np.ndarray:
        """Sets of labels.

        Parameters
        ----------
        X : array-like or pictures
            Of any kind that the classifier takes.

        Returns
        -------
        sets : ndarray of shape (n_samples, n_classes), bool
            True where a label is in the set, in the order of ``classes_``:
            ``classes_[sets[i]]`` are the labels of sample i. A set is empty if no label fits.
        """
        check_is_fitted(self)
        proba, flagged = self._look(self.estimator_, self.outlier_detector_, X)
        flagged |= ~np.isfinite(proba).all(axis=1)
        scores = self._score(self.estimator_, proba, self._fitted_mixes)
        return (scores <= self.thresholds_) & ~flagged[:, None]

    def predict(self, X) -> np.ndarray:
        """Labels, as the classifier predicts them.

        Parameters
        ----------
        X : array-like or pictures
            Of any kind that the classifier takes.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        check_is_fitted(self)
        return self.estimator_.predict(X)

    def _detector(self, X, y, groups, rows):
        """The detector, fitted to some samples."""
        if self.outlier_detector is None or isinstance(self.outlier_detector, FrozenEstimator):
            return self.outlier_detector
        among = None if groups is None else np.asarray(groups)[rows]
        return fit_by_groups(clone(self.outlier_detector), take_rows(X, rows), y[rows], among)

    def _look(self, estimator, detector, X) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities, and which samples are foreign."""
        proba = np.asarray(estimator.predict_proba(X), dtype=np.float64)
        if detector is None:
            return proba, np.zeros(len(proba), dtype=bool)
        return proba, np.asarray(detector.predict(X)) == -1

    def _scores(self, estimator, detector, X, mixes: Mixes, rows: np.ndarray) -> np.ndarray:
        """Scores of samples to calibrate with; ``rows`` are their numbers, for errors."""
        proba, flagged = self._look(estimator, detector, X)
        check_finite(proba, rows, "calibrate with")
        scores = self._score(estimator, proba, mixes)
        check_finite(np.where(scores == np.inf, 0, scores), rows, "calibrate with", "scores")
        scores[flagged] = np.inf
        return scores

    def _score(self, estimator, proba: np.ndarray, mixes: Mixes) -> np.ndarray:
        trained, prior = mixes
        assumed = assumed_mix(estimator)
        score = self.conformity_score
        score = SCORES[score] if isinstance(score, str) else score
        assumed = trained if assumed is None else assumed
        scores = np.asarray(score(proba, assumed, prior), dtype=np.float64)
        if scores.shape != proba.shape:
            raise ValueError(
                f"conformity_score must return an array like proba, of shape {proba.shape}; got "
                f"one of shape {scores.shape}"
            )
        return np.where(assumed > 0, scores, np.inf)  # what can't occur is in no set

    def _mixes(self, estimator, y, weight, rows, given: np.ndarray | None) -> Mixes:
        """The mix of classes that the classifier was trained on, and that samples come in.

        ``rows``: the samples it was fitted to; None if it came fitted. Weights change what it
        learns, not how samples come. ``given``: shares of its classes. Where no one tells a mix, it
        is that of the other, or equal shares if no score needs it.
        """
        classes = np.asarray(estimator.classes_)
        if rows is not None:
            weight = None if weight is None else weight[rows]
            come = mix_of(y[rows], classes) if given is None else given / given.sum()
            return mix_of(y[rows], classes, weight), come
        trained = trained_mix(estimator)
        if given is not None:
            given = given / given.sum()
            return (given if trained is None else trained), given
        if trained is None and self.conformity_score == "pas":
            raise ValueError(
                f"the {type(innermost(estimator)).__name__} does not tell the mix of classes that "
                'it was trained on, which conformity_score="pas" needs: give it as class_prior='
            )
        trained = np.full(len(classes), 1 / len(classes)) if trained is None else trained
        return trained, trained

    def _thresholds(self, scores: np.ndarray, codes: np.ndarray, n_classes: int) -> np.ndarray:
        fewest = fewest_samples(self.coverage)
        if len(scores) < fewest:
            raise ValueError(
                f"coverage={self.coverage} needs at least {counted(fewest, 'sample')} to calibrate "
                f"with; there are {len(scores)}"
            )
        found = class_thresholds(scores, codes, n_classes, self.coverage, self.class_conditional)
        if np.isinf(found).any():
            raise ValueError(
                f"coverage={self.coverage} can't be had: {np.isinf(scores).mean():.0%} of the "
                "samples to calibrate with fit no class (flagged by outlier_detector, or alone in "
                "their class when held out)"
            )
        return found
