"""Taxonomy, the groups above the labels."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike

from .._core._text import counted
from ._labels import gather_labels, is_missing


class Taxonomy:
    """Groups above the labels, level by level, such as genus and family of species.

    Probabilities of a group are the sums of those of its labels. Where no label is sure enough, a
    group may be.

    Parameters
    ----------
    parents : dict or DataFrame
        Label -> its groups, from the smallest to the largest; one group may be given as it is. A
        DataFrame has the labels as its index and a column for each level.
    levels : sequence of str, optional
        Names of the levels of groups. None: the columns of a DataFrame, or "level 1", ...

    Attributes
    ----------
    levels : tuple of str
        "label", and the names of the levels of groups.

    See Also
    --------
    metrics.per_level_scores : Accuracy at each level.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift import Taxonomy
    >>> groups = {"red fox": "canid", "wolf": "canid", "lynx": "felid"}
    >>> taxonomy = Taxonomy(groups, levels=["family"])
    >>> classes = np.array(["lynx", "red fox", "wolf"])
    >>> proba = np.array([[0.1, 0.5, 0.4], [0.9, 0.1, 0.0], [0.5, 0.3, 0.2]])
    >>> taxonomy.sum_proba(proba, classes, "family")[0]
    array([[0.9, 0.1],
           [0.1, 0.9],
           [0.5, 0.5]])
    >>> found = taxonomy.roll_up(proba, classes, sure=0.8)
    >>> found["label"].tolist(), found["level"].tolist()
    (['canid', 'lynx', None], ['family', 'label', None])
    """

    def __init__(self, parents, levels: Sequence[str] | None = None) -> None:
        if hasattr(parents, "iterrows"):
            levels = [str(name) for name in parents.columns] if levels is None else levels
            parents = _as_dict(parents.index.tolist(), parents.to_numpy().tolist())
        if not isinstance(parents, Mapping) or not parents:
            raise ValueError(
                "parents must be a dict label -> groups, or a DataFrame with a row for each label; "
                f"got {type(parents).__name__}"
            )
        table = {
            k: tuple(v) if isinstance(v, Iterable) and not isinstance(v, str) else (v,)
            for k, v in parents.items()
        }
        depth = len(next(iter(table.values())))
        odd = [label for label, groups in table.items() if len(groups) != depth or not groups]
        if odd:
            raise ValueError(
                f"{odd[0]!r} has {counted(len(table[odd[0]]), 'group')}, and the first label has "
                f"{depth}: all need one at each level"
            )
        names = [f"level {i}" for i in range(1, depth + 1)] if levels is None else list(levels)
        if len(names) != depth or len({*names, "label"}) != depth + 1:
            raise ValueError(
                f"levels must be {depth} different names other than 'label', one for each level of "
                f"groups; got {names}"
            )
        self.levels = ("label", *names)
        self._table = {label: (label, *groups) for label, groups in table.items()}
        self._check_groups()
        self._check_nested()

    def groups(self, labels: ArrayLike, level: str) -> np.ndarray:
        """Groups of labels.

        Parameters
        ----------
        labels : array-like of shape (n,)
            Labels.
        level : str
            One of ``levels``.

        Returns
        -------
        groups : ndarray of shape (n,)

        Raises
        ------
        ValueError
            If a label or the level is unknown.
        """
        if level not in self.levels:
            raise ValueError(f"level must be one of {list(self.levels)}; got {level!r}")
        at, labels = self.levels.index(level), np.asarray(labels).tolist()
        unknown = sorted({label for label in labels if label not in self._table}, key=str)
        if unknown:
            raise ValueError(f"the taxonomy has no groups of {unknown[:5]}: add them to parents")
        return gather_labels(self._table[label][at] for label in labels)

    def sum_proba(
        self, proba: ArrayLike, classes: ArrayLike, level: str
    ) -> tuple[np.ndarray, np.ndarray]:
        """Probabilities of the groups of a level.

        Parameters
        ----------
        proba : array-like of shape (n_samples, n_classes)
            Probabilities of labels.
        classes : array-like of shape (n_classes,)
            The label of each column, such as ``clf.classes_``.
        level : str
            One of ``levels``.

        Returns
        -------
        sums : ndarray of shape (n_samples, n_groups)
        groups : ndarray of shape (n_groups,)
            The group of each column, sorted.
        """
        proba = np.asarray(proba, dtype=np.float64)
        found = self.groups(classes, level)
        if proba.ndim != 2 or proba.shape[1] != len(found):
            raise ValueError(f"proba has shape {proba.shape}, for {counted(len(found), 'class')}")
        groups, codes = np.unique(found, return_inverse=True)
        sums = np.zeros((len(groups), len(proba)))
        np.add.at(sums, codes, proba.T)
        return sums.T, groups

    def roll_up(
        self, proba: ArrayLike, classes: ArrayLike, sure: float = 0.8
    ) -> dict[str, np.ndarray]:
        """The label of each sample, or the smallest group that is sure enough.

        Parameters
        ----------
        proba : array-like of shape (n_samples, n_classes)
            Probabilities of labels; calibrated ones mean what they say.
        classes : array-like of shape (n_classes,)
            The label of each column, such as ``clf.classes_``.
        sure : float in [0.5, 1], default=0.8
            Probability that is enough.

        Returns
        -------
        table : dict of str to ndarray of shape (n_samples,)
            "label", the label or group; "level", the name of its level; "probability". All are None
            (NaN) where no group is sure enough.
        """
        if not 0.5 <= sure <= 1:
            raise ValueError(f"sure must be between 0.5 and 1, so that one is left; got {sure!r}")
        proba = np.asarray(proba, dtype=np.float64)
        table = {
            "label": np.full(len(proba), None, dtype=object),
            "level": np.full(len(proba), None, dtype=object),
            "probability": np.full(len(proba), np.nan),
        }
        for level in reversed(self.levels):  # finer levels replace coarser ones
            sums, groups = self.sum_proba(proba, classes, level)
            best = np.where(np.isfinite(sums), sums, 0).argmax(axis=1)
            highest = sums[np.arange(len(sums)), best]
            enough = highest >= sure
            table["label"][enough] = groups[best[enough]].astype(object)
            table["level"][enough], table["probability"][enough] = level, highest[enough]
        return table

    def _check_groups(self) -> None:
        """Raise ValueError if a group is missing, or those of a level can't be sorted."""
        for label, *groups in self._table.values():
            if any(map(is_missing, groups)):
                raise ValueError(
                    f"{label!r} has no group at one of the levels {list(self.levels[1:])}: where "
                    "there is none, repeat the smaller one"
                )
        for at, level in enumerate(self.levels):
            kinds = {isinstance(row[at], str) for row in self._table.values()}
            if len(kinds) > 1:
                raise ValueError(f"{level} mixes text and other values: make all of them text")

    def _check_nested(self) -> None:
        """Raise ValueError if a group is in two groups of the next level."""
        above: dict = {}
        for row in self._table.values():
            for at, (group, parent) in enumerate(pairwise(row)):
                known = above.setdefault((at, group), parent)
                if known != parent:
                    raise ValueError(
                        f"{self.levels[at]} {group!r} is in two groups, {known!r} and {parent!r}: "
                        "a group has one group above it"
                    )


def _as_dict(labels: list, groups: list) -> dict:
    """Groups by label, which may come more than once if they are the same."""
    table = dict(zip(labels, groups, strict=True))
    for label, row in zip(labels, groups, strict=True):
        if row != table[label] and not any(map(is_missing, row)):
            raise ValueError(f"{label!r} has two rows, {row} and {table[label]}: leave one out")
    return table
