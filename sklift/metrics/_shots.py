"""Accuracy of the many-, medium- and few-shot classes, grouped by TRAINING counts."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from .._core._text import counted
from ._as_labels import as_labels
from ._recalls import per_class_recall


def shot_groups(
    class_counts: ArrayLike, *, many: float = 100, few: float = 20
) -> dict[str, np.ndarray]:
    """Masks of the many-, medium- and few-shot classes.

    many: ``n_k > many``; medium: ``few <= n_k <= many``; few: ``n_k < few``, with n_k the number of
    training samples of class k.

    Parameters
    ----------
    class_counts : array-like of shape (n_classes,)
        Training samples per class.
    many, few : float, default=100 and 20
        Boundaries.

    Returns
    -------
    groups : dict of str to ndarray of shape (n_classes,), bool
        Masks "many", "medium" and "few": each class is in exactly one.

    Raises
    ------
    ValueError
        If a count is negative or not finite, or if ``few`` is above ``many``.

    References
    ----------
    Liu et al., "Large-Scale Long-Tailed Recognition in an Open World", CVPR 2019, arXiv 1904.05160.

    Examples
    --------
    >>> from sklift.metrics import shot_groups
    >>> shot_groups([150, 100, 20, 19])["medium"]
    array([False,  True,  True, False])
    """
    if few > many:
        raise ValueError(f"few must not be above many; got few={few!r}, many={many!r}")
    counts = np.asarray(class_counts, dtype=float)
    if counts.ndim != 1 or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError(
            "class_counts must be one finite number of training samples per class, at least 0; "
            f"got {class_counts!r}"
        )
    return {
        "many": counts > many,
        "medium": (counts >= few) & (counts <= many),
        "few": counts < few,
    }


def shot_accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    class_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
) -> dict[str, float]:
    """Accuracy of the many-, medium- and few-shot classes.

    The mean of the per-class recalls over the classes of the group (see :func:`shot_groups`) that
    ``y_true`` holds.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    class_counts : dict, Series or array-like of shape (n_classes,)
        Training samples per class: label -> count (``collections.Counter(y_train)`` or
        ``y_train.value_counts()``), or an array along ``labels``.
    labels : array-like of shape (n_classes,) or None, default=None
        All classes, such as ``clf.classes_``. None: the keys of ``class_counts``, or, if that is an
        array, the sorted classes of ``y_true`` and ``y_pred``.
    many, few : float, default=100 and 20
        Boundaries of the groups.

    Returns
    -------
    scores : dict of str to float in [0, 1]
        "many", "medium" and "few"; NaN for a group of which ``y_true`` has no class.

    Raises
    ------
    ValueError
        If the counts do not fit the labels, or if a class of ``y_true`` has no count.

    Examples
    --------
    >>> from sklift.metrics import shot_accuracy_score
    >>> y_true, y_pred = ["ant", "ant", "bee", "cat"], ["ant", "bee", "bee", "ant"]
    >>> shot_accuracy_score(y_true, y_pred, {"ant": 300, "bee": 12, "cat": 3})
    {'many': 0.5, 'medium': nan, 'few': 0.5}
    """
    _, _, recalls, groups = recalls_and_groups(y_true, y_pred, class_counts, labels, many, few)
    return {name: mean_present(recalls[group]) for name, group in groups.items()}


def many_shot_accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    class_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
) -> float:
    """Mean recall of the classes with more than ``many`` training samples.

    Parameters, errors: see :func:`shot_accuracy_score`.

    Returns
    -------
    score : float in [0, 1]
        NaN if ``y_true`` has no such class.

    Examples
    --------
    >>> from sklift.metrics import many_shot_accuracy_score
    >>> y_true, y_pred = ["ant", "ant", "bee", "cat"], ["ant", "bee", "bee", "ant"]
    >>> many_shot_accuracy_score(y_true, y_pred, {"ant": 300, "bee": 12, "cat": 3})
    0.5
    """
    return shot_accuracy_score(y_true, y_pred, class_counts, labels=labels, many=many, few=few)[
        "many"
    ]


def medium_shot_accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    class_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
) -> float:
    """Mean recall of the classes with ``few`` to ``many`` training samples.

    Parameters, errors: see :func:`shot_accuracy_score`.

    Returns
    -------
    score : float in [0, 1]
        NaN if ``y_true`` has no such class.

    Examples
    --------
    >>> from sklift.metrics import medium_shot_accuracy_score
    >>> y_true, y_pred = ["ant", "ant", "bee", "cat"], ["ant", "bee", "bee", "ant"]
    >>> medium_shot_accuracy_score(y_true, y_pred, {"ant": 300, "bee": 40, "cat": 30})
    0.5
    """
    return shot_accuracy_score(y_true, y_pred, class_counts, labels=labels, many=many, few=few)[
        "medium"
    ]


def few_shot_accuracy_score(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    class_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
) -> float:
    """Mean recall of the classes with fewer than ``few`` training samples.

    Parameters, errors: see :func:`shot_accuracy_score`.

    Returns
    -------
    score : float in [0, 1]
        NaN if ``y_true`` has no such class.

    Examples
    --------
    >>> from sklift.metrics import few_shot_accuracy_score
    >>> y_true, y_pred = ["ant", "ant", "bee", "cat"], ["ant", "bee", "bee", "ant"]
    >>> few_shot_accuracy_score(y_true, y_pred, {"ant": 300, "bee": 12, "cat": 3})
    0.5
    """
    return shot_accuracy_score(y_true, y_pred, class_counts, labels=labels, many=many, few=few)[
        "few"
    ]


def recalls_and_groups(
    y_true, y_pred, class_counts, labels, many, few
) -> tuple[np.ndarray, np.ndarray, np.ndarray, dict[str, np.ndarray]]:
    """The classes, their counts and recalls (NaN: absent) and the group masks, in one order."""
    y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    if hasattr(class_counts, "to_dict"):  # a pandas Series, such as value_counts() gives
        class_counts = class_counts.to_dict()
    if isinstance(class_counts, Mapping):
        labels = (
            as_labels(sorted(class_counts), "class_counts")
            if labels is None
            else as_labels(labels, "labels")
        )
        uncounted = [label for label in labels.tolist() if label not in class_counts]
        if uncounted:
            raise ValueError(f"class_counts has no training count of the labels {uncounted[:5]}")
        counts = np.array([class_counts[label] for label in labels.tolist()])
    else:
        labels = np.union1d(y_true, y_pred) if labels is None else as_labels(labels, "labels")
        counts = np.asarray(class_counts)
        if counts.shape != labels.shape:
            raise ValueError(
                f"class_counts has shape {counts.shape}, for {counted(len(labels), 'label')}: give "
                "labels=, the classes in the order of class_counts, or a dict label -> count"
            )
    unknown = np.setdiff1d(y_true, labels)
    if len(unknown):
        raise ValueError(
            f"y_true holds {unknown[:5].tolist()}, of which class_counts has no training count; "
            "a class that was not trained on has the count 0"
        )
    groups = shot_groups(counts, many=many, few=few)
    return labels, counts, per_class_recall(y_true, y_pred, labels), groups


def mean_present(recalls: np.ndarray) -> float:
    """Mean of the recalls that are not NaN; NaN, without a warning, if there is none."""
    present = recalls[~np.isnan(recalls)]
    return float(present.mean()) if len(present) else float("nan")
