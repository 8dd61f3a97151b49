"""Moments of features about the means of their classes, gathered piece by piece."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.sparse import csr_array

from .._core._lazy_rows import LazyRows

BLOCK = 2**17  # numbers that are worked on at once: 1 MB in float64, but
FEWEST = 512  # rows, of which products are fast
LARGEST = 1e70  # a norm to the fourth power, summed over rows, stays finite


class ClassMoments:
    r"""Moments of rows about the means of their classes, in O(K d + d²) memory.

    With :math:`r_i = x_i - m_{y_i}`, the distance of row i from the mean of its class:

    ============  ==============================  ==========================================
    attribute     shape                           sum over rows
    ============  ==============================  ==========================================
    ``count``     (n_classes,)                    :math:`w_i`, in each class
    ``mean``      (n_classes, n_features)         :math:`w_i x_i / count`, in each class
    ``scatter``   (n_features, n_features)        :math:`w_i r_i r_i^T`
    ``spread``    (n_classes,)                    :math:`w_i \|r_i\|^2`, in each class
    ``third``     (n_classes, n_features)         :math:`w_i \|r_i\|^2 r_i`, in each class
    ``fourth``    number                          :math:`w_i \|r_i\|^4`
    ============  ==============================  ==========================================

    All are exact after one update. When a later one moves a class mean by -e, the moments of the
    rows before follow without these rows: ``count``, ``mean``, ``scatter`` and ``spread`` exactly
    (Chan, Golub, LeVeque, "Updating Formulae and a Pairwise Algorithm for Computing Sample
    Variances", 1979). ``third`` and ``fourth`` depend on :math:`S_k e`, with the scatter
    :math:`S_k` of the class alone, which takes K d² numbers to keep. The pooled scatter S stands in
    for it, scaled to the spread of the class:
    :math:`S_k \approx \mathrm{spread}_k \, S / \mathrm{trace}(S)`.

    Parameters
    ----------
    n_classes, n_features : int
        Sizes.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._moments import ClassMoments
    >>> moments = ClassMoments(2, 1)
    >>> moments.update(np.array([[1.0], [3.0], [5.0]]), np.array([0, 0, 1]), np.ones(3))
    >>> moments.mean.ravel().tolist(), moments.scatter.tolist(), moments.fourth
    ([2.0, 5.0], [[2.0]], 2.0)
    """

    def __init__(self, n_classes: int, n_features: int) -> None:
        self.count = np.zeros(n_classes)
        self.mean = np.zeros((n_classes, n_features))
        self.scatter = np.zeros((n_features, n_features))
        self.spread = np.zeros(n_classes)
        self.third = np.zeros((n_classes, n_features))
        self.fourth = 0.0

    def update(self, X: np.ndarray | LazyRows, codes: np.ndarray, weight: np.ndarray) -> None:
        """Add rows.

        Parameters
        ----------
        X : ndarray or LazyRows of shape (n_samples, n_features)
            Rows; no number beyond `LARGEST`.
        codes : ndarray of shape (n_samples,)
            The class of each row, as an index.
        weight : ndarray of shape (n_samples,)
            Non-negative. A row of weight 2 counts as two rows, and one of weight 0 as none.
        """
        added = np.zeros_like(self.count)
        moved = np.zeros_like(self.mean)
        for r, w, runs in self._blocks(X, codes, weight):
            moved[runs.classes] += runs.sums(r, w)
            added[runs.classes] += runs.sums(np.ones((len(w), 1)), w)[:, 0]
        count = self.count + added
        moved /= np.where(count > 0, count, 1)[:, None]
        both = np.flatnonzero((self.count > 0) & (added > 0))
        self._refer_to(moved, both)
        self.mean += moved
        del moved  # as large as the moments themselves
        self.count = count
        for r, w, runs in self._blocks(X, codes, weight):
            squares = np.einsum("ij,ij->i", r, r)
            self.third[runs.classes] += runs.sums(r, w * squares)
            self.spread[runs.classes] += runs.sums(squares[:, None], w)[:, 0]
            self.fourth += float(w @ squares**2)
            r *= np.sqrt(w)[:, None]
            self.scatter += r.T @ r

    def _blocks(self, X, codes, weight) -> Iterator[tuple[np.ndarray, np.ndarray, _Runs]]:
        """Distances from the class means, weights, and runs of classes, in blocks."""
        size = max(FEWEST, BLOCK // X.shape[1])
        for start in range(0, len(codes), size):
            block = codes[start : start + size]
            rows = np.argsort(block, kind="stable")  # each class in one run
            r = X[start + rows].astype(np.float64, copy=False)
            r -= self.mean[block[rows]]
            yield r, weight[start + rows], _Runs(block[rows])

    def _refer_to(self, moved: np.ndarray, classes: np.ndarray) -> None:
        """Take the moments of the rows so far about means that have moved."""
        trace = np.trace(self.scatter)
        shape = self.scatter / trace if trace > 0 else np.zeros_like(self.scatter)
        size = max(FEWEST, BLOCK // moved.shape[1])
        for start in range(0, len(classes), size):
            k = classes[start : start + size]
            n, e, spread = self.count[k, None], -moved[k], self.spread[k, None]
            length = np.sum(e * e, axis=1, keepdims=True)
            stretched = spread * (e @ shape)  # S_k e
            self.fourth += float(
                np.sum(4 * e * (self.third[k] + stretched))
                + np.sum(length * (2 * spread + n * length))
            )
            self.third[k] += 2 * stretched + (spread + n * length) * e
            self.spread[k] += (n * length)[:, 0]
            self.scatter += (n * e).T @ e


class _Runs:
    """Runs of equal classes in sorted codes."""

    def __init__(self, codes: np.ndarray) -> None:
        self.classes, starts = np.unique(codes, return_index=True)
        self._ends = np.append(starts, len(codes))

    def sums(self, rows: np.ndarray, weight: np.ndarray) -> np.ndarray:
        """Weighted sum of the rows of each run."""
        shape = (len(self.classes), len(rows))
        return csr_array((weight, np.arange(len(rows)), self._ends), shape=shape) @ rows
