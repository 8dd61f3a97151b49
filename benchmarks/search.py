"""Search over head-only training against one pass of the frozen tower.

24 candidates (loss, tau, scale) x 5 folds on JPEG files, no augmentation: the time of the whole
search, divided by that of one plain pass of the same pictures through the same tower in float32,
with torchvision's transforms in a data loader. They take turns, each search with an empty cache;
the ratio is the median of the rounds.

``python benchmarks/search.py [--images 2000] [--adapter feature] [--repeats 3]``
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time

import numpy as np
from plain import jpeg_files, plain_features, random_tower
from sklearn.model_selection import GridSearchCV

from sklift import LiftClassifier


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--adapter", default="none", choices=["none", "feature"])
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder)
        paths, y = jpeg_files(folder, arguments.images)

        clf = LiftClassifier(
            name,
            pretrained=checkpoint,
            adapter=arguments.adapter,
            augmentation=None,
            head="cosine",
            init="class_mean",
            max_epochs=5,
            batch_size=32,
            random_state=0,
        )
        grid = [
            {"loss__tau": [0.25, 0.5, 0.75, 1.0], "head__scale": [15, 20, 25, 30]},
            {"loss": ["cross_entropy", "ldam"], "head__scale": [15, 20, 25, 30]},
        ]
        search = GridSearchCV(clf, grid, cv=5, scoring="balanced_accuracy", error_score="raise")
        times = []
        for _ in range(arguments.repeats):
            start = time.perf_counter()
            plain_features(name, checkpoint, paths)
            middle = time.perf_counter()
            # each search starts with an empty cache
            clf.set_params(compute__cache=os.path.join(folder, f"cache {len(times)}"))
            search.fit(paths, y)
            times.append((middle - start, time.perf_counter() - middle))
    n, times = len(search.cv_results_["params"]), np.array(times)
    plain, ours = np.median(times, axis=0)
    print(f"one plain pass over {len(paths)} pictures: {plain:.1f} s")
    print(f"search of {n} candidates x 5 folds, and the last fit: {ours:.1f} s")
    print(f"ratio: {np.median(times[:, 1] / times[:, 0]):.2f}")


if __name__ == "__main__":
    main()
