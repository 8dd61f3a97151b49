"""NoveltyDetector, samples of none of the classes."""

from __future__ import annotations

from numbers import Real
from typing import Self

import numpy as np
from scipy.linalg import eigh
from scipy.special import logsumexp
from sklearn.utils import gen_batches
from sklearn.utils.validation import check_is_fitted, validate_data

from .._core._sklearn import HasMethods, Interval, StrOptions, take_rows
from .._core._text import counted
from ._conformity import fewest_samples, upper_quantile
from ._gaussian_classifier import ShrunkGaussianClassifier
from ._held_out import CV_CONSTRAINTS, check_finite, held_out, whole
from ._mixes import innermost, unwrapped
from ._moments import BLOCK
from ._wrapping import WrappingEstimator


class NoveltyDetector(WrappingEstimator):
    r"""Detector of samples that belong to none of the classes, with a chosen rate of false alarms.

    A score tells how well a sample fits the known classes; those below a threshold are foreign
    (out-of-distribution). The threshold comes from samples that the model has not seen, so that the
    wanted share of known samples is taken for foreign.

    Parameters
    ----------
    estimator : estimator, optional
        The model of the known classes. None: a :class:`ShrunkGaussianClassifier` on rows of
        features. A classifier with ``decision_function``, such as :class:`LiftClassifier`, or a
        fitted one as ``FrozenEstimator(clf)``; the samples of ``fit`` must be new to it then.
    novelty_score : {"auto", "mahalanobis", "relative_mahalanobis", "energy"}, default="auto"
        ``"mahalanobis"``: minus half the squared distance to the nearest mean of a class, with the
        covariance of the Gaussians [1]_; ``"relative_mahalanobis"``: the same minus that of one
        Gaussian for all samples [2]_, often better for new classes that are like the known ones,
        worse for pictures of another kind; ``"energy"``: the logarithm of the sum of exponentials
        of the logits [3]_, for classifiers of three classes at least. ``"auto"``: the first for
        Gaussians, else the third.
    false_alarm_rate : float in (0, 1), default=0.05
        Share of samples of known classes that are taken for foreign.
    cv : int, float, splitter or iterable, optional
        The way to hold out, as in :class:`ConformalClassifier`: 5 folds by default.
    random_state : int, RandomState instance or None, default=None
        Seed of the folds.

    Attributes
    ----------
    estimator_ : estimator
        The fitted model.
    novelty_score_ : str
        The score that was used.
    offset_ : float
        Score below which a sample is foreign.
    classes_ : ndarray of shape (n_classes,)
        The known classes.
    n_features_in_ : int
        Number of columns of X, if ``estimator_`` knows it.

    See Also
    --------
    metrics.left_out_detection : Measure which share of foreign samples is found.
    ConformalClassifier : Sets of labels, empty for foreign samples.

    Notes
    -----
    With a frozen estimator or a single split, a new sample of the known classes is flagged with
    a probability of ``false_alarm_rate`` at most, if it comes as the held-out ones did [4]_; a
    share as ``cv`` never holds out the last sample of a class. With several folds this is so
    approximately: a class of one sample is foreign to the model that is tested with it. How many
    foreign samples are found is not promised, and depends on how foreign they are; measure it.

    References
    ----------
    .. [1] Lee, Lee, Lee, Shin, "A Simple Unified Framework for Detecting Out-of-Distribution
       Samples and Adversarial Attacks", NeurIPS 2018, arXiv 1807.03888.
    .. [2] Ren, Fort, Liu, Roy, Padhy, Lakshminarayanan, "A Simple Fix to Mahalanobis Distance for
       Improving Near-OOD Detection", 2021, arXiv 2106.09022.
    .. [3] Liu, Wang, Owens, Li, "Energy-based Out-of-distribution Detection", NeurIPS 2020, arXiv
       2010.03759.
    .. [4] Bates, Candès, Lei, Romano, Sesia, "Testing for Outliers with Conformal p-values", Annals
       of Statistics 51, 2023, arXiv 2104.08279.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklift import NoveltyDetector
    >>> X, y = load_digits(return_X_y=True)
    >>> known = y < 8
    >>> detector = NoveltyDetector(random_state=0).fit(X[known][:700], y[known][:700])
    >>> bool((detector.predict(X[known][700:]) == -1).mean() < 0.15)
    True
    >>> bool((detector.predict(X[~known]) == -1).mean() > 0.3)
    True
    """

    _parameter_constraints = {
        "estimator": [HasMethods(["fit", "decision_function"]), None],
        "novelty_score": [StrOptions({"auto", "mahalanobis", "relative_mahalanobis", "energy"})],
        "false_alarm_rate": [Interval(Real, 0, 1, closed="neither")],
        "cv": CV_CONSTRAINTS,
        "random_state": ["random_state"],
    }

    def __init__(
        self,
        estimator=None,
        *,
        novelty_score="auto",
        false_alarm_rate=0.05,
        cv=None,
        random_state=None,
    ) -> None:
        self.estimator = estimator
        self.novelty_score = novelty_score
        self.false_alarm_rate = false_alarm_rate
        self.cv = cv
        self.random_state = random_state

    def fit(self, X, y, groups=None, sample_weight=None) -> Self:
        """Fit the model unless it is frozen, and choose the threshold.

        Parameters
        ----------
        X : array-like or pictures
            Samples of known classes: rows of features, or of the kind that the estimator takes.
        y : array-like of shape (n_samples,)
            Labels.
        groups : array-like of shape (n_samples,), optional
            Samples of one group, such as a burst of a camera, are held out together.
        sample_weight : array-like of shape (n_samples,), optional
            Weights to fit the model with. Held-out samples count alike.

        Returns
        -------
        self : NoveltyDetector
            Fitted.

        Raises
        ------
        ValueError
            If there are too few samples for the rate, or the score does not suit the model.
        """
        X, y, groups, weight = self._checked(X, y, groups, sample_weight)
        model = ShrunkGaussianClassifier() if self.estimator is None else self.estimator
        folds = held_out(model, X, y, self.cv, groups, self.random_state, weight)
        estimator = whole(model, folds, X, y, weight)
        name = self.novelty_score
        if name == "auto":
            gaussian = isinstance(innermost(estimator), ShrunkGaussianClassifier)
            name = "mahalanobis" if gaussian else "energy"
        scores = [known_scores(f.estimator, name, take_rows(X, f.test)) for f in folds]
        scores = np.concatenate(scores)
        rows = np.concatenate([f.test for f in folds])
        check_finite(scores, rows, "choose the threshold with", "scores")
        fewest = fewest_samples(1 - self.false_alarm_rate)
        if len(scores) < fewest:
            raise ValueError(
                f"false_alarm_rate={self.false_alarm_rate} needs at least "
                f"{counted(fewest, 'sample')}; there are {len(scores)}"
            )
        self.offset_ = -upper_quantile(-scores, 1 - self.false_alarm_rate)
        self.novelty_score_ = name
        self._adopt(estimator)
        return self

    def score_samples(self, X) -> np.ndarray:
        """How well samples fit the known classes.

        Parameters
        ----------
        X : array-like or pictures
            Of the kind that was fitted to.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            The lower, the more foreign; NaN for pictures that can't be read, with
            ``reader__on_error="skip"``.
        """
        check_is_fitted(self)
        return known_scores(self.estimator_, self.novelty_score_, X)

    def decision_function(self, X) -> np.ndarray:
        """Scores minus the threshold.

        Parameters
        ----------
        X : array-like or pictures
            Of the kind that was fitted to.

        Returns
        -------
        scores : ndarray of shape (n_samples,)
            Negative for foreign samples.
        """
        return self.score_samples(X) - self.offset_

    def predict(self, X) -> np.ndarray:
        """Known or foreign.

        Parameters
        ----------
        X : array-like or pictures
            Of the kind that was fitted to.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            1 for known and -1 for foreign samples, as of outlier detectors of scikit-learn.
            Pictures that can't be read are foreign.
        """
        return np.where(self.decision_function(X) >= 0, 1, -1)


