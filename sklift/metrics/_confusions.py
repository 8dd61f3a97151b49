"""Pairs of classes that are taken for each other."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import ArrayLike
from sklearn.utils import check_consistent_length

from ._as_labels import as_labels
from ._table import check_output, import_pandas


def most_confused_pairs(
    y_true: ArrayLike, y_pred: ArrayLike, *, n_most: int = 10, output: str = "dict"
):
    """The mistakes that are made most often: "a lynx, taken for a cat".

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    n_most : int, default=10
        Number of pairs, at most.
    output : {"dict", "dataframe"}, default="dict"
        A dict of arrays, or a pandas DataFrame.

    Returns
    -------
    table : dict of str to ndarray of shape (n_pairs,), or DataFrame
        Columns "true", "predicted", "n" (samples of the one that were predicted to be the other),
        "share" (of the samples of the true class) and "n_back" (samples of the other that were
        predicted to be this one), by "n" and then "share", the largest first.

    Raises
    ------
    ValueError
        If ``output`` is not known, or lengths differ.
    ImportError
        If a DataFrame is asked for and pandas is not installed.

    Examples
    --------
    >>> from sklift.metrics import most_confused_pairs
    >>> y_true, y_pred = ["cat", "cat", "lynx", "lynx"], ["cat", "lynx", "cat", "cat"]
    >>> table = most_confused_pairs(y_true, y_pred)
    >>> table["true"].tolist(), table["predicted"].tolist(), table["n"].tolist()
    (['lynx', 'cat'], ['cat', 'lynx'], [2, 1])
    """
    check_output(output, ("dict", "dataframe"))
    y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    check_consistent_length(y_true, y_pred)
    n_true = Counter(y_true.tolist())
    wrong = y_true != y_pred
    pairs = Counter(zip(y_true[wrong].tolist(), y_pred[wrong].tolist(), strict=True))
    order = sorted(pairs, key=lambda pair: (-pairs[pair], n_true[pair[0]], str(pair)))[:n_most]
    table = {
        "true": np.array([true for true, _ in order], dtype=y_true.dtype),
        "predicted": np.array([predicted for _, predicted in order], dtype=y_pred.dtype),
        "n": np.array([pairs[pair] for pair in order], dtype=int),
        "share": np.array([pairs[pair] / n_true[pair[0]] for pair in order], dtype=float),
        "n_back": np.array([pairs[pair[::-1]] for pair in order], dtype=int),
    }
    return import_pandas().DataFrame(table) if output == "dataframe" else table
