"""Fits and predictions, again and again, leave nothing behind.

``python tests/reliability/test_leaks.py`` prints the figures.
"""

from __future__ import annotations

import contextlib
import gc
import io
import json
import os
import subprocess
import sys
import tempfile
import warnings
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._store._cache import resolve_cache
from sklift._store._features import StoredFeatures
from sklift._store._memory import MemoryArrays
from sklift.adapters import LoRA

N_WARM_UP, ALLOWED = 10, 0.03
LABELS = np.repeat(["circle", "square", "star"], [12, 8, 4])
QUICK = {"max_epochs": 2, "batch_size": 8, "compute__precision": "float32"}


def pictures(i: int) -> np.ndarray:
    """Others each time, and large: whoever keeps them is found out."""
    return np.random.default_rng(i).integers(0, 256, (24, 160, 160, 3), dtype=np.uint8)


def busy(backbone: str, folder: Path, **params) -> LiftClassifier:
    """A classifier with a bar, validation, early stopping and checkpoints."""
    own = {"verbose": 1, "validation_fraction": 0.2, "early_stopping": True}
    return LiftClassifier(backbone, checkpoint=folder, **{**QUICK, **own, **params})


def fit_pictures(folder: Path):
    return lambda i: busy("emoji-tiny", folder, random_state=i).fit(pictures(i), LABELS)


def fit_precomputed(folder: Path):
    y = np.repeat(LABELS, 100)

    def once(i):
        X = np.random.default_rng(i).normal(size=(len(y), 256))
        busy("precomputed", folder, batch_size=256, random_state=i).fit(X, y)

    return once


def save_files(folder: Path) -> list[Path]:
    paths = [folder / f"{k}.png" for k in range(24)]
    for path, picture in zip(paths, pictures(0), strict=True):
        Image.fromarray(picture).save(path)
    return paths


def fit_files(folder: Path):
    paths = save_files(folder)
    return lambda i: LiftClassifier("emoji-tiny", compute__cache=False, **QUICK).fit(paths, LABELS)


def fit_with_workers(folder: Path):
    return lambda i: busy("emoji-tiny", folder, compute__num_workers=2, random_state=i).fit(
        pictures(i), LABELS
    )


def predict(folder: Path):
    clf = LiftClassifier("emoji-tiny", **QUICK).fit(pictures(0), LABELS)
    return lambda i: clf.predict_proba(pictures(i))


def embed(folder: Path):
    # full after 14 calls; the default takes many more
    resolve_cache("auto").features.max_bytes = 1 << 18
    stored = ImageEmbedder("emoji-tiny", compute__cache=folder).fit()
    embedder = ImageEmbedder("emoji-tiny").fit()
    return lambda i: (stored if i % 2 else embedder).transform(pictures(i))


def fail(folder: Path):
    """Training breaks down, a file is damaged, a transform raises, labels are too few."""
    paths = save_files(folder)
    paths[5].write_bytes(paths[5].read_bytes()[:2000])

    def broken(image):
        raise OSError("lens cap")

    cases = [
        ({"lr": 1e30}, lambda i: (pictures(i), LABELS), FloatingPointError),
        ({}, lambda i: (paths, LABELS), ValueError),
        ({"augmentation": broken}, lambda i: (pictures(i), LABELS), OSError),
        ({}, lambda i: (pictures(i), LABELS[1:]), ValueError),
    ]

    def once(i):
        params, data, error = cases[i % len(cases)]
        try:
            busy("emoji-tiny", folder, random_state=i, **params).fit(*data(i))
        except error:
            return
        raise AssertionError("it should have failed")

    return once


CASES = {
    "fits on pictures": (fit_pictures, 30),
    "fits on precomputed features": (fit_precomputed, 30),
    "fits on files": (fit_files, 30),
    "fits with two workers": (fit_with_workers, 10),
    "fits that fail": (fail, 30),
    "predictions": (predict, 120),
    "calls of an embedder": (embed, 120),
}


def usage() -> dict[str, int]:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {
        "bytes": pages * os.sysconf("SC_PAGESIZE"),
        "open files": len(os.listdir("/proc/self/fd")),
        "threads": len(os.listdir("/proc/self/task")),
    }


def measure(name: str) -> tuple[dict, dict]:
    """Usage after the warm-up and after all calls, in this process."""
    prepare, n_times = CASES[name]
    warnings.simplefilter("ignore")
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        once = prepare(Path(folder))
        for i in range(N_WARM_UP):
            once(i)
        before = usage()
        for i in range(n_times):
            once(N_WARM_UP + i)
        return before, usage()


