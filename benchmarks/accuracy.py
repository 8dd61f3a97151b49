"""Accuracy of classifiers on the features of frozen towers: sets x methods x seeds, in one table.

Sets: the emoji of the package; and any pictures of yours, listed in a CSV table with the columns
``path`` (below the folder of the table), ``label`` and ``split`` ("train" or "test"), whole and
with imbalance ratios. Another column can be the label. Of 5 seeds each, balanced accuracy, that of
many-, medium- and few-shot classes, negative log-likelihood, calibration error and seconds of fit.

Methods: scikit-learn's logistic regression (C chosen by cross-validation, with and without balanced
weights), linear discriminant analysis with shrinkage, nearest class mean; ``LiftClassifier`` on
features with the presets of the papers, with its defaults, and with single parameters changed.

Features are computed once. Each result is a line in ``--results``, which a second run goes on with.

``python benchmarks/accuracy.py [--table pictures/labels.csv] [--label label] [--imbalance 10 50]
[--backbone timm/vit_tiny_patch16_224] [--pretrained weights.safetensors] [--seeds 5]``
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, KFold, StratifiedKFold
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklift import ImageEmbedder, LiftClassifier, ShrunkGaussianClassifier
from sklift.datasets import load_emoji, make_long_tailed
from sklift.metrics import expected_calibration_error, shot_accuracy_score
from sklift.presets import LIFT, LIFT_PLUS

Sample = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]  # X_train, y_train, X_test, y_test


def logistic(y: np.ndarray, class_weight: str | None) -> BaseEstimator:
    """Logistic regression whose C is chosen by cross-validation."""
    probe = LogisticRegression(max_iter=300, class_weight=class_weight)
    folds = StratifiedKFold(3) if np.unique(y, return_counts=True)[1].min() > 2 else KFold(3)
    grid = {"logisticregression__C": [0.01, 0.1, 1, 10]}
    scoring = "balanced_accuracy" if class_weight else "accuracy"
    return GridSearchCV(make_pipeline(StandardScaler(), probe), grid, scoring=scoring, cv=folds)


def methods(y: np.ndarray, seed: int) -> dict[str, Callable[[], BaseEstimator]]:
    """Name and maker of each method; those that draw nothing have one seed."""
    n_classes = len(np.unique(y))

    def lift(**params):
        return lambda: LiftClassifier("precomputed", random_state=seed, **params)

    trained = {
        "LIFT": lift(**LIFT | {"adapter": None}),
        "LIFT_PLUS": lift(**LIFT_PLUS | {"adapter": None}),
        "defaults": lift(),
        "head='auto'": lift(head="auto"),
        "the same, 10 epochs of batch 32": lift(head="auto", max_epochs=10, batch_size=32, lr=0.01),
        "head='linear'": lift(head="linear"),
    }
    if seed:
        return trained
    equal = np.full(n_classes, 1 / n_classes)
    return {
        "logistic regression": lambda: logistic(y, None),
        "logistic regression, balanced": lambda: logistic(y, "balanced"),
        "shrunk Gaussian": ShrunkGaussianClassifier,
        "LDA, shrinkage": lambda: LinearDiscriminantAnalysis("lsqr", "auto", priors=equal),
        "nearest class mean": lambda: make_pipeline(StandardScaler(), NearestCentroid()),
        **trained,
    }


def emoji() -> Sample:
    """Features of the emoji."""
    train, test = load_emoji("train"), load_emoji("test")
    embedder = ImageEmbedder("emoji-tiny").fit()
    X, X_test = embedder.transform(train.images), embedder.transform(test.images)
    return X, train.target, X_test, test.target


def listed(arguments) -> Iterator[tuple[str, Sample]]:
    """Features of the pictures in a table, whole and with imbalance ratios."""
    table = pd.read_csv(arguments.table)
    paths = [str(Path(arguments.table).parent / path) for path in table["path"]]
    tower = {"pretrained": arguments.pretrained, "compute__cache": "folder"}
    X = ImageEmbedder(arguments.backbone, verbose=1, **tower).fit_transform(paths)
    y = table[arguments.label].to_numpy(dtype=str)
    train, test = np.flatnonzero(table["split"] == "train"), table["split"] == "test"
    yield "pictures", (X[train], y[train], X[test], y[test])
    for ratio in arguments.imbalance:
        rows, labels = make_long_tailed(train, y[train], ratio, random_state=0)
        yield f"pictures, ratio {ratio}", (X[rows], labels, X[test], y[test])


def figures(method: BaseEstimator, sample: Sample) -> dict[str, float]:
    """What a method reaches, in percent, and the seconds of its fit."""
    X, y, X_test, y_test = sample
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)  # classes of fewer members than folds
        method.fit(X, y)
    seconds = time.perf_counter() - start
    predicted = method.predict(X_test)
    counts = dict(zip(*np.unique(y, return_counts=True), strict=True))
    known = np.isin(y_test, list(counts))
    shots = shot_accuracy_score(y_test[known], predicted[known], counts)
    row = {
        "accuracy": 100 * accuracy_score(y_test, predicted),
        "balanced": 100 * balanced_accuracy_score(y_test, predicted),
        **{name: 100 * value for name, value in shots.items()},
    }
    if hasattr(method, "predict_proba"):
        P = method.predict_proba(X_test[known])
        true = P[np.arange(len(P)), np.searchsorted(method.classes_, y_test[known])]
        row["nll"] = -np.log(true.clip(1e-12)).mean()
        error = expected_calibration_error(y_test[known], P, labels=method.classes_)
        row["calibration error"] = 100 * error
    return {**row, "seconds": seconds}


def main() -> None:
    """Compute what is missing in the results, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table")
    parser.add_argument("--label", default="label")
    parser.add_argument("--imbalance", type=float, nargs="*", default=[10, 50])
    parser.add_argument("--backbone", default="ViT-B-16")
    parser.add_argument("--pretrained", default="auto")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--results", default="accuracy.jsonl")
    arguments = parser.parse_args()
    file = Path(arguments.results)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    results = [json.loads(line) for line in lines]
    done = {(row["set"], row["method"], row["seed"]) for row in results}
    sets = {"emoji": emoji()}
    if arguments.table:
        sets |= {f"{name}, {arguments.label}": sample for name, sample in listed(arguments)}
    with file.open("a", encoding="utf-8") as out:
        for name, sample in sets.items():
            for seed in range(arguments.seeds):
                for method, make in methods(sample[1], seed).items():
                    if (name, method, seed) not in done:
                        row = {"set": name, "method": method, "seed": seed}
                        found = figures(make(), sample)
                        row |= {k: float(v) for k, v in found.items()}
                        results.append(row)
                        print(json.dumps(row), file=out, flush=True)
    groups = pd.DataFrame(results).groupby(["set", "method"], sort=False)
    table = groups.mean(numeric_only=True).drop(columns="seed").round(2)
    table.insert(2, "±", groups["balanced"].std().round(2))
    print(table.to_string())


if __name__ == "__main__":
    main()
