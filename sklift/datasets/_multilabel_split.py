"""Splits of pictures with any number of labels, in which rare labels are in every part."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import BaseCrossValidator
from sklearn.utils import check_random_state
from sklearn.utils.validation import check_scalar

from .._classes._label_sets import read_label_sets
from .._classes._stratification import iterative_stratification
from .._core._recipes import check_real


class _MultilabelSplitter(BaseCrossValidator):
    """Base of splitters that read labels in any form, and choose what is tested by them."""

    n_splits: int

    def get_n_splits(self, X=None, y=None, groups=None) -> int:
        """Return the number of splits; the arguments are ignored."""
        return self.n_splits

    def split(self, X, y, groups=None) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yield the indices of training and test parts.

        Parameters
        ----------
        X : ignored
            Ignored: what tells the pictures apart are their labels.
        y : matrix or list of lists
            Labels, in any form that :meth:`sklift.MultilabelClassifier.fit` takes.
        groups : ignored
            Present for API consistency.

        Yields
        ------
        train, test : ndarray of int
        """
        for is_test in self._tests(read_label_sets(y).targets):
            yield np.flatnonzero(~is_test), np.flatnonzero(is_test)

    @abstractmethod
    def _tests(self, targets: np.ndarray) -> Iterator[np.ndarray]:
        """Masks of the pictures that are tested, for a matrix of labels."""


class MultilabelStratifiedKFold(_MultilabelSplitter):
    """Folds of a data set in which each label is as frequent as in the whole, as far as it can be.

    The folds are made by iterative stratification, which begins with the rarest label. A label with
    as many pictures as there are folds has one in each.

    Parameters
    ----------
    n_splits : int, default=5
        Number of folds, >= 2.
    random_state : int, RandomState instance or None, default=None
        Seed of the choices among equal pictures and folds.

    See Also
    --------
    MultilabelStratifiedShuffleSplit : One part for training, one for testing.

    References
    ----------
    Sechidis, Tsoumakas, Vlahavas, "On the Stratification of Multi-Label Data", ECML PKDD 2011.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.datasets import MultilabelStratifiedKFold
    >>> y = np.array([[1, 0, 0]] * 6 + [[1, 1, 0]] * 3 + [[0, 0, 1]] * 3)
    >>> folds = MultilabelStratifiedKFold(n_splits=3, random_state=0)
    >>> [y[test].sum(axis=0).tolist() for _, test in folds.split(y, y)]
    [[3, 1, 1], [3, 1, 1], [3, 1, 1]]
    """

    def __init__(self, n_splits: int = 5, *, random_state=None) -> None:
        self.n_splits = n_splits
        self.random_state = random_state

    def _tests(self, targets):
        n = check_scalar(self.n_splits, "n_splits", int, min_val=2)
        if n > len(targets):
            raise ValueError(f"n_splits={n} is more than the {len(targets)} pictures")
        rng = check_random_state(self.random_state)
        parts = iterative_stratification(targets, np.full(n, 1 / n), rng)
        for part in range(n):
            yield parts == part


class MultilabelStratifiedShuffleSplit(_MultilabelSplitter):
    """Random parts for training and testing, in which each label is as frequent as in the whole.

    A label with a single picture has it in the larger part.

    Parameters
    ----------
    n_splits : int, default=1
        Number of splits, each drawn anew.
    test_size : float, default=0.25
        Share of the test part, in (0, 1).
    random_state : int, RandomState instance or None, default=None
        Seed of the draws.

    See Also
    --------
    MultilabelStratifiedKFold : Folds for cross-validation.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.datasets import MultilabelStratifiedShuffleSplit
    >>> y = np.array([[1, 0]] * 8 + [[1, 1]] * 4)
    >>> split = MultilabelStratifiedShuffleSplit(test_size=0.25, random_state=0)
    >>> train, test = next(split.split(y, y))
    >>> y[test].sum(axis=0).tolist()
    [3, 1]
    """

    def __init__(self, n_splits: int = 1, *, test_size: float = 0.25, random_state=None) -> None:
        self.n_splits = n_splits
        self.test_size = test_size
        self.random_state = random_state

    def _tests(self, targets):
        share = check_real(
            self.test_size, "test_size", minimum=0, maximum=1, include_boundaries="neither"
        )
        rng = check_random_state(self.random_state)
        for _ in range(check_scalar(self.n_splits, "n_splits", int, min_val=1)):
            parts = iterative_stratification(targets, [1 - share, share], rng)
            if len(np.unique(parts)) < 2:
                raise ValueError(
                    f"test_size={share:g} of {len(targets)} pictures leaves one part empty"
                )
            yield parts == 1
