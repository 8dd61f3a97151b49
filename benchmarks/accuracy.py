"""Accuracy of classifiers on pictures and on the features of frozen towers, in one table.

Sets: the emoji of the package; and any pictures of yours, listed in a CSV table with the columns
``path`` (below the folder of the table), ``label`` and ``split`` ("train" or "test"): whole, with
imbalance ratios, and a number of pictures drawn from them. Another column can be the label. Of
``--seeds`` seeds each, balanced accuracy, that of many-, medium- and few-shot classes, negative
log-likelihood, calibration error and seconds of fit.

Methods on features: scikit-learn's logistic regression (C chosen by cross-validation, with and
without balanced weights), linear discriminant analysis with shrinkage, nearest class mean;
``ShrunkGaussianClassifier``; ``LiftClassifier`` with the presets of the papers, with its defaults,
with single parameters changed, and with what a subset leaves out as pictures without labels. With
``--tower``, also on the pictures: names without training, the presets, and the defaults, which is
slow.

Features are computed once, and kept in a folder beside ``--results``. Each result is a line of that
file, which a second run goes on with.

``python benchmarks/accuracy.py [--table pictures/labels.csv] [--label label] [--imbalance 10 50]
[--drawn 500] [--backbone timm/vit_tiny_patch16_224] [--pretrained weights.safetensors]
[--seeds 5] [--tower] [--sets emoji] [--methods defaults]``
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

from sklift import (
    ImageEmbedder,
    LiftClassifier,
    ShrunkGaussianClassifier,
    ZeroShotClassifier,
)
from sklift.datasets import load_emoji, make_long_tailed
from sklift.metrics import expected_calibration_error, shot_accuracy_score
from sklift.presets import LIFT, LIFT_PLUS

REST = "defaults, the rest unlabeled"


@dataclass
class Sample:
    """Pictures, labels and features of a set, and parameters of estimators of its pictures."""

    name: str
    pictures: Sequence
    y: np.ndarray
    X: np.ndarray
    test_pictures: Sequence
    y_test: np.ndarray
    X_test: np.ndarray
    tower: dict
    X_rest: np.ndarray | None = None  # of pictures that are left out of a subset

    def subset(self, name: str, rows: np.ndarray) -> Sample:
        """The sample with fewer training pictures, and the test pictures of their classes."""
        y = self.y[rows]
        known = np.flatnonzero(np.isin(self.y_test, y))
        return Sample(
            f"{self.name}, {name}",
            [self.pictures[i] for i in rows],
            y,
            self.X[rows],
            [self.test_pictures[i] for i in known],
            self.y_test[known],
            self.X_test[known],
            self.tower,
            np.delete(self.X, rows, axis=0),
        )


def logistic(y: np.ndarray, class_weight: str | None) -> BaseEstimator:
    """Logistic regression whose C is chosen by cross-validation."""
    probe = LogisticRegression(max_iter=300, class_weight=class_weight)
    folds = StratifiedKFold(3) if np.unique(y, return_counts=True)[1].min() > 2 else KFold(3)
    grid = {"logisticregression__C": [0.01, 0.1, 1, 10]}
    scoring = "balanced_accuracy" if class_weight else "accuracy"
    return GridSearchCV(make_pipeline(StandardScaler(), probe), grid, scoring=scoring, cv=folds)


def on_features(y: np.ndarray, seed: int) -> dict[str, Callable[[], BaseEstimator]]:
    """Name and maker of each method; those that draw nothing have one seed."""
    n_classes = len(np.unique(y))

    def lift(**params):
        return lambda: LiftClassifier("precomputed", random_state=seed, **params)

    trained = {
        "LIFT": lift(**LIFT | {"adapter": None}),
        "LIFT_PLUS": lift(**LIFT_PLUS | {"adapter": None}),
        "defaults": lift(),
        "defaults, head='cosine'": lift(head="cosine"),
        "defaults, head='linear'": lift(head="linear"),
    }
    if seed:
        return trained
    equal = np.full(n_classes, 1 / n_classes)
    return {
        "logistic regression": lambda: logistic(y, None),
        "logistic regression, balanced": lambda: logistic(y, "balanced"),
        "LDA, shrinkage": lambda: LinearDiscriminantAnalysis("lsqr", "auto", priors=equal),
        "nearest class mean": lambda: make_pipeline(StandardScaler(), NearestCentroid()),
        "shrunk Gaussian": ShrunkGaussianClassifier,
        **trained,
    }


def on_pictures(tower: dict, seed: int) -> dict[str, Callable[[], BaseEstimator]]:
    """Name and maker of each method that takes pictures."""

    def lift(**params):
        return lambda: LiftClassifier(random_state=seed, **tower | params)

    makers = {"tower, LIFT_PLUS": lift(**LIFT_PLUS), "tower, defaults": lift()}
    if "prompts" in tower and not seed:
        makers["names alone"] = lambda: ZeroShotClassifier(**tower)
    return makers


def emoji() -> Sample:
    """The emoji, and their features."""
    train, test = load_emoji("train"), load_emoji("test")
    embedder = ImageEmbedder("emoji-tiny").fit()
    X, X_test = embedder.transform(train.images), embedder.transform(test.images)
    tower = {"backbone": "emoji-tiny", "prompts": "an emoji of {}"}
    both = (train.images, train.target, X), (test.images, test.target, X_test)
    return Sample("emoji", *both[0], *both[1], tower)


def listed(arguments) -> Iterator[Sample]:
    """The pictures in a table: whole, with imbalance ratios, and some of them."""
    table = pd.read_csv(arguments.table)
    paths = [str(Path(arguments.table).parent / path) for path in table["path"]]
    cache = Path(arguments.results).with_suffix(".cache")  # a folder
    tower = {"pretrained": arguments.pretrained, "compute__cache": cache}
    X = ImageEmbedder(arguments.backbone, verbose=1, **tower).fit_transform(paths)
    y = table[arguments.label].to_numpy(dtype=str)
    parts = (np.flatnonzero(table["split"] == part) for part in ("train", "test"))
    both = [([paths[i] for i in rows], y[rows], X[rows]) for rows in parts]
    name = f"pictures, {arguments.label}"
    whole = Sample(name, *both[0], *both[1], tower | {"backbone": arguments.backbone})
    yield whole
    every = np.arange(len(whole.y))
    for ratio in arguments.imbalance:
        rows, _ = make_long_tailed(every, whole.y, ratio, random_state=0)
        yield whole.subset(f"ratio {ratio:g}", rows)
    for n in arguments.drawn:
        yield whole.subset(f"{n} of them", np.random.default_rng(0).permutation(every)[:n])


def figures(method: BaseEstimator, X, y, X_test, y_test, **more) -> dict[str, float]:
    """What a method reaches, in percent, and the seconds of its fit. ``more``: for ``fit``."""
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        warnings.simplefilter("ignore", UserWarning)  # few members of a class
        method.fit(X, y, **more)
    seconds = time.perf_counter() - start
    P = method.predict_proba(X_test) if hasattr(method, "predict_proba") else None
    predicted = method.predict(X_test) if P is None else method.classes_[P.argmax(axis=1)]
    counts = dict(zip(*np.unique(y, return_counts=True), strict=True))
    known = np.isin(y_test, list(counts))
    shots = shot_accuracy_score(y_test[known], predicted[known], counts)
    row = {
        "accuracy": 100 * accuracy_score(y_test, predicted),
        "balanced": 100 * balanced_accuracy_score(y_test, predicted),
        **{name: 100 * value for name, value in shots.items()},
    }
    if P is not None:
        P = P[known]
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
    parser.add_argument("--drawn", type=int, nargs="*", default=[])
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--tower", action="store_true")
    parser.add_argument("--sets", nargs="*", help="names of sets, the others are left out")
    parser.add_argument("--methods", nargs="*", help="names of methods, the others are left out")
    parser.add_argument("--results", default="accuracy.jsonl")
    arguments = parser.parse_args()
    file = Path(arguments.results)
    lines = file.read_text(encoding="utf-8").splitlines() if file.exists() else []
    results = [json.loads(line) for line in lines]
    done = {(row["set"], row["method"], row["seed"]) for row in results}
    samples = [emoji(), *(listed(arguments) if arguments.table else ())]
    samples = [s for s in samples if not arguments.sets or s.name in arguments.sets]
    with file.open("a", encoding="utf-8") as out:
        for seed in range(arguments.seeds):
            for sample in samples:
                rows = (sample.X, sample.y, sample.X_test, sample.y_test)
                makers = {k: (make, rows) for k, make in on_features(sample.y, seed).items()}
                unlabeled = {}
                if sample.X_rest is not None:
                    makers[REST] = makers["defaults"]
                    unlabeled[REST] = {"unlabeled": sample.X_rest}
                if arguments.tower:
                    rows = (sample.pictures, sample.y, sample.test_pictures, sample.y_test)
                    makers |= {k: (m, rows) for k, m in on_pictures(sample.tower, seed).items()}
                wanted = arguments.methods or makers
                for method in filter(makers.__contains__, wanted):
                    make, data = makers[method]
                    more = unlabeled.get(method, {})
                    if (sample.name, method, seed) not in done:
                        row = {"set": sample.name, "method": method, "seed": seed}
                        row |= {k: float(v) for k, v in figures(make(), *data, **more).items()}
                        results.append(row)
                        print(json.dumps(row), file=out, flush=True)
    groups = pd.DataFrame(results).groupby(["set", "method"], sort=False)
    table = groups.mean(numeric_only=True).drop(columns="seed").round(2)
    table.insert(2, "±", groups["balanced"].std().round(2))
    print(table.to_string())


if __name__ == "__main__":
    main()
