"""Validated arrays of several labels a picture."""

from __future__ import annotations

import numpy as np
from sklearn.utils import check_array


def as_targets(y, name: str = "y_true") -> np.ndarray:
    """Labels as a matrix of booleans, (n_samples, n_labels).

    Raises
    ------
    ValueError
        If ``y`` is no matrix of 0 and 1, or has masked entries.
    """
    if np.ma.is_masked(y):
        place = np.argwhere(np.ma.getmaskarray(y))[0].tolist()
        raise ValueError(f"{name}{place} is masked: leave out pictures that can't be read")
    try:
        array = y.toarray() if hasattr(y, "toarray") else np.asarray(y)
    except ValueError:  # lists of several lengths
        array = np.asarray([len(row) for row in y])
    if array.ndim != 2:
        raise ValueError(
            f"{name} has shape {array.shape}, expected (n_samples, n_labels): a matrix of 0 and 1, "
            "as scikit-learn's MultiLabelBinarizer makes of lists of labels"
        )
    if not np.isin(array, (0, 1)).all():
        raise ValueError(f"{name} must hold 0 and 1 only")
    return array.astype(bool)


def check_scores(y_true, y_score) -> tuple[np.ndarray, np.ndarray]:
    """Labels as booleans, and scores as floats, of the same shape.

    Raises
    ------
    ValueError
        If they don't fit, or are not finite.
    """
    targets = as_targets(y_true)
    scores = check_array(y_score, dtype=[np.float64, np.float32], input_name="y_score")
    if scores.shape != targets.shape:
        raise ValueError(f"y_true has shape {targets.shape}, y_score {scores.shape}")
    return targets, scores