def measure_elsewhere(name: str) -> tuple[dict, dict]:
    """The same in a process that nothing else has run in."""
    command = [sys.executable, __file__, name]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    before, after = json.loads(done.stdout)
    return before, after


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="memory is read from /proc")
@pytest.mark.parametrize("name", CASES)
def test_nothing_is_left(name):
    before, after = measure_elsewhere(name)
    assert after["bytes"] <= before["bytes"] * (1 + ALLOWED)
    assert after["open files"] <= before["open files"]
    assert after["threads"] <= before["threads"]


@pytest.fixture
def no_collector():
    """Only what nothing refers to is freed, at once."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"verbose": 1, "validation_fraction": 0.2, "early_stopping": True},
        {"adapter": ["lora", "ssf"], "loss": "lade", "sampler": "balanced"},
        {"adapter": None, "augmentation": None},
        {
            "augmentation": v2.RandomResizedCrop(40),
            "optimizer__clip_grad_norm": 1.0,
            "compute__accumulate": 2,
        },
        {"checkpoint": True},
        {"compute__precision": "bfloat16", "adapter": LoRA(2, layers=2), "augmentation": None},
    ],
    ids=str,
)
def test_a_model_goes_with_its_estimator(quick, shapes, tmp_path, no_collector, params):
    if "checkpoint" in params:
        params = {"checkpoint": tmp_path}
    X = shapes[0].copy()
    clf = quick(**params).fit(X, shapes[1])
    clf.predict(X)
    traces = [weakref.ref(clf.net_), weakref.ref(clf.model_), weakref.ref(X)]
    del clf, X
    assert [trace() for trace in traces] == [None, None, None]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="for GPUs")
def test_memory_of_a_gpu_is_given_back():
    used = []
    for i in range(3):  # the first leaves the shared tower there
        LiftClassifier("emoji-tiny", device="cuda", **QUICK).fit(pictures(i), LABELS)
        gc.collect()
        used.append(torch.cuda.memory_allocated())
    assert used[0] == used[1] == used[2]


def test_a_model_whose_training_broke_down_goes_too(quick, shapes, no_collector):
    clf = quick(lr=1e30, max_epochs=3, verbose=1)
    with pytest.raises(FloatingPointError) as caught:
        clf.fit(*shapes)
    trace = weakref.ref(clf.model_)
    del clf, caught
    assert trace() is None


@pytest.mark.parametrize("make", [ImageEmbedder, ZeroShotClassifier])
def test_pictures_go_after_their_features_are_known(shapes, no_collector, make):
    X = shapes[0].copy()
    est = make("emoji-tiny").fit(None, shapes[1])
    est.transform(X) if make is ImageEmbedder else est.predict(X)
    trace = weakref.ref(X)
    del X
    assert trace() is None


def vectors(i: int) -> dict[bytes, np.ndarray]:
    return {f"{i}-{k}".encode(): np.full(256, i, np.float32) for k in range(16)}


def test_features_in_memory_are_bounded():
    cache = MemoryArrays(max_bytes=100 * 1024)
    for i in range(50):
        cache.add(vectors(i))
        kept = [v for j in range(i + 1) for v in cache.find(vectors(j)).values()]
        assert sum(v.nbytes for v in kept) == cache.n_bytes <= 100 * 1024
        assert all(v.base is None for v in kept)  # no part of something larger
    assert len(kept) == 100


def test_features_in_a_folder_are_bounded(tmp_path):
    cache = StoredFeatures(tmp_path, max_bytes=100 * 1024)
    sizes = []
    for i in range(50):
        cache.add(vectors(i))
        sizes.append(cache.path.stat().st_size)
    assert sizes[-1] == sizes[20] < 3 * 100 * 1024
    assert len(cache.find(vectors(49))) == 16 and len(cache.find(vectors(0))) == 0
    assert [path.name for path in tmp_path.iterdir()] == [cache.name]


def main() -> None:
    print(f"after a warm-up of {N_WARM_UP} calls, in one process each, without gc.collect()")
    for name, (_, n_times) in CASES.items():
        before, after = measure_elsewhere(name)
        growth = after["bytes"] / before["bytes"] - 1
        counts = [f"{before[k]} -> {after[k]} {k}" for k in ("open files", "threads")]
        memory = f"{before['bytes'] >> 20} -> {after['bytes'] >> 20} MiB ({growth:+.2%})"
        print(f"{n_times:4} {name:30} {memory}, {', '.join(counts)}", flush=True)


if __name__ == "__main__":
    if len(sys.argv) == 1:
        main()
    else:
        print(json.dumps(measure(sys.argv[1])))