def known_scores(estimator, name: str, X) -> np.ndarray:
    """Scores of samples, the lower the more foreign; ``name`` is one of `NoveltyDetector`."""
    if name == "energy":
        logits = np.asarray(estimator.decision_function(X), dtype=np.float64)
        if logits.ndim == 1:
            raise ValueError(
                'novelty_score="energy" needs a classifier of at least 3 classes: two have one '
                "logit, which says which is likelier, not whether one is. Take "
                'novelty_score="mahalanobis" on features'
            )
        return logsumexp(logits, axis=1)
    gaussian, before = unwrapped(estimator)
    if not (hasattr(gaussian, "means_") and hasattr(gaussian, "covariance_")):
        raise ValueError(
            f"novelty_score={name!r} needs the means and the covariance of a "
            f"ShrunkGaussianClassifier, which a {type(gaussian).__name__} does not have: take "
            'novelty_score="energy", or no estimator'
        )
    for transformers in before:
        X = transformers.transform(X)
    X = validate_data(gaussian, X, dtype=[np.float64, np.float32], reset=False)
    share = gaussian.class_count_ / gaussian.class_count_.sum()
    mean = share @ gaussian.means_
    apart = gaussian.means_ - mean
    within, total = gaussian.covariance_, gaussian.covariance_ + (apart.T * share) @ apart
    whiten, together = _whitening(within), _whitening(total)
    centres = apart @ whiten
    size = max(1, BLOCK // max(gaussian.means_.shape))
    scores = np.empty(len(X))
    for part in gen_batches(len(X), size):
        rows = X[part] - mean
        white = rows @ whiten
        to_each = (centres**2).sum(axis=1) - 2 * white @ centres.T
        scores[part] = -((white**2).sum(axis=1) + to_each.min(axis=1)) / 2
        if name == "relative_mahalanobis":
            scores[part] += ((rows @ together) ** 2).sum(axis=1) / 2
    return scores


def _whitening(covariance: np.ndarray) -> np.ndarray:
    """Matrix by which rows get the identity for a covariance, on the directions that it has."""
    values, vectors = eigh(covariance)
    kept = values > len(values) * np.finfo(np.float64).eps * values[-1]
    return vectors[:, kept] / np.sqrt(values[kept])
