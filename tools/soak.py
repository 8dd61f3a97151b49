"""One process under full load: every answer is the serial one, and nothing grows.

    python tools/soak.py --minutes 60

Sixteen threads ask one fitted classifier, a zero-shot classifier and an embedder, for arrays, files
and bytes, with inputs that are wrong among them. Meanwhile others fit clones, save, load and pickle
the classifier, estimate priors, and change prior and precision of a second classifier that answers
at the same time. An answer must equal the one that was given before the threads began, bit by bit;
a wrong input must get the same error; the second classifier must give an answer that belongs to one
of its settings as a whole.

There are two rounds: a tenth of the time, after which memory, open files and threads are counted,
and the rest. The exit status is 1 after a wrong answer, if something waited for more than
``--patience`` seconds, or if at the end there is more than after the first round (of memory, 5 %
are allowed).
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import io
import itertools
import os
import pickle
import random
import sys
import tempfile
import threading
import time
import traceback
import warnings
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from sklearn.base import clone

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier

N_SERVING = 16
PRIORS = (None, {"cat": 0.7, "dog": 0.2, "red fox": 0.1})
PRECISIONS = ("float32", "bfloat16")


class Soak:
    """What is asked, what the right answers are, and what went wrong.

    Parameters
    ----------
    folder : Path
        A folder for files.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        rng = np.random.default_rng(0)
        self.X = rng.integers(0, 256, (24, 44, 50, 3), np.uint8)
        self.y = np.repeat(["cat", "dog", "red fox"], 8)
        self.paths = [str(folder / f"{i}.png") for i in range(len(self.X))]
        for pixels, path in zip(self.X, self.paths, strict=True):
            Image.fromarray(pixels).save(path)
        settings = {"max_epochs": 1, "batch_size": 8, "random_state": 0}
        self.clf = LiftClassifier("emoji-tiny", compute__precision="float32", **settings)
        self.clf.fit(self.X, self.y)
        self.shifting = pickle.loads(pickle.dumps(self.clf))
        self.embedder = ImageEmbedder(
            "emoji-tiny", batch_size=8, compute__cache=folder / "cache"
        ).fit()
        self.zero_shot = ZeroShotClassifier("emoji-tiny", batch_size=8).fit(None, self.y)
        self.requests = self._requests()
        self.expected = [_answer(*request) for request in self.requests]
        self.shifted = self._shifted()
        self.weights = _weights(self.clf)
        self.counts: Counter[str] = Counter()
        self.longest: dict[str, float] = defaultdict(float)
        self.wrong: list[str] = []
        self.stop = threading.Event()
        self.patience = 0.0
        self.made = itertools.count()

    def _requests(self) -> list[tuple]:
        """(method, input): good ones, and at the end wrong ones."""
        as_bytes = [io.BytesIO(Path(path).read_bytes()).getvalue() for path in self.paths]
        damaged = str(self.folder / "damaged.png")
        Path(damaged).write_bytes(as_bytes[0][:100])
        good = [self.X, self.X[:9], self.X[3:4], self.paths, as_bytes[5:14]]
        bad = [
            [*self.paths[:3], damaged],
            [*self.paths[:3], str(self.folder / "missing.png")],
            [b"no picture", as_bytes[0]],
            self.X[:, :, :, :2],
            self.X.astype(float),
            [],
            ["cat", None],
            3,
        ]
        methods = [
            self.clf.predict_proba,
            self.clf.predict,
            self.embedder.transform,
            self.zero_shot.predict_proba,
        ]
        return [(method, X) for X in (*good, *bad) for method in methods]

    def _shifted(self) -> list[np.ndarray]:
        found = []
        for prior, precision in itertools.product(PRIORS, PRECISIONS):
            self.shifting.set_params(target_prior=prior, compute__precision=precision)
            found.append(self.shifting.predict_proba(self.X))
        return found

    def serve(self, draw: random.Random) -> str:
        i = draw.randrange(len(self.requests))
        answer = _answer(*self.requests[i])
        if not _same(answer, self.expected[i]):
            self.wrong.append(f"request {i}: {answer!r}, not {self.expected[i]!r}"[:2000])
        return "wrong inputs" if isinstance(answer, str) else "answers"

    def serve_shifting(self, draw: random.Random) -> str:
        answer = self.shifting.predict_proba(self.X)
        if not any(_same(answer, one) for one in self.shifted):
            self.wrong.append("an answer that belongs to no setting")
        return "answers under changing settings"

    def shift(self, draw: random.Random) -> str:
        if draw.random() < 0.5:
            self.shifting.set_params(target_prior=draw.choice(PRIORS))
        else:
            self.shifting.set_params(compute__precision=draw.choice(PRECISIONS))
        time.sleep(0.05)
        return "changes of settings"

    def fit(self, draw: random.Random) -> str:
        weights = _weights(clone(self.clf).fit(self.X, self.y))
        if any(weights[name] != self.weights[name] for name in self.weights):
            self.wrong.append("a fit ends with another model")
        return "fits"

    def save_and_load(self, draw: random.Random) -> str:
        path = self.folder / f"{next(self.made)}.safetensors"
        self.clf.save(path)
        loaded = LiftClassifier.load(path)
        path.unlink()
        if not _same(loaded.predict_proba(self.X), self.expected[0]):
            self.wrong.append("a loaded model gives another answer")
        return "models saved and loaded"

    def copy(self, draw: random.Random) -> str:
        copied = pickle.loads(pickle.dumps(self.clf))
        copied.set_params(target_prior=PRIORS[1])
        copied.estimate_prior(self.X)
        copied.set_params(target_prior=None)
        if not _same(copied.predict_proba(self.X), self.expected[0]):
            self.wrong.append("a copy gives another answer")
        return "copies with other priors"

    def repeat(self, work, seed: int) -> None:
        draw = random.Random(seed)
        while not self.stop.is_set():
            begun = time.monotonic()
            try:
                done = work(draw)
            except Exception:
                self.wrong.append(traceback.format_exc(limit=-6))
                done = "failures"
            seconds = time.monotonic() - begun
            self.counts[done] += 1  # of a thread each, or the lock of the interpreter holds
            self.longest[done] = max(self.longest[done], seconds)
            if seconds > self.patience:
                self.wrong.append(f"{done}: {seconds:.0f} s")

    def round(self, minutes: float, seed: int) -> dict[str, float]:
        """All threads for some minutes; then what the process has in use."""
        self.stop.clear()
        works = [self.serve] * N_SERVING + [self.serve_shifting, self.shift, self.fit]
        works += [self.save_and_load, self.copy]
        threads = [
            threading.Thread(target=self.repeat, args=(work, 1000 * seed + i), daemon=True)
            for i, work in enumerate(works)
        ]
        for thread in threads:
            thread.start()
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end and len(self.wrong) < 20:
            time.sleep(0.2)
        self.stop.set()
        for thread in threads:
            thread.join(self.patience)
        gc.collect()
        return usage()


