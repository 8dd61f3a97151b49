"""Scores of each class, beside its training count and its group."""

from __future__ import annotations

import numpy as np

from ..metrics import per_class_recall_table, per_class_scores


def class_table(y_true, y_pred, class_counts, called, many, few) -> dict[str, np.ndarray]:
    """Scores of each class, the most frequent first."""
    recalls = per_class_recall_table(y_true, y_pred, class_counts, many=many, few=few)
    scores = per_class_scores(y_true, y_pred, labels=recalls["label"])
    names = np.array([called(label) for label in recalls["label"].tolist()], dtype=str)
    table = {"name": names, "n_train": recalls["n_train"], "group": recalls["group"], **scores}
    order = np.lexsort((names, -recalls["n_train"]))
    return {column: values[order] for column, values in table.items()}
