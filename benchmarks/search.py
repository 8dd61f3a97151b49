"""A search over head-only training against one pass of the frozen tower.

24 candidates (loss, tau, scale) x 5 folds on JPEG files, no augmentation: what the whole search
takes, divided by one plain pass of the same pictures through the same tower in float32, with
torchvision's transforms in a data loader.

``python benchmarks/search.py [--images 2000] [--adapter feature]``
"""

from __future__ import annotations

import argparse
import tempfile
import time

from plain import jpeg_files, plain_features, random_tower
from sklearn.model_selection import GridSearchCV

from sklift import LiftClassifier


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=2000)
    parser.add_argument("--adapter", default="none", choices=["none", "feature"])
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder)
        paths, y = jpeg_files(folder, arguments.images)

        start = time.perf_counter()
        plain_features(name, checkpoint, paths)
        plain = time.perf_counter() - start

        clf = LiftClassifier(
            name,
            pretrained=checkpoint,
            adapter=arguments.adapter,
            augmentation=None,
            init="class_mean",
            batch_size=32,
            random_state=0,
        )
        grid = [
            {"loss__tau": [0.25, 0.5, 0.75, 1.0], "head__scale": [15, 20, 25, 30]},
            {"loss": ["cross_entropy", "ldam"], "head__scale": [15, 20, 25, 30]},
        ]
        start = time.perf_counter()
        search = GridSearchCV(clf, grid, cv=5, scoring="balanced_accuracy", error_score="raise")
        search.fit(paths, y)
        ours = time.perf_counter() - start
    n = len(search.cv_results_["params"])
    print(f"one plain pass over {len(paths)} pictures: {plain:.1f} s")
    print(f"search of {n} candidates x 5 folds, and the last fit: {ours:.1f} s")
    print(f"ratio: {ours / plain:.2f}")


if __name__ == "__main__":
    main()
