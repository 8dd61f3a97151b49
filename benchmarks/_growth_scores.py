"""Cases of metrics and displays."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from _growth_registry import (
    CLASSES,
    FEW,
    MANY,
    N_OF_CLASSES,
    by_rows_and_classes,
    case,
    fitted,
    pictures,
    table,
)
from matplotlib import pyplot as plt

from sklift import displays as d
from sklift import metrics as m


def predictions(n: int, n_classes: int):
    """True and predicted labels, a third of them right, and training counts."""
    rng = np.random.default_rng(0)
    y = np.arange(n) % n_classes
    y_pred = np.where(rng.random(n) < 1 / 3, y, rng.integers(0, n_classes, n))
    return y, y_pred, dict(enumerate(rng.integers(1, 200, n_classes).tolist()))


def of_predictions(function: Callable):
    """A case of a function of (y_true, y_pred, counts)."""

    def prepare(n, n_classes):
        given = predictions(n, n_classes)
        return lambda: (function(*given), plt.close("all"))

    return prepare


def probabilities(n: int, n_classes: int):
    """True labels and probabilities; fewer rows where there are more classes."""
    rng = np.random.default_rng(0)
    y_proba = rng.random((n, n_classes), dtype=np.float32)
    y_proba /= y_proba.sum(axis=1, keepdims=True)
    return np.arange(n) % n_classes, y_proba, np.arange(n_classes)


def of_probabilities(function: Callable):
    """A case of a function of (y_true, y_proba, labels)."""

    def prepare(n, n_classes):
        y, y_proba, labels = probabilities(n, n_classes)
        return lambda: (function(y, y_proba, labels=labels), plt.close("all"))

    return prepare


for title, function in {
    "long_tail_report": m.long_tail_report,
    "per_class_recall_table": m.per_class_recall_table,
    "shot_accuracy_score": m.shot_accuracy_score,
    "per_class_recall": lambda y, y_pred, counts: m.per_class_recall(y, y_pred),
    "geometric_mean_recall": lambda y, y_pred, counts: m.geometric_mean_recall(y, y_pred),
    "RecallDisplay": d.RecallDisplay.from_predictions,
    "ShotAccuracyDisplay": d.ShotAccuracyDisplay.from_predictions,
    "ClassCountsDisplay": lambda y, *_: d.ClassCountsDisplay.from_labels(y),
}.items():
    by_rows_and_classes(title)(of_predictions(function))

for title, function in {
    "expected_calibration_error": m.expected_calibration_error,
    "ReliabilityDisplay": d.ReliabilityDisplay.from_predictions,
}.items():
    by_rows_and_classes(title, MANY, 4_000)(of_probabilities(function))


@by_rows_and_classes("ContactSheetDisplay", MANY, 4_000)
def contact_sheet(n, n_classes):
    y, y_proba, labels = probabilities(n, n_classes)
    X = pictures(n)

    def run():
        y_pred = y_proba.argmax(1)
        d.ContactSheetDisplay.from_predictions(X, y, y_pred, y_proba, labels=labels)
        plt.close("all")

    return run


@case("few_shot_scorer", "classes", CLASSES)
def scorer(n_classes):
    clf, given = fitted(n_classes), table(N_OF_CLASSES, n_classes)
    return lambda: m.few_shot_scorer(clf, *given)


@case("TrainingCurveDisplay", "epochs", FEW)
def curve(n_epochs):
    rows = [{"train_loss": 1 / (i + 1), "train_acc": 0.5, "lr": 0.1} for i in range(n_epochs)]
    return lambda: (d.TrainingCurveDisplay.from_history(rows), plt.close("all"))


@case("SearchResultsDisplay, a grid", "candidates", FEW, True)
@case("SearchResultsDisplay, random values", "candidates", FEW, False)
def search_results(n_candidates, is_grid):
    rng = np.random.default_rng(0)
    side = round(n_candidates**0.5)
    values = [rng.random(n_candidates) for _ in range(2)]
    if is_grid:
        values = [np.repeat(np.arange(side), side), np.tile(np.arange(side), side)]
    found = {"param_a": values[0], "param_b": values[1]}
    found["mean_test_score"] = rng.random(len(values[0]))
    return lambda: (d.SearchResultsDisplay.from_cv_results(found), plt.close("all"))
