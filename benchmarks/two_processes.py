"""Fit in two CPU processes against the same fit in one: the loss of every batch.

The script starts itself in two processes with torch's launcher; each makes an
``accelerate.Accelerator``, which connects them (by gloo on a CPU, by NCCL on GPUs).

``python benchmarks/two_processes.py [--images 200]``
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs

from sklift import LiftClassifier
from sklift.datasets import load_emoji


def fit(n: int, **params):
    """A fitted classifier, its batch losses and the seconds it took."""
    torch.set_num_threads(1)
    X, y = load_emoji("train", return_X_y=True)
    chosen = np.random.default_rng(0).permutation(len(X))[:n]
    clf = LiftClassifier(
        "emoji-tiny",
        max_epochs=2,
        batch_size=32,
        compute__precision="float32",
        random_state=0,
        **params,
    )
    start = time.perf_counter()
    clf.fit(X[chosen], y[chosen])
    seconds = time.perf_counter() - start
    losses = [batch["train_loss"] for row in clf.net_.history for batch in row["batches"]]
    return clf, np.array(losses), seconds


def one_of_two(n: int, folder: Path) -> None:
    """Run the part of one of the two processes."""
    timeout = InitProcessGroupKwargs(timeout=timedelta(seconds=120))
    accelerator = Accelerator(cpu=True, kwargs_handlers=[timeout])
    clf, losses, seconds = fit(n, net_params={"distributed": True})
    np.savez(
        folder / f"{accelerator.process_index}.npz",
        losses=losses,
        seconds=seconds,
        class_counts=clf.class_counts_,
        **clf.model_.trained_state(),
    )
    accelerator.end_training()


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if "RANK" in os.environ:
        return one_of_two(arguments.images, arguments.folder)

    clf, losses, seconds = fit(arguments.images)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node=2"]
    with tempfile.TemporaryDirectory() as folder:
        script = [__file__, f"--images={arguments.images}", f"--folder={folder}"]
        subprocess.run([*launcher, *script], check=True, timeout=600)
        first, second = (dict(np.load(Path(folder) / f"{rank}.npz")) for rank in range(2))
    print("batch  one process  two processes")
    for i, row in enumerate(zip(losses, first["losses"], strict=True)):
        print(f"{i:5d}  {row[0]:11.6f}  {row[1]:13.6f}")
    state = clf.model_.trained_state()
    moved = max(np.abs(first[name] - t.numpy()).max() for name, t in state.items())
    print(f"largest difference of a loss: {np.abs(losses - first['losses']).max():.1e}")
    print(f"largest difference of a weight: {moved:.1e}")
    same = all(np.array_equal(first[k], second[k]) for k in first if k != "seconds")
    print(f"both processes have the same losses, counts and weights, bit by bit: {same}")
    print(f"class counts are global: {np.array_equal(first['class_counts'], clf.class_counts_)}")
    print(f"seconds: {seconds:.1f} in one process, {first['seconds']:.1f} in two")
    return None


if __name__ == "__main__":
    main()
