"""The latest predictions of a service, and whether pictures have changed."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from threading import Lock

import numpy as np

from ..._classes._priors import estimate_prior
from .._reference import Reference

FEWEST = 100  # predictions that a comparison needs
_EXPECTED = 5  # counts that a cell of the chi-squared test needs


@dataclass(frozen=True)
class Drift:
    """A comparison of the latest predictions with training, and with held-out pictures.

    Parameters
    ----------
    n : int
        Number of predictions that it is about.
    mix : ndarray of shape (n_classes,), optional
        The estimated mix of classes; None with too few predictions, or where the model does not say
        which mix it assumes.
    distance : float, optional
        Total variation between that mix and the one of training, in [0, 1]: the share of pictures
        that would have to be of another class.
    p_labels, p_probability : float, optional
        Probabilities of differences as large as those of the predicted labels (chi-squared test)
        and of the probabilities of these (Kolmogorov and Smirnov), between the latest predictions
        and the reference, if pictures come as those did.
    """

    n: int
    mix: np.ndarray | None = None
    distance: float | None = None
    p_labels: float | None = None
    p_probability: float | None = None


class Window:
    """The latest predictions, compared with training.

    Parameters
    ----------
    size : int
        Number of predictions that are kept.
    assumed, trained : ndarray of shape (n_classes,) or None
        The mix of classes that probabilities assume, and that of training.
    reference : Reference or None
        Predictions of held-out pictures.

    References
    ----------
    Rabanser, Günnemann, Lipton, "Failing Loudly: An Empirical Study of Methods for Detecting
    Dataset Shift", NeurIPS 2019, arXiv 1810.11953: tests of a classifier's outputs find most.
    """

    def __init__(
        self,
        size: int,
        assumed: np.ndarray | None,
        trained: np.ndarray | None,
        reference: Reference | None = None,
    ):
        self.size = size
        self.assumed = assumed
        self.trained = trained
        self.reference = reference
        self._rows: np.ndarray | None = None
        self._n_seen = 0
        self._lock = Lock()
        self._last: tuple[int, Drift] | None = None

    def add(self, proba: np.ndarray) -> None:
        """Take in new predictions, rows of probabilities; the oldest go."""
        proba = proba[-self.size :]
        with self._lock:
            if self._rows is None:
                self._rows = np.empty((self.size, proba.shape[1]), np.float32)
            places = np.arange(self._n_seen, self._n_seen + len(proba)) % self.size
            self._rows[places] = proba
            self._n_seen += len(proba)

    def drift(self) -> Drift:
        """Compare; anew when a twentieth of the window is new."""
        with self._lock:
            n_seen, last = self._n_seen, self._last
            if last is not None and n_seen - last[0] < max(1, self.size // 20):
                return last[1]
            rows = np.empty((0, 0)) if self._rows is None else self._rows[:n_seen].copy()
        found = self._compare(rows)
        with self._lock:
            self._last = n_seen, found
        return found

    def _compare(self, rows: np.ndarray) -> Drift:
        n = len(rows)
        if n < FEWEST:
            return Drift(n)
        mix = distance = p_labels = p_probability = None
        if self.assumed is not None and self.trained is not None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of an estimate that still moves a little
                logits = np.log(np.maximum(rows, np.finfo(np.float32).tiny))
                mix = estimate_prior(logits, self.assumed, max_iter=100, tol=1e-4)
            distance = float(np.abs(mix - self.trained).sum() / 2)
        if self.reference is not None:
            from scipy.stats import ks_2samp

            counts = np.bincount(rows.argmax(axis=1), minlength=rows.shape[1])
            p_labels = p_of_counts(counts, self.reference.counts)
            found = ks_2samp(rows.max(axis=1), self.reference.probabilities)
            p_probability = float(found.pvalue)
        return Drift(n, mix, distance, p_labels, p_probability)


def p_of_counts(counts: np.ndarray, others: np.ndarray) -> float:
    """Chi-squared test that two counts of classes come from one mix; rare classes count as one.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._commands._service._drift import p_of_counts
    >>> p_of_counts(np.array([500, 480, 20]), np.array([50, 48, 2])) > 0.9
    True
    >>> p_of_counts(np.array([800, 100, 100]), np.array([50, 48, 2])) < 1e-6
    True
    """
    from scipy.stats import chi2_contingency

    table = np.array([counts, others], float)
    expected = table.sum(axis=0) * table.sum(axis=1).min() / table.sum()
    rare = expected < _EXPECTED
    cells = np.column_stack([table[:, ~rare], table[:, rare].sum(axis=1)])
    cells = cells[:, cells.sum(axis=0) > 0]
    return 1.0 if cells.shape[1] < 2 else float(chi2_contingency(cells, correction=False).pvalue)
