"""Precision, recall and F1 of each class, with how sure they are."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import ndtri
from sklearn.utils import check_consistent_length

from ._as_labels import as_labels
from ._table import check_output, import_pandas


def per_class_scores(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    *,
    labels: ArrayLike | None = None,
    confidence: float = 0.95,
    output: str = "dict",
):
    r"""Precision, recall and F1 of each class, with confidence intervals.

    Intervals are Wilson's [1]_, which hold for the few samples of rare classes. Precision and
    recall are shares: of the samples that were predicted to be of the class, and of those that are.
    So is :math:`F^* = TP / (TP + FP + FN)` [2]_, and :math:`F_1 = 2 F^* / (1 + F^*)` rises with it:
    the interval of :math:`F_1` is the one of :math:`F^*`, transformed.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    labels : array-like of shape (n_classes,) or None, default=None
        All classes, in the order wanted. None: the sorted labels of both.
    confidence : float in (0, 1), default=0.95
        Probability that the interval covers the true score, for one class.
    output : {"dict", "dataframe"}, default="dict"
        A dict of arrays, or a pandas DataFrame.

    Returns
    -------
    table : dict of str to ndarray of shape (n_classes,), or DataFrame
        Columns "label", "n_true" (samples of the class), "n_predicted" (predictions of it), and
        "precision", "precision_low", "precision_high", likewise "recall" and "f1", in [0, 1]. A
        score of no samples is NaN, and its interval too.

    Raises
    ------
    ValueError
        If ``confidence`` or ``output`` is none of the above, or lengths differ.
    ImportError
        If a DataFrame is asked for and pandas is not installed.

    See Also
    --------
    per_class_recall_table : Recall beside the training count.

    References
    ----------
    .. [1] Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", Journal
       of the American Statistical Association 22, 1927.
    .. [2] Hand, Christen, Kirielle, "F*: An Interpretable Transformation of the F-measure", Machine
       Learning 110, 2021, arXiv 2008.00103.

    Examples
    --------
    >>> from sklift.metrics import per_class_scores
    >>> table = per_class_scores(["ant"] * 8 + ["bee"] * 2, ["ant"] * 9 + ["bee"])
    >>> table["recall"], table["recall_low"].round(2), table["recall_high"].round(2)
    (array([1. , 0.5]), array([0.68, 0.09]), array([1.  , 0.91]))
    """
    check_output(output, ("dict", "dataframe"))
    if not 0 < confidence < 1:
        raise ValueError(f"confidence must be between 0 and 1; got {confidence!r}")
    y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    check_consistent_length(y_true, y_pred)
    labels = np.union1d(y_true, y_pred) if labels is None else as_labels(labels, "labels")
    column = {label: k for k, label in enumerate(labels.tolist())}

    def counted(some: np.ndarray) -> np.ndarray:  # labels that are not listed count nowhere
        codes = [column[label] for label in some.tolist() if label in column]
        return np.bincount(np.array(codes, dtype=int), minlength=len(labels))

    n_true, n_pred, n_hit = counted(y_true), counted(y_pred), counted(y_true[y_true == y_pred])
    table = {"label": labels, "n_true": n_true, "n_predicted": n_pred}
    shares = {"precision": n_pred, "recall": n_true, "f1": n_true + n_pred - n_hit}
    for name, total in shares.items():
        scores = (_share(n_hit, total), *wilson_interval(n_hit, total, confidence))
        for ending, value in zip(("", "_low", "_high"), scores, strict=True):
            table[name + ending] = 2 * value / (1 + value) if name == "f1" else value
    return import_pandas().DataFrame(table) if output == "dataframe" else table


def wilson_interval(
    n_hit: ArrayLike, n_total: ArrayLike, confidence: float = 0.95
) -> tuple[np.ndarray, np.ndarray]:
    """Wilson's confidence interval of shares; NaN for shares of nothing.

    Examples
    --------
    >>> from sklift.metrics._class_scores import wilson_interval
    >>> [float(end.round(3)) for end in wilson_interval(8, 10)]
    [0.49, 0.943]
    """
    n_hit, n_total = np.asarray(n_hit, dtype=float), np.asarray(n_total, dtype=float)
    share, z2 = _share(n_hit, n_total), ndtri((1 + confidence) / 2) ** 2
    with np.errstate(invalid="ignore"):
        middle = (n_hit + z2 / 2) / (n_total + z2)
        half = np.sqrt(z2 * (n_total * share * (1 - share) + z2 / 4)) / (n_total + z2)
    return np.clip(middle - half, 0, 1), np.clip(middle + half, 0, 1)


def _share(n_hit: np.ndarray, n_total: np.ndarray) -> np.ndarray:
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(n_total > 0, n_hit / n_total, np.nan)
