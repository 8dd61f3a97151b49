"""From a table of pictures to predictions: this package beside others, as their guides do it.

Each job stands in one function, from paths and labels to the labels of new pictures; its
statements are counted. All start from the same weights and train on the same pictures, in this
process, with ``--threads`` threads. CPU time is that of fit, loading included, and of predicting
the test pictures, in seconds.

A package that isn't installed is skipped, and said so. fastai (2.8) needs no other versions of what
this package needs. AutoGluon MultiModal (1.6) wants timm below 1.0.7 and this package at least
1.0.17, so both can't be in one environment; it is no row here.

``python benchmarks/peers.py --table pictures/labels.csv --pretrained weights.safetensors
[--drawn 500] [--backbone vit_tiny_patch16_224] [--epochs 5] [--batch-size 64] [--threads 1]
[--jobs fastai head]``
"""

from __future__ import annotations

import argparse
import ast
import importlib.metadata
import inspect
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from sklearn.metrics import accuracy_score, balanced_accuracy_score

import sklift


def tuned(paths, labels, new, backbone, weights, seconds):
    """The defaults: adapters in the tower."""
    from sklift import LiftClassifier

    clf = LiftClassifier(f"timm/{backbone}", pretrained=weights, random_state=0)
    clf.fit(paths, labels)
    seconds()
    return clf.predict(new)


def head(paths, labels, new, backbone, weights, seconds):
    """The head alone, on features that are computed once."""
    from sklift import LiftClassifier

    clf = LiftClassifier(
        f"timm/{backbone}", pretrained=weights, adapter=None, augmentation=None, random_state=0
    )
    clf.fit(paths, labels)
    seconds()
    return clf.predict(new)


def fastai(paths, labels, new, backbone, weights, seconds, epochs=5, batch_size=64):
    """Random crops, the usual augmentations, ``fine_tune``, as chapter 2 of fastai's book."""
    from fastai.vision.all import (
        ImageDataLoaders,
        RandomResizedCrop,
        aug_transforms,
        set_seed,
        vision_learner,
    )

    set_seed(0, reproducible=True)
    loaders = ImageDataLoaders.from_df(
        pd.DataFrame({"path": paths, "label": labels}),
        path="/",
        valid_pct=0,  # all pictures are for training here, as in the other jobs
        item_tfms=RandomResizedCrop(224, min_scale=0.5),
        batch_tfms=aug_transforms(),
        bs=batch_size,
        num_workers=0,  # so that CPU time is that of this process
    )
    learner = vision_learner(loaders, backbone, pretrained_cfg_overlay={"file": weights})
    with learner.no_bar(), learner.no_logging():
        learner.fine_tune(epochs)
        seconds()
        scores, _ = learner.get_preds(dl=loaders.test_dl(list(new)))
    return np.asarray(loaders.vocab)[scores.argmax(dim=1).numpy()]


JOBS: dict[str, tuple[str, Callable]] = {
    "head": ("sklift", head),
    "tuned": ("sklift", tuned),
    "fastai": ("fastai", fastai),
}


def statements(job: Callable) -> int:
    """Statements of a job, with imports, but without the clock and what hides bars."""
    body = ast.walk(ast.parse(inspect.getsource(job)).body[0])
    found = [ast.unparse(node) for node in body if isinstance(node, ast.stmt)][2:]
    return sum(not text.startswith(("seconds(", "with ")) for text in found)


def pictures(arguments):
    """Paths and labels to train on, and those of the test pictures of the same classes."""
    table = pd.read_csv(arguments.table)
    folder = Path(arguments.table).resolve().parent
    paths = np.array([str(folder / path) for path in table["path"]])
    y = table[arguments.label].to_numpy(dtype=str)
    train, test = (np.flatnonzero(table["split"] == part) for part in ("train", "test"))
    if arguments.drawn:  # those of accuracy.py
        train = np.random.default_rng(0).permutation(train)[: arguments.drawn]
    test = test[np.isin(y[test], y[train])]
    return paths[train], y[train], paths[test], y[test]


def main() -> None:
    """Run the jobs one after another, and print a row for each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", required=True)
    parser.add_argument("--label", default="label")
    parser.add_argument("--pretrained", required=True, help="weights that timm reads")
    parser.add_argument("--backbone", default="vit_tiny_patch16_224", help="a model of timm")
    parser.add_argument("--drawn", type=int, help="pictures to train on; else all")
    parser.add_argument("--epochs", type=int, default=5, help="of fastai")
    parser.add_argument("--batch-size", type=int, default=64, help="of fastai")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--jobs", nargs="*", default=list(JOBS), choices=JOBS)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    paths, y, new, y_new = pictures(arguments)
    print(f"{len(y)} pictures of {len(np.unique(y))} classes to train on, {len(new)} to predict")
    print("job      version  statements  CPU s fit  predict  accuracy  balanced")
    for name in arguments.jobs:
        package, job = JOBS[name]
        if find_spec(package) is None:
            print(f"{name:8s} skipped: {package} isn't installed")
            continue
        version = sklift.__version__ if package == "sklift" else importlib.metadata.version(package)
        more = {"epochs": arguments.epochs, "batch_size": arguments.batch_size}
        marks = [time.process_time()]
        predicted = job(
            paths,
            y,
            new,
            arguments.backbone,
            arguments.pretrained,
            lambda marks=marks: marks.append(time.process_time()),
            **(more if name == "fastai" else {}),
        )
        marks.append(time.process_time())
        fit, predict = np.diff(marks)
        scores = accuracy_score(y_new, predicted), balanced_accuracy_score(y_new, predicted)
        row = (f"{fit:9.0f}", f"{predict:7.0f}", *(f"{100 * score:8.1f}" for score in scores))
        print(f"{name:8s} {version[:7]:>7s}  {statements(job):10d}  " + "  ".join(row), flush=True)


if __name__ == "__main__":
    main()
