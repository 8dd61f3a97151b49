#!/usr/bin/env bash
# scikit-learn 1.9.1: does cross_val_predict(method="predict_proba") pass the labels of several columns on?
#
# One would guess: a column of ones (a label that every sample has) has a probability of about 1, as
# after fit.
# Seen: it is 0, without a warning. Each column is encoded by a LabelEncoder of its own, which makes
# zeros of a column of ones: the classifier learns that no sample has the label. method="predict" is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "scikit-learn==1.9.1"
"$folder/venv/bin/python" - <<'PY'
import warnings

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_predict
from sklearn.multiclass import OneVsRestClassifier

warnings.simplefilter("ignore")  # of a label that all samples have
rng = np.random.default_rng(0)
X = rng.normal(size=(60, 4))
Y = np.column_stack([X[:, :2] > 0, np.ones(60)]).astype(int)
classifier = OneVsRestClassifier(LogisticRegression())
fitted = classifier.fit(X, Y).predict_proba(X)[:, 2]
crossed = cross_val_predict(classifier, X, Y, cv=3, method="predict_proba")[:, 2]
print("fit:", fitted.min(), " cross_val_predict:", crossed.max())
assert fitted.min() == 1 and crossed.max() == 0, "changed"
assert cross_val_predict(classifier, X, Y, cv=3)[:, 2].all(), "changed"
PY
