"""A search on a Dask cluster of two processes."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("dask")
pytest.importorskip("distributed")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="processes are killed by their group"),
]

PROGRAM = '''
"""Prints what a serial search finds, one on two workers, and one of which a worker is killed."""
import json, os, signal, sys, time
from pathlib import Path

import joblib
import numpy as np
import torch
from dask.distributed import Client, LocalCluster
from PIL import Image
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklift import LiftClassifier

N_DONE = 3


class Accuracy:
    """Kills its process after some fits, once."""

    def __init__(self, folder):
        self.folder = folder
        folder.mkdir()

    def __call__(self, clf, X, y):
        if len(list(self.folder.iterdir())) == N_DONE:
            (self.folder / "killed").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / f"{time.time_ns()}-{os.getpid()}").touch()
        return clf.score(X, y)


def search(X, y, folds, cache, scoring=None):
    clf = LiftClassifier(
        "emoji-tiny",
        init="class_mean",
        max_epochs=1,
        batch_size=8,
        random_state=0,
        compute__cache=cache,
    )
    grid = {"adapter": ["adaptformer", None], "loss__tau": [0.5, 1.0]}
    found = GridSearchCV(clf, grid, cv=folds, scoring=scoring, error_score="raise").fit(X, y)
    scores = [found.cv_results_[f"split{i}_test_score"].tolist() for i in range(len(folds))]
    state = found.best_estimator_.model_.trained_state()
    return {"scores": scores, "weights": [t.double().sum().item() for t in state.values()]}


def main():
    torch.set_num_threads(1)
    folder = Path(sys.argv[1])
    rng = np.random.default_rng(0)
    y = np.repeat(["red circle", "blue square"], [14, 10])
    pictures = rng.integers(0, 256, (24, 40, 40, 3), dtype=np.uint8)
    pictures[:14, ..., 0] //= 2
    X = np.array([str(folder / f"{i}.png") for i in range(24)])
    for path, picture in zip(X, pictures):
        Image.fromarray(picture).save(path)
    folds = list(StratifiedKFold(2, shuffle=True, random_state=0).split(X, y))
    found = {"serial": search(X, y, folds, False)}
    with LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster:
        with Client(cluster) as client:
            client.amm.stop()
            everywhere = [X, y, *(indices for fold in folds for indices in fold)]
            with joblib.parallel_config(backend="dask", scatter=everywhere):
                found["workers"] = search(X, y, folds, folder / "cache")
                found["files"] = len(list((folder / "cache").iterdir()))
                before = client.run(os.getpid).values()
                found["killed"] = search(X, y, folds, folder / "cache", Accuracy(folder / "done"))
                after = client.run(os.getpid).values()
                found["gone"] = len(set(before) - set(after))
                done = {path.name.partition("-")[2] for path in (folder / "done").iterdir()}
                found["ran_in"] = len(done - {""})
    print(json.dumps(found))


if __name__ == "__main__":
    main()
'''


@pytest.fixture(scope="module")
def found(run_program):
    return run_program(PROGRAM, timeout=180)


def test_a_search_finds_what_the_serial_one_finds(found):
    assert found["workers"] == found["serial"]
    assert found["files"] >= 1  # of the cache that the workers share


def test_a_worker_that_is_killed_changes_nothing(found):
    assert found["gone"] == 1
    assert found["ran_in"] >= 2
    assert found["killed"] == found["serial"]
