"""Iterative stratification: parts of a data set in which each label is as frequent."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike


def iterative_stratification(
    targets: np.ndarray, shares: ArrayLike, rng: np.random.RandomState
) -> np.ndarray:
    """Part of each picture, so that every part has its share of the pictures with each label.

    The label that fewest of the remaining pictures have comes first, and its pictures go where most
    of them are still wanted. So pictures of rare labels are spread before those of frequent ones
    can put them in one place.

    Parameters
    ----------
    targets : ndarray of shape (n_samples, n_labels)
        1 where a picture has a label, else 0.
    shares : array-like of shape (n_parts,)
        Shares of the parts; their sum is 1.
    rng : RandomState
        The source of the choices among equals.

    Returns
    -------
    parts : ndarray of shape (n_samples,), int

    References
    ----------
    Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift._classes._stratification import iterative_stratification
    >>> targets = np.array([[1, 0], [1, 0], [1, 1], [1, 1], [0, 0], [0, 0]])
    >>> parts = iterative_stratification(targets, [0.5, 0.5], np.random.RandomState(0))
    >>> [targets[parts == part].sum(0).tolist() for part in (0, 1)]
    [[2, 1], [2, 1]]
    """
    wanted = np.asarray(shares, float)
    has = np.asarray(targets, bool)
    of_label = wanted * has.sum(0)[:, None]  # how many are still wanted, (n_labels, n_parts)
    of_all = wanted * len(has)
    parts = np.full(len(has), -1)
    left = has.sum(0)
    members = [rng.permutation(np.flatnonzero(column)) for column in has.T]

    def place(i: int, desires: np.ndarray) -> None:
        best = np.flatnonzero(desires == desires.max())
        if len(best) > 1:
            best = best[of_all[best] == of_all[best].max()]
        part = best[rng.randint(len(best))] if len(best) > 1 else best[0]
        parts[i] = part
        of_all[part] -= 1
        of_label[has[i], part] -= 1
        left[has[i]] -= 1

    while left.any():
        label = int(np.where(left > 0, left, len(has) + 1).argmin())
        for i in members[label].tolist():
            if parts[i] < 0:
                place(i, of_label[label])
    for i in rng.permutation(np.flatnonzero(parts < 0)).tolist():
        place(i, of_all)
    return parts
