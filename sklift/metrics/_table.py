"""Table with one row per class: its training count, and how often it is recognised."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from ._as_labels import as_labels
from ._shots import recalls_and_groups


def per_class_recall_table(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    class_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
    output: str = "dict",
):
    """Recall of each class beside its training count and its group.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    class_counts : dict, Series or array-like of shape (n_classes,)
        Training samples per class, see :func:`shot_accuracy_score`.
    labels : array-like of shape (n_classes,) or None, default=None
        All classes, in the order wanted, see :func:`shot_accuracy_score`.
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`shot_groups`.
    output : {"dict", "dataframe"}, default="dict"
        A dict of arrays, or a pandas DataFrame.

    Returns
    -------
    table : dict of str to ndarray of shape (n_classes,), or DataFrame
        Columns "label", "n_train", "n_test" (samples of the class in ``y_true``), "recall" (NaN for
        a class that ``y_true`` lacks) and "group" ("many", "medium" or "few").

    Raises
    ------
    ValueError
        If ``output`` is not known, or the counts do not fit the labels.
    ImportError
        If a DataFrame is asked for and pandas is not installed.

    Examples
    --------
    >>> from sklift.metrics import per_class_recall_table
    >>> y_true, y_pred = ["ant", "ant", "cat"], ["ant", "bee", "cat"]
    >>> table = per_class_recall_table(y_true, y_pred, {"ant": 300, "bee": 50, "cat": 3})
    >>> table["recall"]
    array([0.5, nan, 1. ])
    >>> table["group"]
    array(['many', 'medium', 'few'], dtype='<U6')
    """
    check_output(output, ("dict", "dataframe"))
    labels, counts, recalls, groups = recalls_and_groups(
        y_true, y_pred, class_counts, labels, many, few
    )
    table = {
        "label": labels,
        "n_train": counts,
        "n_test": _counts(as_labels(y_true, "y_true"), labels),
        "recall": recalls,
        "group": np.select(list(groups.values()), list(groups), ""),
    }
    return table if output == "dict" else import_pandas().DataFrame(table)


def _counts(y: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """How often each label is in ``y``."""
    found, counts = np.unique(y, return_counts=True)
    by_label = dict(zip(found.tolist(), counts.tolist(), strict=True))
    return np.array([by_label.get(label, 0) for label in labels.tolist()])


def check_output(output: str, choices: tuple[str, ...]) -> None:
    """Raise ValueError unless ``output`` is one of the choices."""
    if output not in choices:
        raise ValueError(f"output must be one of {list(choices)}; got {output!r}")


def import_pandas():
    """Pandas, which only DataFrames need."""
    try:
        import pandas
    except ImportError as error:
        raise ImportError(
            'output="dataframe" needs pandas: install it ("pip install pandas"), or take '
            'output="dict"'
        ) from error
    return pandas
