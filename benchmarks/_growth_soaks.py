"""Calls that are made again and again: what they leave behind must not grow."""

from __future__ import annotations

import tempfile

import numpy as np
from _growth_registry import fitted, head, pictures, table, tower
from matplotlib import pyplot as plt

from sklift import LiftClassifier, ZeroShotClassifier
from sklift import displays as d
from sklift import metrics as m
from sklift._store._cache import Cache


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
    """Zero-shot classifiers of other names each time, which fill the cache to its bound first."""
    rng = np.random.default_rng(0)
    ZeroShotClassifier("emoji-tiny")._load_backbone()._texts.max_bytes = 1 << 20

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
