"""The head alone on features: training and prediction, against a plain loop of the same steps.

Rows of features and 100 classes that overlap, batches of 128, a linear head, SGD. Plain: batches
cut out by an array of indices, cross-entropy with the log of the class prior, the loss read after
each step. ``--head`` trains another head against the same linear layer. All sides take turns;
medians of the CPU seconds of this process.

``python benchmarks/head.py [--rows 10000] [--features 64] [--epochs 5] [--head linear]
[--repeats 3]``
"""

from __future__ import annotations

import argparse
import time
from functools import partial

import numpy as np
import torch
from torch import nn

from sklift import LiftClassifier

N_CLASSES, BATCH = 100, 128


def plain_fit(X: np.ndarray, y: np.ndarray, n_epochs: int) -> nn.Module:
    """Train a linear layer by hand."""
    rows, targets = torch.from_numpy(X), torch.from_numpy(y)
    head = nn.Linear(X.shape[1], N_CLASSES)
    optimizer = torch.optim.SGD(head.parameters(), 0.02, 0.9, weight_decay=5e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_epochs)
    prior = torch.log(torch.bincount(targets, minlength=N_CLASSES) / len(y))
    for _ in range(n_epochs):
        for some in torch.randperm(len(y)).split(BATCH):
            loss = nn.functional.cross_entropy(head(rows[some]) + prior, targets[some])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            loss.item()
        schedule.step()
    return head


@torch.no_grad()
def plain_predict(head: nn.Module, X: np.ndarray) -> np.ndarray:
    """Predict batch by batch by hand."""
    batches = torch.from_numpy(X).split(BATCH)
    return np.concatenate([head(rows).argmax(1).numpy() for rows in batches])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000)
    parser.add_argument("--features", type=int, default=64)
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--head", default="linear")
    parser.add_argument("--repeats", type=int, default=3)
    arguments = parser.parse_args()
    rng = np.random.default_rng(0)
    y = rng.integers(0, N_CLASSES, arguments.rows)
    X = rng.standard_normal((len(y), arguments.features), np.float32)
    X *= arguments.features**0.5 / 4  # a fifth of the rows is nearer to another class
    X += rng.standard_normal((N_CLASSES, arguments.features), np.float32)[y]
    X *= 4 / np.linalg.norm(X, axis=1).mean()  # longer ones make the plain loop diverge
    clf = LiftClassifier(
        "precomputed",
        head=arguments.head,
        batch_size=BATCH,
        max_epochs=arguments.epochs,
        random_state=0,
    ).fit(X, y)
    head = plain_fit(X, y, 1)
    sides = {
        "fit": (partial(plain_fit, X, y, arguments.epochs), partial(clf.fit, X, y)),
        "predict": (partial(plain_predict, head, X), partial(clf.predict, X)),
    }
    print("CPU seconds, and how many times those of the plain loop")
    for what, functions in sides.items():
        seconds: tuple[list, list] = ([], [])
        for _ in range(arguments.repeats):
            for function, taken in zip(functions, seconds, strict=True):
                begun = time.process_time()
                function()
                taken.append(time.process_time() - begun)
        plain, ours = map(np.median, seconds)
        print(f"{what:8s} plain {plain:7.3f}   ours {ours:7.3f}   {ours / plain:5.2f}")


if __name__ == "__main__":
    main()
