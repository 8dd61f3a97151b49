"""ShrunkGaussianClassifier, a closed form on rows of features."""

from __future__ import annotations

import copy
from numbers import Real
from typing import Self

import numpy as np
from scipy.special import log_softmax, softmax
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import check_consistent_length
from sklearn.utils.validation import check_is_fitted, validate_data

from .._core._lazy_rows import Batches
from .._core._sklearn import Interval, StrOptions, check_sample_weight, validate_params
from ._gaussian import shrunk_gaussian
from ._labels import check_labels, encode_labels, listed_classes
from ._moments import BLOCK, LARGEST, ClassMoments


class ShrunkGaussianClassifier(ClassifierMixin, BaseEstimator):
    r"""Gaussian classifier with one shrunk covariance and shrunk class means.

    Each class k of :math:`n_k` samples is a Gaussian with its own mean and a covariance that all
    classes share. Both are shrunk, for few samples and many features: of n samples with class means
    :math:`m_k`, overall mean m and pooled covariance within classes
    :math:`S = \frac{1}{n} \sum_i (x_i - m_{y_i})(x_i - m_{y_i})^T`, they are

    .. math::
        \Sigma = (1 - \alpha) S + \alpha \frac{\mathrm{trace}(S)}{d} I, \qquad
        \mu_k = \frac{n_k m_k + c \, m}{n_k + c}.

    :math:`\alpha` is the coefficient of Ledoit and Wolf. The default
    :math:`c = \mathrm{trace}(S) / \sum_k \frac{n_k}{n} \|m_k - m\|^2` is the number of samples of
    which the mean is as uncertain as class means differ. By Bayes' rule, with priors
    :math:`\pi_k`, the logits are linear:

    .. math:: z_k = x^T \Sigma^{-1} (\mu_k - m)
        - \tfrac12 (\mu_k - m)^T \Sigma^{-1} (\mu_k + m) + \log \pi_k.

    Parameters
    ----------
    shrinkage : "auto" or float in [0, 1], default="auto"
        :math:`\alpha`: 0 is the pooled covariance, 1 a multiple of the identity. With 0, directions
        without variance within classes are left out.
    mean_shrinkage : "auto" or non-negative float, default="auto"
        c, in samples: 0 leaves the class means as they are.
    priors : None, "train" or array-like of shape (n_classes,), default=None
        Shares of the classes where predictions are made: equal, those of the training data, or in
        the order of ``classes_``, summing to 1.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
        Sorted labels.
    class_count_ : ndarray of shape (n_classes,)
        Sum of the weights of the samples of each class.
    means_ : ndarray of shape (n_classes, n_features)
        Shrunk class means.
    covariance_ : ndarray of shape (n_features, n_features)
        Shrunk covariance within classes. If no class varies, it is the multiple of the identity
        that has the spread of the class means.
    shrinkage_, mean_shrinkage_ : float
        :math:`\alpha` and c that were used; c is infinite if the class means coincide.
    priors_ : ndarray of shape (n_classes,)
        Shares of the classes.
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
        Weights of the logits; for two classes, of the second minus the first.
    intercept_ : ndarray of shape (n_classes,) or (1,)
        Constants of the logits.
    n_features_in_ : int
        Number of features.
    feature_names_in_ : ndarray of shape (n_features,)
        Names of the columns, where ``X`` is a table with text for names.

    See Also
    --------
    LiftClassifier : Train a head, and an adapter inside the tower.
    sklearn.discriminant_analysis.LinearDiscriminantAnalysis : Covariance shrunk per class.

    Notes
    -----
    Several calls of `partial_fit` give the class means, S and c of one `fit`, up to rounding. With
    ``shrinkage="auto"``, :math:`\alpha`, and with it ``covariance_``, is approximate. It needs the
    mean of :math:`\|x_i - m_{y_i}\|^4`. When later samples move a class mean, those before enter
    this by sums that are kept, and by one that is not: the covariance of the class alone, for which
    S stands in, scaled to the variance of the class. So :math:`\alpha` is exact if the samples of
    each class come in one call.

    Weights are numbers of samples: the larger all are, the less is shrunk. X is worked on in
    float64 blocks of 32 MB, and no covariance of a single class is kept. Each call of `partial_fit`
    also solves for all classes anew, in O(d³ + K d²): few large pieces are faster than many small.

    References
    ----------
    Ledoit, Wolf, "A well-conditioned estimator for large-dimensional covariance matrices", Journal
    of Multivariate Analysis 88(2), 2004.

    Wang et al., "A Hard-to-Beat Baseline for Training-Free CLIP-Based Adaptation", ICLR 2024,
    arXiv 2402.04087: Gaussians with one covariance on features of CLIP.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklearn.model_selection import train_test_split
    >>> from sklift import ShrunkGaussianClassifier
    >>> X, y = load_digits(return_X_y=True)
    >>> X, X_test, y, y_test = train_test_split(X, y, train_size=100, random_state=0)
    >>> clf = ShrunkGaussianClassifier().fit(X, y)
    >>> bool(clf.score(X_test, y_test) > 0.88)
    True
    >>> clf.predict_proba(X_test).shape
    (1697, 10)
    """

    _parameter_constraints = {
        "shrinkage": [StrOptions({"auto"}), Interval(Real, 0, 1, closed="both")],
        "mean_shrinkage": [StrOptions({"auto"}), Interval(Real, 0, None, closed="both")],
        "priors": [None, StrOptions({"train"}), "array-like"],
    }

    def __init__(self, *, shrinkage="auto", mean_shrinkage="auto", priors=None) -> None:
        self.shrinkage = shrinkage
        self.mean_shrinkage = mean_shrinkage
        self.priors = priors

    def fit(self, X, y, sample_weight=None) -> Self:
        """Fit to samples, forgetting those before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features; float32 is not copied as a whole.
        y : array-like of shape (n_samples,)
            Labels.
        sample_weight : array-like of shape (n_samples,), optional
            Non-negative. A weight of 2 is the sample given twice, and one of 0 is its absence: a
            class of such samples only is not among ``classes_``.

        Returns
        -------
        self : ShrunkGaussianClassifier
            Fitted.

        Raises
        ------
        ValueError
            If the input is not finite or too large, the labels are not of two classes at least,
            or a weight is negative.
        """
        X, y, weight = self._check(X, y, sample_weight, reset=True)
        present = weight > 0
        codes = np.zeros(len(y), dtype=np.int64)
        classes, codes[present] = encode_labels(y[present])
        return self._learn(ClassMoments(len(classes), X.shape[1]), classes, X, codes, weight)

    def partial_fit(self, X, y, classes=None, sample_weight=None) -> Self:
        """Add samples to those before.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.
        y : array-like of shape (n_samples,)
            Labels.
        classes : array-like of shape (n_classes,), optional
            All labels that will ever come, needed in the first call. The mean of a class without
            samples is the overall mean.
        sample_weight : array-like of shape (n_samples,), optional
            As in :meth:`fit`.

        Returns
        -------
        self : ShrunkGaussianClassifier
            Fitted.

        Raises
        ------
        ValueError
            As in :meth:`fit`, and if ``classes`` is missing in the first call, differs from those
            before, or lacks a label.
        """
        first = not hasattr(self, "classes_")
        if first and classes is None:
            raise ValueError("classes must be passed on the first call to partial_fit")
        if not first and classes is not None:
            given = np.unique(listed_classes(classes))
            if not np.array_equal(given, self.classes_):
                raise ValueError(
                    f"classes={given.tolist()} are not those of the first call, "
                    f"{self.classes_.tolist()}: name all classes there"
                )
        X, y, weight = self._check(X, y, sample_weight, reset=first)
        classes, codes = encode_labels(y, classes if first else self.classes_)
        moments = ClassMoments(len(classes), X.shape[1]) if first else copy.deepcopy(self._moments)
        return self._learn(moments, classes, X, codes, weight)

    def predict(self, X) -> np.ndarray:
        """Most probable class of each row.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        return self._logits(X).map(lambda z: self.classes_[z.argmax(axis=1)]).join()

    def decision_function(self, X) -> np.ndarray:
        """Logits of each row, ``X @ coef_.T + intercept_``.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
        """
        logits = self._logits(X).join()
        return logits[:, 1] if len(self.classes_) == 2 else logits

    def predict_log_proba(self, X) -> np.ndarray:
        """Logarithms of the probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        log_proba : ndarray of shape (n_samples, n_classes)
        """
        return self._logits(X).map(lambda z: log_softmax(z, axis=1)).join()

    def predict_proba(self, X) -> np.ndarray:
        """Probabilities of the classes.

        Parameters
        ----------
        X : array-like of shape (n_samples, n_features)
            Rows of features.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
        """
        return self._logits(X).map(lambda z: softmax(z, axis=1)).join()

    def _check(self, X, y, sample_weight, reset: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows, labels and weights that can be worked on."""
        validate_params(self)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=reset)
        y = check_labels(y)
        check_consistent_length(X, y)
        weight = check_sample_weight(sample_weight, X, dtype=np.float64, ensure_non_negative=True)
        if not weight.any():
            raise ValueError("sample_weight is zero for every sample: no class is left")
        if max(float(X.max()), -float(X.min())) > LARGEST:
            raise ValueError(f"X has numbers beyond {LARGEST:g}: scale the features down")
        return X, y, weight

    def _learn(self, moments: ClassMoments, classes, X, codes, weight) -> Self:
        """Add rows to the moments, and set what follows from them."""
        moments.update(X, codes, weight)
        priors = self._resolve_priors(moments.count)
        gaussian = shrunk_gaussian(moments, self.shrinkage, self.mean_shrinkage)
        coef = gaussian.coef
        intercept = gaussian.intercept + np.log(np.maximum(priors, np.finfo(np.float64).tiny))
        if len(classes) == 2:
            coef, intercept = coef[1:] - coef[:1], intercept[1:] - intercept[:1]
        self.classes_, self.class_count_, self.priors_ = classes, moments.count, priors
        self.means_, self.covariance_ = gaussian.means, gaussian.covariance
        self.shrinkage_, self.mean_shrinkage_ = gaussian.shrinkage, gaussian.mean_shrinkage
        self.coef_, self.intercept_ = coef, intercept
        self._moments = moments
        return self

    def _resolve_priors(self, count: np.ndarray) -> np.ndarray:
        """One share for each class."""
        if self.priors is None:
            return np.full(len(count), 1 / len(count))
        if isinstance(self.priors, str):  # "train"
            return count / count.sum()
        try:
            priors = np.asarray(self.priors, dtype=np.float64)
        except (TypeError, ValueError) as error:
            raise ValueError(f"priors must hold one number for each class: {error}") from error
        if priors.shape != count.shape:
            raise ValueError(
                f"priors has shape {priors.shape}, expected {count.shape}: one share for each "
                "class, in the order of the sorted labels"
            )
        if not (priors >= 0).all() or not np.isclose(priors.sum(), 1):
            raise ValueError(
                f"priors must be >= 0 and sum to 1; the smallest is {priors.min()}, the sum "
                f"{priors.sum()}"
            )
        return priors / priors.sum()

    def _logits(self, X) -> Batches:
        """Logits in blocks of rows; for two classes, those of the first are 0."""
        check_is_fitted(self)
        X = validate_data(self, X, dtype=[np.float64, np.float32], reset=False)
        size = max(1, 8 * BLOCK // max(self.means_.shape))

        def logits(rows: np.ndarray) -> np.ndarray:
            found = rows.astype(np.float64, copy=False) @ self.coef_.T
            found += self.intercept_
            return np.pad(found, [(0, 0), (1, 0)]) if len(self.classes_) == 2 else found

        blocks = (X[start : start + size] for start in range(0, len(X), size))
        return Batches(len(X), blocks).map(logits)
