"""Accuracy at each level of a taxonomy."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, balanced_accuracy_score

from ._as_labels import as_labels
from ._table import check_output, import_pandas


def per_level_scores(y_true: ArrayLike, y_pred: ArrayLike, taxonomy, *, output: str = "dict"):
    """Accuracy of labels, and of the groups above them.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    taxonomy : Taxonomy
        The groups, see :class:`sklift.Taxonomy`.
    output : {"dict", "dataframe"}, default="dict"
        A dict of arrays, or a pandas DataFrame.

    Returns
    -------
    table : dict of str to ndarray of shape (n_levels,), or DataFrame
        Columns "level", "n_groups" (in ``y_true``), "accuracy" and "balanced_accuracy".

    Raises
    ------
    ValueError
        If the taxonomy lacks a label.
    ImportError
        If a DataFrame is asked for and pandas is not installed.

    Examples
    --------
    >>> from sklift import Taxonomy
    >>> from sklift.metrics import per_level_scores
    >>> groups = {"red fox": "canid", "wolf": "canid", "lynx": "felid"}
    >>> taxonomy = Taxonomy(groups, levels=["family"])
    >>> table = per_level_scores(["red fox", "wolf", "lynx"], ["wolf", "wolf", "lynx"], taxonomy)
    >>> dict(zip(table["level"].tolist(), table["accuracy"].round(2).tolist()))
    {'label': 0.67, 'family': 1.0}
    """
    check_output(output, ("dict", "dataframe"))
    y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    table: dict[str, list] = {"level": list(taxonomy.levels), "n_groups": []}
    table |= {"accuracy": [], "balanced_accuracy": []}
    for level in taxonomy.levels:
        true, predicted = taxonomy.groups(y_true, level), taxonomy.groups(y_pred, level)
        table["n_groups"].append(len(np.unique(true)))
        table["accuracy"].append(accuracy_score(true, predicted))
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "y_pred contains classes not in y_true")
            warnings.filterwarnings("ignore", "A single label was found")
            table["balanced_accuracy"].append(balanced_accuracy_score(true, predicted))
    arrays = {name: np.array(column) for name, column in table.items()}
    return import_pandas().DataFrame(arrays) if output == "dataframe" else arrays
