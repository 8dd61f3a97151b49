"""The split into training and validation pictures."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_random_state
from torch.utils.data import Subset


class HoldOut:
    """Split that holds out a fraction of every class, for skorch's ``train_split``.

    At least one picture of each class stays in the training data. A class of few pictures may have
    none in the validation data.
    """

    def __init__(self, fraction: float, seed: int, weight: np.ndarray | None = None):
        self.fraction = fraction
        self.seed = seed
        self.weight = weight

    def __call__(self, dataset, codes):
        """Return two subsets of the dataset, training and validation, both in order."""
        counts = np.bincount(codes)
        n_held = _shares(counts, self.fraction)
        rng = check_random_state(self.seed)
        held = np.zeros(len(codes), dtype=bool)
        by_class = np.argsort(codes, kind="stable")  # one pass over all, not one a class
        first = np.cumsum(counts) - counts
        for code in np.flatnonzero(n_held):
            start = first[code]
            members = rng.permutation(by_class[start : start + counts[code]])
            if self.weight is not None and not self.weight[members[n_held[code] :]].any():
                heaviest = self.weight[members].argmax()  # the training part needs some weight
                members[[heaviest, -1]] = members[[-1, heaviest]]
            held[members[: n_held[code]]] = True
        if not held.any():
            raise ValueError(
                "no class has a second sample that could be held out for validation: leave out "
                "validation_fraction and early_stopping"
            )
        return Subset(dataset, np.flatnonzero(~held)), Subset(dataset, np.flatnonzero(held))


def _shares(counts: np.ndarray, fraction: float) -> np.ndarray:
    """Rounded fractions of the counts, whose sum is the fraction of the total if possible."""
    wanted = fraction * counts
    room = np.minimum(np.ceil(wanted), np.maximum(counts - 1, 0)).astype(int)
    shares = np.minimum(wanted.astype(int), room)
    missing = max(1, round(fraction * counts.sum())) - shares.sum()
    # The classes that lost most by rounding get one more; among equals, the largest ones.
    order = np.lexsort((-counts, -(wanted - shares)))
    takers = order[(room > shares)[order]][: max(0, missing)]
    shares[takers] += 1
    return shares
