"""Search on a Dask cluster of two processes: equal to the serial one, also where one is killed.

Paths, labels and the indices of the folds are scattered to every worker, so that no worker is the
only one with them; frozen features are kept in a folder that the workers share.

``python benchmarks/dask_search.py [--images 120]``
"""

from __future__ import annotations

import argparse
import os
import signal
import tempfile
import time
from pathlib import Path

import joblib
import numpy as np
import torch
from dask.distributed import Client, LocalCluster
from PIL import Image
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import GridSearchCV, StratifiedKFold

from sklift import LiftClassifier
from sklift.datasets import load_emoji


def emoji_files(folder: Path, n: int):
    """Paths of n emoji with one of the four most frequent labels, and the labels."""
    X, y = load_emoji("train", return_X_y=True)
    labels, counts = np.unique(y, return_counts=True)
    frequent = np.flatnonzero(np.isin(y, labels[np.argsort(-counts)[:4]]))
    chosen = np.random.default_rng(0).permutation(frequent)[:n]
    paths = np.array([str(folder / f"{i}.png") for i in chosen])
    for path, i in zip(paths, chosen, strict=True):
        Image.fromarray(X[i]).save(path)
    return paths, y[chosen]


class KillOnce:
    """A scorer that kills its process, by signal 9, after some fits; once in all processes."""

    def __init__(self, folder: Path, n_fits: int):
        self.folder, self.n_fits = folder, n_fits
        folder.mkdir()

    def __call__(self, clf, X, y):
        """Return the balanced accuracy, unless this process is killed."""
        if len(list(self.folder.iterdir())) == self.n_fits:
            (self.folder / "killed").touch(exist_ok=False)
            os.kill(os.getpid(), signal.SIGKILL)
        (self.folder / f"{time.time_ns()}-{os.getpid()}").touch()
        return balanced_accuracy_score(y, clf.predict(X))


def assert_equal(one, other):
    """The scores of both searches, and the weights of their best models, bit by bit."""
    for key in (k for k in one.cv_results_ if k.startswith("split")):
        np.testing.assert_array_equal(one.cv_results_[key], other.cv_results_[key])
    first, second = (s.best_estimator_.model_.trained_state() for s in (one, other))
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=120)
    n = parser.parse_args().images
    torch.set_num_threads(1)  # as Dask's workers do: bits depend on it
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        X, y = emoji_files(folder, n)
        folds = list(StratifiedKFold(3).split(X, y))
        clf = LiftClassifier(
            "emoji-tiny", init="class_mean", max_epochs=2, batch_size=32, random_state=0
        )
        grid = {"adapter": ["adaptformer", "lora"], "loss__tau": [0.5, 1.0]}

        def search(cache, scoring="balanced_accuracy"):
            start = time.perf_counter()
            clf.set_params(compute__cache=cache)
            found = GridSearchCV(clf, grid, cv=folds, scoring=scoring, error_score="raise")
            found.fit(X, y)
            return found, time.perf_counter() - start

        serial, seconds = search(False)
        print(f"4 candidates x 3 folds on {n} files, serial: {seconds:.1f} s", flush=True)
        everywhere = [X, y, *(indices for fold in folds for indices in fold)]
        with (
            LocalCluster(2, threads_per_worker=1, dashboard_address=None) as cluster,
            Client(cluster) as client,
        ):
            client.amm.stop()  # else Dask deletes all copies of the scattered data but one
            print(
                f"torch threads of the workers: {list(client.run(torch.get_num_threads).values())}"
            )
            with joblib.parallel_config(backend="dask", scatter=everywhere):
                found, seconds = search(folder / "cache")
                assert_equal(serial, found)
                print(f"two workers: {seconds:.1f} s, equal bit by bit", flush=True)
                files = sorted(path.name for path in (folder / "cache").iterdir())
                print(f"files that the workers share: {files}")
                before = set(client.run(os.getpid).values())
                found, seconds = search(folder / "cache", KillOnce(folder / "done", 4))
                assert_equal(serial, found)
                gone = before - set(client.run(os.getpid).values())
                print(f"two workers, {len(gone)} killed: {seconds:.1f} s, equal bit by bit")


if __name__ == "__main__":
    main()
