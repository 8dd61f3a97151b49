"""Cases of files, calls, epochs and searches."""

from __future__ import annotations

import tempfile

import numpy as np
from _growth_registry import CLASSES, case, fitted, head, in_folder, names, table
from scipy.stats import loguniform
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV

from sklift import LiftClassifier
from sklift._store._features import StoredFeatures


@case("save", "classes", CLASSES)
def save(n_classes):
    clf = head().fit(*_named(n_classes))
    return in_folder(lambda folder: clf.save(folder / "model"))


@case("load", "classes", CLASSES)
def load(n_classes):
    folder = tempfile.TemporaryDirectory()
    head().fit(*_named(n_classes)).save(f"{folder.name}/model")
    return lambda folder=folder: LiftClassifier.load(f"{folder.name}/model")


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
    X, y = table(120, 4)
    space = {"lr": loguniform(1e-3, 1e-1), "weight_decay": loguniform(1e-5, 1e-2)}

    def run():
        clf = RandomizedSearchCV(head(), space, n_iter=n_candidates, cv=3, random_state=0)
        clf.fit(X, y)

    return run
