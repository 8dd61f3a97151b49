"""Thresholds of labels, as a user gives them."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real

import numpy as np


def label_thresholds(est) -> np.ndarray:
    """The thresholds of a fitted estimator, (n_labels,).

    Raises
    ------
    ValueError
        If they don't fit the labels, or were not chosen in training.
    """
    given, classes = _by_label(est.thresholds), est.classes_
    check_thresholds(given, classes)
    if isinstance(given, str):
        if given == "prior":
            return _of_shares(est.label_shares_)
        if not hasattr(est, "f1_thresholds_"):
            raise ValueError(
                "thresholds='f1' is chosen in training: fit again, or set thresholds to what "
                "choose_thresholds(X, y) returns for other pictures"
            )
        return est.f1_thresholds_
    if isinstance(given, Mapping):
        return np.array([given[label] for label in classes.tolist()], dtype=float)
    return np.broadcast_to(np.asarray(given, dtype=float), classes.shape)


def _of_shares(shares: np.ndarray) -> np.ndarray:
    """The shares; of a label that no picture has 1, so that none gets it, and of all 0."""
    return np.select([shares == 0, shares > 1 - 1e-9], [1.0, 0.0], shares)


def _by_label(given):
    """A pandas Series as the dict that its index makes of it, all else as it is."""
    return given.to_dict() if hasattr(given, "to_dict") else given


def check_thresholds(given, classes: np.ndarray) -> None:
    """Check that thresholds fit the labels.

    Parameters
    ----------
    given : float, str, array-like or dict
        The parameter.
    classes : ndarray of shape (n_labels,)
        The labels.

    Raises
    ------
    ValueError
        If a label has no threshold, or one is not in [0, 1].
    """
    given = _by_label(given)
    if isinstance(given, (str, Real)):
        return
    if isinstance(given, Mapping):
        lost = [label for label in classes.tolist() if label not in given]
        if lost:
            raise ValueError(f"thresholds has no threshold of the label {lost[0]!r}")
        values = np.asarray([given[label] for label in classes.tolist()])
    else:
        values = np.asarray(given)
    if values.shape != classes.shape:
        raise ValueError(
            f"thresholds has shape {values.shape}, expected one for each of {len(classes)} labels"
        )
    if values.dtype.kind not in "fiu" or not ((values >= 0) & (values <= 1)).all():
        raise ValueError(f"thresholds must be numbers from 0 to 1, got {given!r}")
