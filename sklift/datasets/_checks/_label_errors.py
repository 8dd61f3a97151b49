"""Labels that look wrong: pictures that are as much of another class as its own ones are."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from ..._classes._gaussian_classifier import ShrunkGaussianClassifier

FOLDS = 5
ENOUGH = 5  # pictures of a class, of which one may look wrong
KNOWN = 0.5  # recall and precision from which on a class is known well enough to speak of it
OVERLAP = 0.2  # share of a class that may be nearer to another before the two are called alike
_AT_ONCE = 1024  # rows that are scored for all classes


def wrong_labels(
    features: np.ndarray, codes: np.ndarray, groups: np.ndarray
) -> Iterator[tuple[int, int, float]]:
    """Rows whose labels look wrong, and the classes that fit them.

    Each fifth of the rows is scored by a :class:`ShrunkGaussianClassifier` of the others. A label
    looks wrong if the score of another class exceeds that of the label by as much as it does for
    half of the rows of the other class, and if at most a fifth of the rows of the label are nearer
    to that class. Classes of which half aren't recognised are passed over: features that can't tell
    classes apart can't tell labels either.

    Parameters
    ----------
    features : ndarray of shape (n, n_features)
        Rows.
    codes : ndarray of shape (n,), int
        Their classes, 0, 1, ...
    groups : ndarray of shape (n,), int
        Rows that are scored together, such as copies: one must not speak for the other.

    Yields
    ------
    row, code, excess : int, int, float
        The most certain first; the excess is in logits.
    """
    counts = np.bincount(codes)
    enough = np.flatnonzero(counts >= ENOUGH)
    rows = np.flatnonzero(np.isin(codes, enough))
    if len(enough) < 2 or len(np.unique(groups[rows])) < FOLDS:
        return
    held_out = _HeldOut(features[rows], codes[rows], groups[rows])
    codes = codes[rows]
    best = held_out.best()
    hits = np.bincount(codes[best == codes], minlength=len(counts))
    known = hits >= KNOWN * np.maximum(counts, np.bincount(best, minlength=len(counts)))
    most: dict[tuple[int, int], float] = {}
    found = []
    for row in np.flatnonzero((best != codes) & known[best] & known[codes]).tolist():
        other, own = pair = int(best[row]), int(codes[row])
        if pair not in most:
            alike = (held_out.excess(np.flatnonzero(codes == own), *pair) > 0).mean() > OVERLAP
            theirs = held_out.excess(np.flatnonzero(codes == other), *pair)
            most[pair] = np.inf if alike else float(np.median(theirs))
        excess = float(held_out.excess(np.array([row]), *pair)[0])
        if excess >= most[pair]:
            found.append((int(rows[row]), other, excess))
    yield from sorted(found, key=lambda one: -one[2])


class _HeldOut:
    """Scores of rows by classifiers that were not trained on them.

    Parameters
    ----------
    features, codes, groups
        As of :func:`wrong_labels`.
    """

    def __init__(self, features: np.ndarray, codes: np.ndarray, groups: np.ndarray):
        self.features = features
        self.fold = np.empty(len(codes), dtype=int)
        self.weights, self.constants = [], []
        splitter = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=0)
        for number, (train, test) in enumerate(splitter.split(codes, codes, groups)):
            self.fold[test] = number
            clf = ShrunkGaussianClassifier().fit(features[train], codes[train])
            weights = np.zeros((codes.max() + 1, features.shape[1]))
            constants = np.full(len(weights), -np.inf)  # of a class that this fold lacks
            two = len(clf.classes_) == 2  # then the second one has weights, and the first zeros
            constants[clf.classes_] = 0
            weights[clf.classes_[int(two) :]] = clf.coef_
            constants[clf.classes_[int(two) :]] = clf.intercept_
            self.weights.append(weights)
            self.constants.append(constants)

    def best(self) -> np.ndarray:
        """The class of the highest score of each row."""
        best = np.empty(len(self.fold), dtype=int)
        for number, some in self._by_fold(np.arange(len(self.fold))):
            for start in range(0, len(some), _AT_ONCE):
                rows = some[start : start + _AT_ONCE]
                scores = self.features[rows] @ self.weights[number].T + self.constants[number]
                best[rows] = scores.argmax(axis=1)
        return best

    def excess(self, rows: np.ndarray, over: int, of: int) -> np.ndarray:
        """By how much the score of one class exceeds that of another."""
        values = np.empty(len(rows))
        for number, some in self._by_fold(rows):
            weights, constants = self.weights[number], self.constants[number]
            gap = constants[over] - constants[of]
            scores = self.features[some] @ (weights[over] - weights[of]) + gap
            values[self.fold[rows] == number] = scores
        return values

    def _by_fold(self, rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
        yield from ((number, rows[self.fold[rows] == number]) for number in range(FOLDS))
