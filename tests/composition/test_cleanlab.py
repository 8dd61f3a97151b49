"""cleanlab finds wrong labels from cross-validated probabilities."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.model_selection import cross_val_predict

pytest.importorskip("cleanlab")

from cleanlab.filter import find_label_issues


def test_exchanged_labels_are_found(task):
    codes = task.codes.copy()
    wrong = [0, np.flatnonzero(codes == 1)[3]]
    codes[wrong] = codes[wrong[::-1]]
    clf = task.make(classes=range(3), class_names=task.names)
    proba = cross_val_predict(clf, task.X, codes, cv=3, method="predict_proba")
    issues = find_label_issues(codes, proba, return_indices_ranked_by="self_confidence", n_jobs=1)
    assert set(wrong) <= set(issues.tolist()) and len(issues) < len(codes) / 4
