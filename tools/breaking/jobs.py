"""Jobs that write files: what each does, what comes out, and what must hold at any moment.

A job is disturbed while ``run`` works in a folder of its own. ``run`` returns arrays by name, which
must be equal to those of an undisturbed run, bit by bit. ``flaw`` looks at the folder at any
moment, and tells of a half-written file that would be taken for a whole one.
"""

from __future__ import annotations

import zipfile
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from joblib import parallel_config
from PIL import Image
from sklearn.model_selection import GridSearchCV

from sklift import ImageEmbedder, LiftClassifier
from sklift.adapters import AdaptFormer

_RNG = np.random.default_rng(0)
_ROWS = _RNG.normal(size=(120, 12)).astype(np.float32)
_LABELS = np.repeat(["one", "two", "three", "four"], 30)
_N_PICTURES = 48


class Job:
    """What jobs share.

    Parameters
    ----------
    inputs : Path
        A folder with what they read.
    """

    writes_cache = True
    always_finishes = True  # also without room on the disk
    outlives_worker = True
    warns_here = True  # not in processes of its own
    least_room = 0  # bytes of a file that others than sklift need

    def __init__(self, inputs: Path):
        self.inputs = inputs
        self.paths = [str(inputs / f"{i:02d}.png") for i in range(_N_PICTURES)]

    def prepare(self, folder: Path) -> None:
        """What is there before; called once for each folder, undisturbed."""

    def run(self, folder: Path) -> dict[str, np.ndarray]:
        raise NotImplementedError

    def flaw(self, folder: Path) -> str:
        return ""


def make_inputs(folder: Path) -> None:
    rng = np.random.default_rng(0)
    for i in range(_N_PICTURES):
        Image.fromarray(rng.integers(0, 256, (44, 50, 3), np.uint8)).save(folder / f"{i:02d}.png")


class Fit(Job):
    """Training with a checkpoint after each batch, and with all kinds of caches."""

    def run(self, folder):
        clf = LiftClassifier(
            "emoji-tiny",
            adapter=AdaptFormer(layers=1),
            augmentation=None,
            max_epochs=3,
            batch_size=8,
            compute__precision="float32",
            compute__cache=folder / "cache",
            checkpoint=folder / "runs",
            checkpoint__minutes=0,
            checkpoint__mismatch="raise",
            random_state=0,
        )
        clf.fit(self.paths, np.arange(_N_PICTURES) % 3)
        history = [[row[key] for key in ("train_loss", "lr")] for row in clf.history_]
        return {**weights(clf), "history": np.array(history)}


class Search(Job):
    """A search with two workers, whose fits share a folder of checkpoints."""

    writes_cache = False
    outlives_worker = False  # Python's own pool waits for ever
    least_room = 4096  # the locks of the pool are files, too

    def run(self, folder):
        clf = LiftClassifier(
            "precomputed",
            max_epochs=4,
            batch_size=16,
            checkpoint=folder / "runs",
            checkpoint__minutes=0,
            random_state=0,
        )
        grid = {"lr": [0.01, 0.02, 0.05]}
        with parallel_config(backend="multiprocessing"):  # forks; joblib's own imports for seconds
            search = GridSearchCV(clf, grid, cv=2, n_jobs=2, error_score="raise")
            search.fit(_ROWS, _LABELS)
        scores = search.cv_results_["mean_test_score"]
        return {**weights(search.best_estimator_), "scores": scores}


class _Write(Job):
    """Two models take turns in one file; at any moment it holds one of them, whole."""

    writes_cache = False
    always_finishes = False

    def __init__(self, inputs):
        super().__init__(inputs)
        self.models = [
            LiftClassifier("precomputed", max_epochs=1, random_state=0, lr=lr).fit(_ROWS, _LABELS)
            for lr in (0.01, 0.02)
        ]

    def prepare(self, folder):
        self.write(self.models[1], folder / "model")

    def run(self, folder):
        for i in range(self.times):
            self.write(self.models[i % 2], folder / "model")
        return {"done": np.ones(1)}

    def flaw(self, folder):
        try:
            return "" if self.is_one_of(folder / "model") else "the file holds another model"
        except Exception as error:
            return f"the file can't be read: {error!r}"


class Save(_Write):
    """``save`` over an older file."""

    times = 60

    def write(self, clf, path):
        clf.save(path)

    def is_one_of(self, path):
        found = LiftClassifier.load(path).predict_proba(_ROWS)
        return any(np.array_equal(found, clf.predict_proba(_ROWS)) for clf in self.models)


class Export(_Write):
    """``export`` over an older file."""

    times = 2

    def write(self, clf, path):
        clf.export(path)

    def is_one_of(self, path):
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None


class Embed(Job):
    """Features of files, with a folder as cache."""

    def run(self, folder):
        embedder = ImageEmbedder("emoji-tiny", batch_size=8, compute__cache=folder / "cache")
        return {"features": embedder.fit().transform(self.paths)}


class Two(Embed):
    """Two processes that fill one cache at once, each in another order."""

    warns_here = False

    def run(self, folder):
        context, pipes = get_context("fork"), []
        for step in (1, -1):
            receiver, sender = context.Pipe(duplex=False)
            context.Process(target=self._one, args=(folder, step, sender)).start()
            sender.close()  # else the next process would hold it open
            pipes.append(receiver)
        found = [receiver.recv() for receiver in pipes]
        for outcome in found:
            if isinstance(outcome, Exception):
                raise outcome
        return {"features": found[0], "those of the other": found[1]}

    def _one(self, folder, step, sender):
        try:
            embedder = ImageEmbedder("emoji-tiny", batch_size=8, compute__cache=folder / "cache")
            sender.send(embedder.fit().transform(self.paths[::step])[::step])
        except Exception as error:
            sender.send(error)


def weights(clf) -> dict[str, np.ndarray]:
    return {name: tensor.numpy() for name, tensor in clf.model_.trained_state().items()}


JOBS: dict[str, type[Job]] = {
    "fit with checkpoint": Fit,
    "search with two workers": Search,
    "save": Save,
    "export": Export,
    "embed with a cache": Embed,
    "two processes, one cache": Two,
}
