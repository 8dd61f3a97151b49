"""Overhead of a grid search over the training and scoring that it consists of.

4 candidates x 3 folds and the last fit by GridSearchCV, against the same fits and scorings one by
one on the same net: the sum of the epochs' own durations and of the scoring forwards. ViT-S/16,
random weights, AdaptFormer in all blocks, views drawn anew, JPEG files.

They take turns; the ratio is the median of the rounds.

``python benchmarks/grid.py [--images 160] [--repeats 3]``
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
from plain import jpeg_files, random_tower
from sklearn.base import clone
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, ParameterGrid, StratifiedKFold

from sklift import LiftClassifier


def main() -> None:
    """Print both times and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder)
        paths, y = jpeg_files(folder, arguments.images, n_classes=5)
        clf = LiftClassifier(
            name, pretrained=checkpoint, init="random", batch_size=32, max_epochs=1, random_state=0
        )
        grid = {"loss__tau": [0.5, 1.0], "head__scale": [20, 30]}
        folds = StratifiedKFold(3)
        clone(clf).fit(paths, y).predict(paths)  # both start with a warm cache

        def steps() -> float:
            total = 0.0
            for params in ParameterGrid(grid):
                for train, test in folds.split(paths, y):
                    fitted = clone(clf).set_params(**params).fit(paths[train], y[train])
                    total += sum(epoch["dur"] for epoch in fitted.history_)
                    start = time.perf_counter()
                    balanced_accuracy_score(y[test], fitted.predict(paths[test]))
                    total += time.perf_counter() - start
            return total + sum(epoch["dur"] for epoch in clone(clf).fit(paths, y).history_)

        def search() -> float:
            start = time.perf_counter()
            found = GridSearchCV(clf, grid, cv=folds, scoring="balanced_accuracy")
            found.fit(paths, y)
            return time.perf_counter() - start

        times = np.array([(steps(), search()) for _ in range(arguments.repeats)])
    bare, whole = np.median(times, axis=0)
    ratio = np.median(times[:, 1] / times[:, 0])
    print(f"steps and scorings {bare:.1f} s, search {whole:.1f} s, ratio {ratio:.3f}")


if __name__ == "__main__":
    main()
