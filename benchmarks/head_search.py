"""Candidates on fixed features trained together, against one by one with two processes.

96 candidates (4 scales; 4 taus, and 4 other losses; 3 seeds) x 5 folds on 2,000 rows of 768
features, 20 long-tailed classes. One by one: ``GridSearchCV(n_jobs=2)`` on one of 12 parts of the
candidates, times 12; both sides take turns, and each ratio is of neighbours in time. For each head,
the ratio and the largest difference of a score are printed.

``python benchmarks/head_search.py [--heads auto cosine] [--rounds 3] [--epochs 24]``
"""

from __future__ import annotations

import argparse
import time

import numpy as np
from sklearn.model_selection import GridSearchCV, ParameterGrid

from sklift import HeadSearchCV, LiftClassifier

N_ROWS, N_FEATURES, N_CLASSES, N_PARTS = 2000, 768, 20, 12
SCALES, SEEDS = [15, 20, 25, 30], [0, 1, 2]
OTHERS = ["cross_entropy", "focal", "ldam", "generalized_reweight"]


def data() -> tuple[np.ndarray, np.ndarray]:
    """Rows of a long tail of classes."""
    rng = np.random.default_rng(0)
    shares = np.geomspace(1, 1 / 20, N_CLASSES)
    y = rng.choice(N_CLASSES, N_ROWS, p=shares / shares.sum())
    X = rng.normal(size=(N_CLASSES, N_FEATURES))[y] * 0.2 + rng.normal(size=(N_ROWS, N_FEATURES))
    return X.astype(np.float32), y


def timed(search, X: np.ndarray, y: np.ndarray) -> tuple[float, np.ndarray]:
    """Seconds of a search, and its scores."""
    begun = time.perf_counter()
    search.fit(X, y)
    return time.perf_counter() - begun, search.cv_results_["mean_test_score"]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--heads", nargs="+", default=["auto", "cosine", "linear"])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=24)
    arguments = parser.parse_args()
    X, y = data()
    settings = {"scoring": "balanced_accuracy", "cv": 5, "refit": False}
    for head in arguments.heads:
        clf = LiftClassifier("precomputed", head=head, max_epochs=arguments.epochs)
        scales = {} if head == "linear" else {"head__scale": SCALES}
        rates = {"lr": [0.005, 0.01, 0.02, 0.05]} if head == "linear" else {}
        if head == "auto":
            clf.set_params(head="whitened_cosine")
        common = {**scales, **rates, "random_state": SEEDS}
        grid = [{"loss__tau": [0.25, 0.5, 0.75, 1.0], **common}, {"loss": OTHERS, **common}]
        candidates = [{name: [value] for name, value in c.items()} for c in ParameterGrid(grid)]
        ratios, differences, seconds = [], [], ([], [])
        for i in range(arguments.rounds):
            part = range(i % N_PARTS, len(candidates), N_PARTS)
            some = GridSearchCV(clf, [candidates[k] for k in part], n_jobs=2, **settings)
            timed(GridSearchCV(clf, candidates[:1], n_jobs=2, **settings), X[:200], y[:200])
            one_by_one, theirs = timed(some, X, y)
            search = HeadSearchCV(clf, grid, **settings)
            together, ours = timed(search, X, y)
            assert search.n_together_ == 5 * len(candidates)
            seconds[0].append(one_by_one * N_PARTS)
            seconds[1].append(together)
            ratios.append(one_by_one * N_PARTS / together)
            differences.append(np.abs(theirs - ours[list(part)]).max())
        print(
            f"{head:8s} {len(candidates)} x 5: one by one {np.median(seconds[0]):6.1f} s   "
            f"together {np.median(seconds[1]):6.1f} s   ratio {np.median(ratios):5.1f} "
            f"({min(ratios):.1f} to {max(ratios):.1f})   scores differ by {max(differences):g}"
        )


if __name__ == "__main__":
    main()
