"""What is measured in ``growth.py``: functions that prepare a call of a size."""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
import torch
from matplotlib import pyplot as plt
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from torch import nn

import sklift._fitting._train  # noqa: F401  # all that a fit imports, before processes are forked
import sklift._persistence._codec  # noqa: F401
from sklift import ImageEmbedder, LiftClassifier, ShrunkGaussianClassifier, ZeroShotClassifier
from sklift import displays as d
from sklift import metrics as m
from sklift._store._cache import Cache
from sklift._store._features import StoredFeatures
from sklift.backbones import OwnTower

matplotlib.use("Agg")
ROWS = (1_000, 10_000, 100_000, 1_000_000)
PICTURES = (1_000, 10_000, 100_000)
FEW = (100, 1_000, 10_000)
CLASSES = (10, 100, 1_000, 8_142)
N_OF_CLASSES = 16_284  # rows while the number of classes varies: two of each at the most
WIDTH = 64


@dataclass(frozen=True)
class Case:
    """A call, prepared by a size; ``against`` says of what."""

    name: str
    against: str
    sizes: Sequence[int]
    prepare: Callable[[int], Callable[[], object]]


CASES: dict[str, Case] = {}


def case(name: str, against: str, sizes: Sequence[int], *given):
    """Add a case; ``given`` are arguments of the function behind the size."""

    def add(prepare):
        key = f"{name} / {against}"
        assert key not in CASES
        CASES[key] = Case(name, against, sizes, lambda size: prepare(size, *given))
        return prepare

    return add


def by_rows_and_classes(name: str, sizes: Sequence[int] = ROWS, n: int = N_OF_CLASSES):
    """Add a case of rows (of 10 classes) and one of classes: ``prepare(n_rows, n_classes)``."""

    def add(prepare):
        case(name, "rows", sizes, 10)(prepare)
        case(name, "classes", CLASSES)(lambda size: prepare(n, size))
        return prepare

    return add


def table(n: int, n_classes: int, width: int = WIDTH):
    """Features, float32, and labels, each as often as the others."""
    X = np.random.default_rng(0).standard_normal((n, width), dtype=np.float32)
    y = np.arange(n) % n_classes
    X += 0.5 * np.random.default_rng(1).standard_normal((n_classes, width), np.float32)[y]
    return X, y


def names(n_classes: int) -> np.ndarray:
    """Names of two words."""
    return np.array([f"Genus{i // 90} species{chr(97 + i % 26)}{i}" for i in range(n_classes)])


def head(**params) -> LiftClassifier:
    """A classifier on features; one epoch, so that its number does not follow the rows."""
    given = {"max_epochs": 1, "random_state": 0, "compute__precision": "float32", **params}
    return LiftClassifier("precomputed", **given)


