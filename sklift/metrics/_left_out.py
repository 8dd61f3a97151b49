"""Rate at which foreign samples are found, measured on classes that are left out."""

from __future__ import annotations

from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import clone
from sklearn.metrics import roc_auc_score
from sklearn.utils import check_random_state, indexable

from .._classes._labels import check_labels
from .._core._sklearn import take_rows


def left_out_detection(
    detector,
    X,
    y: ArrayLike,
    *,
    n_parts: int = 5,
    groups: ArrayLike | None = None,
    random_state=None,
) -> dict:
    """Measure a detector of foreign samples on classes that it was not told of.

    The classes are dealt into parts. For each, a clone of the detector is fitted to the other
    classes, without a part of their samples, and tested on both.

    Parameters
    ----------
    detector : estimator
        With ``fit(X, y)``, ``score_samples`` and ``predict``, which is -1 for foreign samples, such
        as :class:`sklift.NoveltyDetector`.
    X : array-like or pictures
        Of the kind that the detector takes.
    y : array-like of shape (n_samples,)
        Labels.
    n_parts : int, default=5
        Number of parts, and of fits.
    groups : array-like of shape (n_samples,), optional
        Known samples of one group are held out together. A detector whose ``fit`` takes groups is
        told them.
    random_state : int, RandomState instance or None, default=None
        Seed of the parts.

    Returns
    -------
    scores : dict
        "detection_rate", the share of left-out samples that are found, as a mean over classes;
        "false_alarm_rate", the share of known samples that are taken for foreign; "roc_auc", the
        mean over parts; "labels" and "per_class", the classes and the share found of each.

    Raises
    ------
    ValueError
        If ``n_parts`` is not between 2 and half the number of classes.

    Notes
    -----
    A tower that was trained on pictures of these classes, as many are, has seen them all the same.
    Samples that resemble no class at all are found more often.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> from sklift import NoveltyDetector
    >>> from sklift.metrics import left_out_detection
    >>> X, y = load_digits(return_X_y=True)
    >>> found = left_out_detection(NoveltyDetector(), X[:800], y[:800], random_state=0)
    >>> bool(found["detection_rate"] > 0.5), bool(found["false_alarm_rate"] < 0.1)
    (True, True)
    """
    # imported here: the metrics themselves are imported faster without
    from .._classes._held_out import fit_by_groups, splits

    X, y, groups = indexable(X, check_labels(y), groups)
    labels, codes = np.unique(y, return_inverse=True)
    if not isinstance(n_parts, Integral) or not 2 <= n_parts <= len(labels) // 2:
        raise ValueError(
            f"n_parts must be an int between 2 and {len(labels) // 2}, half the number of classes; "
            f"got {n_parts}"
        )
    rng = check_random_state(random_state)
    part_of = rng.permutation(np.arange(len(labels)) % n_parts)[codes]
    per_class, areas = np.full(len(labels), np.nan), []
    false_alarms = n_known = 0
    for part in range(n_parts):
        known, foreign = np.flatnonzero(part_of != part), np.flatnonzero(part_of == part)
        among = None if groups is None else np.asarray(groups)[known]
        train, test = next(splits(y[known], None, among, rng.randint(1 << 31)))
        rows = known[train]
        fitted = fit_by_groups(
            clone(detector), take_rows(X, rows), y[rows], None if among is None else among[train]
        )
        both = take_rows(X, np.r_[known[test], foreign])
        flagged = np.asarray(fitted.predict(both)) == -1
        scores = np.asarray(fitted.score_samples(both))
        is_known = np.arange(len(flagged)) < len(test)
        areas.append(roc_auc_score(is_known, scores))
        false_alarms, n_known = false_alarms + flagged[is_known].sum(), n_known + len(test)
        for k in np.unique(codes[foreign]):
            per_class[k] = flagged[~is_known][codes[foreign] == k].mean()
    return {
        "detection_rate": float(per_class.mean()),
        "false_alarm_rate": float(false_alarms / n_known),
        "roc_auc": float(np.mean(areas)),
        "labels": labels,
        "per_class": per_class,
    }
