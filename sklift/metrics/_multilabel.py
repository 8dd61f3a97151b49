"""Scores of pictures with any number of labels: a table of labels, a report by frequency."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import average_precision_score

from ._label_arrays import as_targets, check_scores
from ._shots import mean_present, shot_groups
from ._table import check_output, import_pandas

_SCORES = {
    "mean_average_precision": "mean average precision",
    "macro_f1": "macro F1",
    "micro_f1": "micro F1",
    "exact_match": "all labels right",
}


def per_label_table(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_score: ArrayLike,
    label_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
    output: str = "dict",
):
    """Scores of each label beside its training count and its group.

    Parameters
    ----------
    y_true : array-like or sparse matrix of shape (n_samples, n_labels)
        1 where a picture has a label, else 0.
    y_pred : array-like or sparse matrix of shape (n_samples, n_labels)
        1 where a label is predicted, else 0.
    y_score : array-like of shape (n_samples, n_labels)
        Scores of the labels, such as probabilities.
    label_counts : dict or array-like of shape (n_labels,)
        Training pictures with each label, such as ``clf.label_counts_``; or label -> count.
    labels : array-like of shape (n_labels,) or None, default=None
        The label of each column, such as ``clf.classes_``; None numbers them.
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`shot_groups`.
    output : {"dict", "dataframe"}, default="dict"
        A dict of arrays, or a pandas DataFrame.

    Returns
    -------
    table : dict of str to ndarray of shape (n_labels,), or DataFrame
        Columns "label", "n_train", "n_test" (pictures with the label in ``y_true``), "precision"
        (NaN for a label that is never predicted), "recall", "f1" and "average_precision" (NaN for a
        label that ``y_true`` lacks), and "group" ("many", "medium" or "few").

    Raises
    ------
    ValueError
        If ``output`` is not known, or the arrays do not fit each other.
    ImportError
        If a DataFrame is asked for and pandas is not installed.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.metrics import per_label_table
    >>> y_true = [[1, 0], [1, 1], [0, 0]]
    >>> y_score = np.array([[0.9, 0.6], [0.4, 0.3], [0.2, 0.1]])
    >>> table = per_label_table(y_true, y_score > 0.5, y_score, [300, 5], labels=["fox", "owl"])
    >>> table["recall"], table["average_precision"]
    (array([0.5, 0. ]), array([1. , 0.5]))
    """
    check_output(output, ("dict", "dataframe"))
    targets, scores = check_scores(y_true, y_score)
    predicted = as_targets(y_pred, "y_pred")
    if predicted.shape != targets.shape:
        raise ValueError(f"y_true has shape {targets.shape}, y_pred {predicted.shape}")
    names = np.arange(targets.shape[1]) if labels is None else np.asarray(labels)
    counts = _counts(label_counts, names)
    if names.shape != counts.shape or len(names) != targets.shape[1]:
        raise ValueError(
            f"y_true has {targets.shape[1]} columns, but there are {len(names)} labels and "
            f"{counts.size} label_counts: give one of each for every column"
        )
    groups = shot_groups(counts, many=many, few=few)
    n_test, n_found = targets.sum(0), predicted.sum(0)
    hits = (targets & predicted).sum(0)
    with np.errstate(invalid="ignore", divide="ignore"):
        f1 = np.where(n_test > 0, 2 * hits / (n_test + n_found), np.nan)
        precision, recall = hits / n_found, np.where(n_test > 0, hits / n_test, np.nan)
    table = {
        "label": names,
        "n_train": counts,
        "n_test": n_test,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "average_precision": average_precisions(targets, scores),
        "group": np.select(list(groups.values()), list(groups), ""),
    }
    return table if output == "dict" else import_pandas().DataFrame(table)


def multilabel_report(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    y_score: ArrayLike,
    label_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
    output: str = "text",
):
    """Overall and per-group scores of pictures with any number of labels.

    All means over labels are over those that a picture in ``y_true`` has.

    Parameters
    ----------
    y_true, y_pred, y_score, label_counts, labels, many, few
        As in :func:`per_label_table`.
    output : {"text", "dict"}, default="text"
        A table to print, or a dict.

    Returns
    -------
    report : str or dict
        The dict holds "mean_average_precision", "macro_f1", "micro_f1" and "exact_match" (the share
        of the pictures all of whose labels are right), floats in [0, 1]; and for each group,
        "many", "medium" and "few", a dict of "mean_average_precision" and "macro_f1" (NaN, "-" in
        the text, for a group without a label in ``y_true``), and "n_labels".

    Raises
    ------
    ValueError
        If ``output`` is not known, or the arrays do not fit each other.

    See Also
    --------
    per_label_table : One row for each label.

    Examples
    --------
    >>> import numpy as np
    >>> from sklift.metrics import multilabel_report
    >>> y_true = [[1, 0], [1, 1], [0, 0]]
    >>> y_score = np.array([[0.9, 0.6], [0.4, 0.3], [0.2, 0.1]])
    >>> print(multilabel_report(y_true, y_score > 0.5, y_score, [300, 5]))
    mean average precision  0.750
    macro F1                0.333
    micro F1                0.400
    all labels right        0.333
                            mAP    F1
    many (> 100)            1.000  0.667  1 label
    medium                  -      -      0 labels
    few (< 20)              0.500  0.000  1 label
    """
    check_output(output, ("text", "dict"))
    table = per_label_table(
        y_true, y_pred, y_score, label_counts, labels=labels, many=many, few=few
    )
    targets, predicted = as_targets(y_true), as_targets(y_pred)
    both = targets.sum() + predicted.sum()
    report: dict[str, Any] = {
        "mean_average_precision": mean_present(table["average_precision"]),
        "macro_f1": mean_present(table["f1"]),
        "micro_f1": float(2 * (targets & predicted).sum() / both) if both else float("nan"),
        "exact_match": float((targets == predicted).all(1).mean()),
    }
    for name in ("many", "medium", "few"):
        group = (table["group"] == name) & (table["n_test"] > 0)
        report[name] = {
            "mean_average_precision": mean_present(table["average_precision"][group]),
            "macro_f1": mean_present(table["f1"][group]),
            "n_labels": int(group.sum()),
        }
    return report if output == "dict" else _text(report, many, few)


def average_precisions(targets: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """Average precision of each label, NaN for a label that no picture has."""
    return np.array(
        [
            average_precision_score(t, s) if t.any() else np.nan
            for t, s in zip(targets.T, scores.T, strict=True)
        ]
    )


def _counts(label_counts, labels: np.ndarray) -> np.ndarray:
    if hasattr(label_counts, "to_dict"):  # a pandas Series
        label_counts = label_counts.to_dict()
    if isinstance(label_counts, Mapping):
        lost = [label for label in labels.tolist() if label not in label_counts]
        if lost:
            raise ValueError(f"label_counts has no training count of the labels {lost[:5]}")
        label_counts = [label_counts[label] for label in labels.tolist()]
    counts = np.asarray(label_counts)
    if counts.dtype.kind not in "biuf" or not np.isfinite(counts).all() or (counts < 0).any():
        raise ValueError(
            f"label_counts must be finite numbers of training pictures, at least 0; got "
            f"{label_counts!r}"
        )
    return counts


def _text(report: dict, many: float, few: float) -> str:
    lines = [f"{title:<23} {report[key]:.3f}" for key, title in _SCORES.items()]
    lines.append(f"{'':<23} mAP    F1")
    titles = {"many": f"many (> {many:g})", "medium": "medium", "few": f"few (< {few:g})"}
    for name, title in titles.items():
        group = report[name]
        n, values = group["n_labels"], (group["mean_average_precision"], group["macro_f1"])
        scores = "  ".join(f"{value:.3f}" if n else "-    " for value in values)
        lines.append(f"{title:<23} {scores}  {n} label{'' if n == 1 else 's'}")
    return "\n".join(lines)