def tower() -> OwnTower:
    """A backbone that costs nothing: the mean colours of 16 patches."""
    half = (0.5, 0.5, 0.5)
    return OwnTower(nn.Sequential(nn.AvgPool2d(4), nn.Flatten()), 16, half, half)


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Small pictures of noise."""
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def in_folder(run: Callable[[Path], object]) -> Callable[[], object]:
    """A call with an empty folder."""

    def call():
        with tempfile.TemporaryDirectory() as folder:
            return run(Path(folder))

    return call


# --- estimators -----------------------------------------------------------------------------------


@by_rows_and_classes("fit")
def fit(n, n_classes, **params):
    X, y = table(n, n_classes)

    def run():
        head(**params).fit(X, y)

    return run


@by_rows_and_classes("fit, validation part", PICTURES)
def fit_held_out(n, n_classes):
    return fit(n, n_classes, validation_fraction=0.2, early_stopping=True)


@by_rows_and_classes("fit, sampler and weights", PICTURES)
def fit_drawn(n, n_classes):
    X, y = table(n, n_classes)
    weight = np.random.default_rng(0).uniform(0.5, 2, n)
    return lambda: head(sampler="balanced", loss="class_balanced").fit(X, y, weight) and None


@by_rows_and_classes("fit, labels of text", PICTURES)
def fit_text(n, n_classes):
    X, y = table(n, n_classes)
    y = names(n_classes)[y]
    return lambda: head().fit(X, y) and None


@by_rows_and_classes("fit, linear head, checkpoint", PICTURES)
def fit_checkpoint(n, n_classes):
    X, y = table(n, n_classes)
    return in_folder(lambda folder: head(head="linear", checkpoint=folder).fit(X, y) and None)


@by_rows_and_classes("partial_fit")
def partial_fit(n, n_classes):
    X, y = table(n, n_classes)
    return lambda: head().partial_fit(X, y, classes=np.arange(n_classes)) and None


def fitted(n_classes: int, **params) -> LiftClassifier:
    """Fitted on few rows."""
    return head(**params).fit(*table(2 * n_classes, n_classes))


@by_rows_and_classes("predict")
def predict(n, n_classes):
    clf, X = fitted(n_classes), table(n, n_classes)[0]
    return lambda: clf.predict(X)


@by_rows_and_classes("predict, target prior", PICTURES)
def predict_prior(n, n_classes):
    clf, X = fitted(n_classes, target_prior="balanced"), table(n, n_classes)[0]
    return lambda: clf.predict(X)


@by_rows_and_classes("predict_proba", PICTURES)
def predict_proba(n, n_classes):
    clf, X = fitted(n_classes), table(n, n_classes)[0]
    return lambda: clf.predict_proba(X)


@by_rows_and_classes("estimate_prior", PICTURES, 4_000)
def estimate_prior(n, n_classes):
    clf, X = fitted(n_classes), table(n, n_classes)[0]
    return lambda: clf.estimate_prior(X)


@by_rows_and_classes("ShrunkGaussianClassifier.fit")
def gaussian_fit(n, n_classes):
    X, y = table(n, n_classes)
    return lambda: ShrunkGaussianClassifier().fit(X, y) and None


@by_rows_and_classes("ShrunkGaussianClassifier.predict")
def gaussian_predict(n, n_classes):
    clf = ShrunkGaussianClassifier().fit(*table(2 * n_classes, n_classes))
    X = table(n, n_classes)[0]
    return lambda: clf.predict(X)


# --- pictures -------------------------------------------------------------------------------------


@case("transform", "rows", PICTURES, False)
@case("transform, new cache in memory", "rows", PICTURES, "memory")
@case("transform, new cache in a folder", "rows", PICTURES, "folder")
def transform(n, cache):
    X, own = pictures(n), tower()
    est = ImageEmbedder(own, compute__cache=False).fit()
    if cache == "folder":
        return in_folder(lambda folder: est.set_params(compute__cache=folder).transform(X))
    if cache == "memory":
        return lambda: est.set_params(compute__cache=Cache.in_memory()).transform(X)
    return lambda: est.transform(X)


@case("transform, from a folder", "rows", PICTURES)
def transform_again(n):
    X, folder = pictures(n), tempfile.TemporaryDirectory()
    est = ImageEmbedder(tower(), compute__cache=folder.name).fit()
    est.transform(X)
    return lambda folder=folder: est.transform(X)


@case("fit on pictures, frozen tower", "rows", PICTURES)
def fit_pictures(n):
    X, y, own = pictures(n), np.arange(n) % 10, tower()
    clf = LiftClassifier(own, max_epochs=1, random_state=0, adapter=None, augmentation=None)
    return lambda: clf.set_params(compute__cache=Cache.in_memory()).fit(X, y) and None


@case("fit on pictures, augmented", "rows", FEW)
def fit_augmented(n):
    X, y = pictures(n), np.arange(n) % 10
    clf = LiftClassifier(tower(), max_epochs=1, random_state=0, adapter=None, compute__cache=False)
    return lambda: clf.fit(X, y) and None


@case("predict pictures", "rows", PICTURES)
def predict_pictures(n):
    clf = LiftClassifier(tower(), max_epochs=1, adapter=None, compute__cache=False)
    clf.fit(pictures(20), np.arange(20) % 10)
    X = pictures(n)
    return lambda: clf.predict(X)


@case("ZeroShotClassifier.fit", "classes", CLASSES, "a photo of a {}.")
@case("ZeroShotClassifier.fit, 7 prompts", "classes", CLASSES[:3], "imagenet-simple")
def zero_shot(n_classes, prompts):
    y = names(n_classes)
    return lambda: ZeroShotClassifier("emoji-tiny", prompts=prompts).fit(None, y) and None


# --- files ----------------------------------------------------------------------------------------


@case("save", "classes", CLASSES)
def save(n_classes):
    clf = head().fit(*_named(n_classes))
    return in_folder(lambda folder: clf.save(folder / "model"))


@case("load", "classes", CLASSES)
def load(n_classes):
    folder = tempfile.TemporaryDirectory()
    head().fit(*_named(n_classes)).save(f"{folder.name}/model")
    return lambda folder=folder: LiftClassifier.load(f"{folder.name}/model") and None


def _named(n_classes):
    X, y = table(2 * n_classes, n_classes)
    return X, names(n_classes)[y]


@case("save and load", "calls", (10, 100, 1_000))
def save_and_load(n_calls):
    clf = fitted(5)

    def run(folder):
        for _ in range(n_calls):
            clf.save(folder / "model")
            LiftClassifier.load(folder / "model")

    return in_folder(run)


# --- calls, epochs and candidates -----------------------------------------------------------------


@case("partial_fit", "calls", (30, 300, 3_000))
def many_partial_fits(n_calls):
    X, y = table(16, 2)

    def run():
        clf = head()
        for _ in range(n_calls):
            clf.partial_fit(X, y, classes=[0, 1])

    return run


@case("fit", "epochs", (30, 300, 3_000))
@case("fit, checkpoint", "epochs", (10, 100, 1_000), True)
def many_epochs(n_epochs, checkpoint=False):
    X, y = table(64, 4)

    def run(folder):
        kept = folder if checkpoint else None
        head(max_epochs=n_epochs, checkpoint=kept, lr=1e-4).fit(X, y)

    return in_folder(run)


@case("features added to a folder", "calls", (30, 300, 3_000))
def many_adds(n_calls):
    rows = np.random.default_rng(0).standard_normal((8, 256), dtype=np.float32)

    def run(folder):
        store = StoredFeatures(folder)
        for i in range(n_calls):
            store.add({f"{i} {k}".encode(): row for k, row in enumerate(rows)})

    return in_folder(run)


@case("predict a row", "calls", (100, 1_000, 10_000))
def many_predicts(n_calls):
    clf, X = fitted(5), table(1, 1)[0]

    def run():
        for _ in range(n_calls):
            clf.predict(X)

    return run


@case("search", "candidates", (4, 16, 64))
@case("search, one checkpoint folder", "candidates", (4, 16, 64), True)
def search(n_candidates, checkpoint=False):
    X, y = table(120, 4)
    grid = {"lr": np.geomspace(1e-3, 1e-1, n_candidates)}

    def run(folder):
        clf = head(checkpoint=folder if checkpoint else None)
        GridSearchCV(clf, grid, cv=3, refit=False).fit(X, y)

    return in_folder(run)


@case("RandomizedSearchCV", "candidates", (4, 16, 64))
def randomized(n_candidates):
    from scipy.stats import loguniform

    X, y = table(120, 4)
    space = {"lr": loguniform(1e-3, 1e-1), "weight_decay": loguniform(1e-5, 1e-2)}

    def run():
        clf = RandomizedSearchCV(head(), space, n_iter=n_candidates, cv=3, random_state=0)
        clf.fit(X, y)

    return run


# --- metrics --------------------------------------------------------------------------------------


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
        return lambda: (function(*given), plt.close("all")) and None

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
        return lambda: (function(y, y_proba, labels=labels), plt.close("all")) and None

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
    by_rows_and_classes(title, PICTURES, 4_000)(of_probabilities(function))


@by_rows_and_classes("ContactSheetDisplay", PICTURES, 4_000)
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
    return lambda: m.few_shot_scorer(clf, *given) and None


@case("TrainingCurveDisplay", "epochs", FEW)
def curve(n_epochs):
    rows = [{"train_loss": 1 / (i + 1), "train_acc": 0.5, "lr": 0.1} for i in range(n_epochs)]
    return lambda: (d.TrainingCurveDisplay.from_history(rows), plt.close("all")) and None


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
    return lambda: (d.SearchResultsDisplay.from_cv_results(found), plt.close("all")) and None


# --- the same again and again ---------------------------------------------------------------------


def soak_fits():
    """Fits on other features each time, with a validation part and checkpoints."""
    folder = tempfile.TemporaryDirectory()

    def once(i):
        X, y = table(200, 4)
        clf = head(random_state=i, max_epochs=2, early_stopping=True, checkpoint=folder.name)
        clf.fit(X + i, y)

    return once


def soak_fits_of_pictures():
    """Fits with an adapter on other pictures each time."""
    X = np.random.default_rng(0).integers(0, 256, (8, 40, 40, 3), dtype=np.uint8)
    given = {"max_epochs": 1, "batch_size": 8, "compute__precision": "float32"}

    def once(i):
        clf = LiftClassifier("emoji-tiny", init="class_mean", random_state=i, **given)
        clf.fit(X ^ np.uint8(i), ["a", "b"] * 4)

    return once


def soak_predicts():
    """Predictions for other pictures each time, which fill the cache to its bound first."""
    clf = LiftClassifier(tower(), max_epochs=1, adapter=None, random_state=0)
    clf.fit(pictures(20), np.arange(20) % 4)
    clf.set_params(compute__cache=_small_cache())
    return lambda i: clf.predict_proba(pictures(64, i))


def soak_text():
    """Zero-shot classifiers of other names each time."""
    rng = np.random.default_rng(0)

    def once(i):
        y = [f"animal {k}" for k in rng.integers(0, 2**31, 100)]
        ZeroShotClassifier("emoji-tiny").fit(None, y)

    return once


def soak_files():
    """Save, load, predict, a report and a plot."""
    clf, (X, y) = fitted(5), table(100, 5)
    folder = tempfile.TemporaryDirectory()

    def once(i):
        clf.save(f"{folder.name}/model")
        y_pred = LiftClassifier.load(f"{folder.name}/model").predict(X)
        counts = dict(zip(clf.classes_.tolist(), clf.class_counts_.tolist(), strict=True))
        m.long_tail_report(y, y_pred, counts)
        d.RecallDisplay.from_predictions(y, y_pred, counts)
        plt.close("all")

    return once


def _small_cache() -> Cache:
    cache = Cache.in_memory()
    for store in (cache.features, cache.tokens, cache.pictures):
        store.max_bytes = 1 << 20
    return cache


SOAKS = {
    "fits on features": (soak_fits, 200),
    "fits on pictures": (soak_fits_of_pictures, 200),
    "predictions": (soak_predicts, 1_000),
    "zero-shot classifiers of other names": (soak_text, 200),
    "save, load, report and plot": (soak_files, 200),
}


def prepare_process() -> None:
    """One thread, no warnings: what is forked from here on."""
    torch.set_num_threads(1)
    warnings.simplefilter("ignore")
