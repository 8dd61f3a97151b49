"""What follows from logits: decision function, probabilities, labels."""

from __future__ import annotations

import numpy as np
from sklearn.base import ClassifierMixin


class LogitClassifierMixin(ClassifierMixin):
    """Predictions of a classifier that has ``_logits(X)``, (n_samples, n_classes)."""

    def decision_function(self, X) -> np.ndarray:
        """Logits.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the difference, positive for ``classes_[1]``.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities, the softmax of the logits.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        from scipy.special import softmax

        return softmax(self._logits(X).astype(np.float64), axis=1)

    def predict(self, X) -> np.ndarray:
        """Most probable labels.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        best = self._logits(X).argmax(axis=1)
        return self.classes_[best]