def _answer(method, X):
    """The answer, or the text of the error."""
    try:
        return method(X)
    except (ValueError, TypeError, FileNotFoundError) as error:
        return f"{type(error).__name__}: {error}"


def _same(one, other) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return isinstance(one, str) and isinstance(other, str) and one == other
    return one.dtype == other.dtype and np.array_equal(one, other)


def _weights(clf) -> dict[str, bytes]:
    return {name: t.numpy().tobytes() for name, t in clf.model_.trained_state().items()}


def usage() -> dict[str, float]:
    """Memory in MiB, open files and threads of this process.

    Each thread has memory of its own, which the C library keeps when it is free: it is given back.
    """
    with contextlib.suppress(OSError, AttributeError):  # other C libraries have no such function
        ctypes.CDLL(None).malloc_trim(0)
    status = Path("/proc/self/status").read_text().split("VmRSS:")[1]
    return {
        "MiB": int(status.split()[0]) / 1024,
        "open files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--patience", type=float, default=120, help="seconds for one answer")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)  # as many threads as cores ask at once
    with tempfile.TemporaryDirectory() as folder:
        soak = Soak(Path(folder))
        soak.patience = options.patience
        before = soak.round(options.minutes / 10, 0)
        after = soak.round(options.minutes * 9 / 10, 1)
    for name, count in sorted(soak.counts.items()):
        print(f"{count:8} {name}, the longest took {soak.longest[name]:.1f} s")
    for name in before:
        print(f"{name}: {before[name]:.0f} after a tenth of the time, {after[name]:.0f} at the end")
    print(f"{len(soak.wrong)} wrong")
    for text in list(dict.fromkeys(soak.wrong))[:10]:
        print(f"    {text}")
    grown = after["MiB"] > 1.05 * before["MiB"] or any(
        after[name] > before[name] for name in ("open files", "threads")
    )
    return 1 if soak.wrong or grown else 0


if __name__ == "__main__":
    sys.exit(main())
