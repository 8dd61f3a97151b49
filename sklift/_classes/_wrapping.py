"""Base of the estimators around another one that test it on held-out samples."""

from __future__ import annotations

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, MetaEstimatorMixin
from sklearn.frozen import FrozenEstimator
from sklearn.utils import get_tags, indexable
from sklearn.utils.validation import check_is_fitted, has_fit_parameter

from .._core._sklearn import check_sample_weight, validate_params
from ._labels import check_labels


class WrappingEstimator(MetaEstimatorMixin, BaseEstimator):
    """Base: the inputs of ``fit``, and what is taken over from the estimator inside."""

    def _checked(self, X, y, groups, sample_weight) -> tuple:
        """Samples that can be indexed, labels, groups, and weights."""
        validate_params(self)
        if y is None:
            raise ValueError(
                f"{type(self).__name__} requires y to be passed, but the target y is None"
            )
        X, y, groups = indexable(X, check_labels(y), groups)
        if sample_weight is None:
            return X, y, groups, None
        if isinstance(self.estimator, FrozenEstimator):
            raise ValueError("sample_weight is of no use, since estimator is frozen: leave it out")
        if self.estimator is not None and not has_fit_parameter(self.estimator, "sample_weight"):
            raise ValueError(f"the fit of {type(self.estimator).__name__} takes no sample_weight")
        return X, y, groups, check_sample_weight(sample_weight, y, ensure_non_negative=True)

    def _adopt(self, estimator) -> None:
        """Set ``estimator_``, and its attributes of classes and columns."""
        self.estimator_, self.classes_ = estimator, np.asarray(estimator.classes_)
        for name in ("n_features_in_", "feature_names_in_"):
            self.__dict__.pop(name, None)
            if hasattr(estimator, name):
                setattr(self, name, getattr(estimator, name))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.target_tags.required = True
        if self.estimator is not None:
            tags.input_tags = get_tags(self.estimator).input_tags
        return tags


class WrappingClassifier(ClassifierMixin, WrappingEstimator):
    """Base of those that are classifiers, with the probabilities of the one inside."""

    def predict_proba(self, X) -> np.ndarray:
        """Probabilities, as the classifier predicts them.

        Parameters
        ----------
        X : array-like or pictures
            Of any kind that the classifier takes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
        """
        check_is_fitted(self)
        return self.estimator_.predict_proba(X)
