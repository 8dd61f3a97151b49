"""All long-tail scores of one prediction, as a text, a dict or a DataFrame."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike
from sklearn.metrics import accuracy_score, f1_score

from .._core._text import counted
from ._as_labels import as_labels
from ._recalls import geometric_mean_recall, harmonic_mean_recall, worst_class_recall
from ._shots import mean_present, recalls_and_groups
from ._table import check_output, import_pandas

SCORES = {
    "accuracy": "accuracy",
    "balanced_accuracy": "balanced accuracy",
    "macro_f1": "macro F1",
    "harmonic_mean_recall": "harmonic mean recall",
    "geometric_mean_recall": "geometric mean recall",
    "worst_class_recall": "worst-class recall",
}


def long_tail_report(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    class_counts: Mapping | ArrayLike,
    *,
    labels: ArrayLike | None = None,
    many: float = 100,
    few: float = 20,
    output: str = "text",
):
    """Overall, per-class and per-group scores.

    All means over classes are over the classes of ``y_true``.

    Parameters
    ----------
    y_true : array-like of shape (n_samples,)
        True labels.
    y_pred : array-like of shape (n_samples,)
        Predicted labels.
    class_counts : dict, Series or array-like of shape (n_classes,)
        Training samples per class, see :func:`shot_accuracy_score`.
    labels : array-like of shape (n_classes,) or None, default=None
        All classes, see :func:`shot_accuracy_score`.
    many, few : float, default=100 and 20
        Boundaries of the groups, see :func:`shot_groups`.
    output : {"text", "dict", "dataframe"}, default="text"
        A table to print, a dict, or a pandas DataFrame.

    Returns
    -------
    report : str, dict or DataFrame
        The dict holds "accuracy", "balanced_accuracy", "macro_f1", "harmonic_mean_recall",
        "geometric_mean_recall" and "worst_class_recall" (floats in [0, 1]), and per group, "many",
        "medium" and "few", a dict of "accuracy" (mean per-class recall; NaN, "-" in the text, for a
        group without a class in ``y_true``), "n_classes" and "n_samples" (of the group in
        ``y_true``). The DataFrame has the same names as rows, and the columns "score", "n_classes"
        and "n_samples".

    Raises
    ------
    ValueError
        If ``output`` is not known, or the counts do not fit the labels.
    ImportError
        If a DataFrame is asked for and pandas is not installed.

    See Also
    --------
    per_class_recall_table : One row per class.

    Examples
    --------
    >>> from sklift.metrics import long_tail_report
    >>> y_true, y_pred = ["ant", "ant", "bee", "cat"], ["ant", "bee", "bee", "ant"]
    >>> print(long_tail_report(y_true, y_pred, {"ant": 300, "bee": 12, "cat": 3}))
    accuracy               0.500
    balanced accuracy      0.500
    macro F1               0.389
    harmonic mean recall   0.000
    geometric mean recall  0.000
    worst-class recall     0.000
    many-shot (> 100)      0.500  1 class, 2 samples
    medium-shot            -      0 classes, 0 samples
    few-shot (< 20)        0.500  2 classes, 2 samples
    """
    check_output(output, ("text", "dict", "dataframe"))
    y_true, y_pred = as_labels(y_true, "y_true"), as_labels(y_pred, "y_pred")
    labels, _, recalls, groups = recalls_and_groups(y_true, y_pred, class_counts, labels, many, few)
    report: dict[str, Any] = {
        "accuracy": float(accuracy_score(y_true, y_pred)),
        "balanced_accuracy": mean_present(recalls),
        "macro_f1": float(f1_score(y_true, y_pred, labels=np.unique(y_true), average="macro")),
        "harmonic_mean_recall": harmonic_mean_recall(y_true, y_pred),
        "geometric_mean_recall": geometric_mean_recall(y_true, y_pred),
        "worst_class_recall": worst_class_recall(y_true, y_pred),
    }
    for name, group in groups.items():
        report[name] = {
            "accuracy": mean_present(recalls[group]),
            "n_classes": int((~np.isnan(recalls[group])).sum()),
            "n_samples": int(np.isin(y_true, labels[group]).sum()),
        }
    if output == "dict":
        return report
    if output == "dataframe":
        return _dataframe(report)
    return _text(report, many, few)


def _text(report: dict, many: float, few: float) -> str:
    lines = [f"{title:<22} {report[key]:.3f}" for key, title in SCORES.items()]
    titles = {
        "many": f"many-shot (> {many:g})",
        "medium": "medium-shot",
        "few": f"few-shot (< {few:g})",
    }
    for name, title in titles.items():
        group = report[name]
        score = f"{group['accuracy']:.3f}" if group["n_classes"] else "-"
        sizes = f"{counted(group['n_classes'], 'class')}, {counted(group['n_samples'], 'sample')}"
        lines.append(f"{title:<22} {score:<5}  {sizes}")
    return "\n".join(lines)


def _dataframe(report: dict):
    groups = {name: report[name] for name in ("many", "medium", "few")}
    sizes = {
        size: sum(group[size] for group in groups.values()) for size in ("n_classes", "n_samples")
    }
    rows = {name: {"score": report[name], **sizes} for name in SCORES}
    for name, group in groups.items():
        rows[name] = {
            "score": group["accuracy"],
            "n_classes": group["n_classes"],
            "n_samples": group["n_samples"],
        }
    return import_pandas().DataFrame(list(rows.values()), index=list(rows))
