#!/usr/bin/env bash
# torchmetrics 1.9.0, torch 2.14.1: what is Matthews' correlation of a classifier that always says the same?
#
# One would guess: 0, the limit as one of the others is found, and what scikit-learn gives: it tells
# nothing, and being chosen for unbalanced classes for that is the point of this coefficient.
# Seen: 0.84 if nine of ten samples are of the class that it says, 1.0 if 9,999 of 10,000 are. With a third
# class that never occurs it is 0. For a confusion matrix of 2 x 2 with an empty column, a small number
# stands for 0 in the product below, and its root above: it cancels out, and does not vanish.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet "torchmetrics==1.9.0" "torch==2.14.1" "scikit-learn==1.9.1" "numpy==2.4.6"
"$folder/venv/bin/python" - <<'PY'
import torch
from sklearn.metrics import matthews_corrcoef
from torchmetrics.functional.classification import binary_matthews_corrcoef as binary
from torchmetrics.functional.classification import multiclass_matthews_corrcoef as multiclass

for n, seen in ((10, 0.843), (10_000, 1.0)):
    truth = torch.zeros(n, dtype=torch.long)
    truth[0] = 1
    said = torch.zeros_like(truth)
    found = {
        "binary": binary(said, truth).item(),
        "2 classes": multiclass(said, truth, num_classes=2).item(),
        "3 classes": multiclass(said, truth, num_classes=3).item(),
        "scikit-learn": float(matthews_corrcoef(truth, said)),
    }
    print(f"1 of {n} is missed:", found)
    assert found["3 classes"] == found["scikit-learn"] == 0
    assert abs(found["binary"] - seen) < 0.01 and found["2 classes"] == found["binary"], "changed"
PY
