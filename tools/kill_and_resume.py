"""Test of checkpoints: training that is killed again and again ends with the same model.

    python tools/kill_and_resume.py --n 20
    python tools/kill_and_resume.py --adapter lora --optimizer adamw --num-workers 2 --minutes 10

The script trains once undisturbed. Then, ``--n`` times with an empty folder, a process that trains
with ``checkpoint`` gets a SIGKILL (``kill -9``) at a random moment of its fit, is started again,
and killed again, until one finishes. Its trained tensors are compared with those of the undisturbed
run bit by bit, and so are losses and learning rates of all epochs. With ``--minutes 0`` there is a
checkpoint after each batch, so that kills hit the writing of files as well; with more minutes than
a fit takes, there is one after each epoch.

The script prints one line for each round and the count at the end; the exit status is 1 if a round
ended with another model, or failed.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch

from sklift import LiftClassifier
from sklift.backbones import load_backbone

BEGINS = "fit begins\n"


def train(options, out: Path, folder: Path | None) -> None:
    """The process that is killed: fit, and save the outcome."""
    rng = np.random.default_rng(0)
    X = rng.integers(0, 256, (120, 48, 48, 3), dtype=np.uint8)
    y = np.repeat(["one", "two", "three", "four"], [60, 35, 20, 5])
    clf = LiftClassifier(
        "emoji-tiny",
        adapter=options.adapter,
        optimizer=options.optimizer,
        lr=0.02 if options.optimizer == "sgd" else 1e-3,
        compute__num_workers=options.num_workers,
        max_epochs=6,
        batch_size=10,
        compute__precision="float32",
        checkpoint=folder,
        checkpoint__minutes=options.minutes,
        checkpoint__mismatch="raise",
        random_state=0,
    )
    load_backbone("emoji-tiny")  # before the clock starts, so that kills hit the training
    print(BEGINS, end="", flush=True)
    began = time.monotonic()
    clf.fit(X, y)
    epochs = [{k: v for k, v in row.items() if k != "dur"} for row in clf.history_]
    outcome = {
        "weights": clf.model_.trained_state(),
        "epochs": epochs,
        "seconds": time.monotonic() - began,
    }
    torch.save(outcome, out)


def run(options, out: Path, folder: Path | None, delay: float | None = None) -> bool:
    """Train in a new process, killed ``delay`` seconds after fit began; return if it was."""
    command = [sys.executable, __file__, *options.passed_on, "--train", str(out)]
    if folder is not None:
        command.append(str(folder))
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        if process.stdout.readline() != BEGINS:
            raise RuntimeError(f"training did not begin, see above; exit status {process.wait()}")
        process.wait(delay)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.returncode not in (0, -9):
        raise RuntimeError(f"training failed, see above; exit status {process.returncode}")
    return process.returncode == -9


def is_same(one: dict, other: dict) -> bool:
    ours, theirs = one["weights"], other["weights"]
    return (
        one["epochs"] == other["epochs"]
        and ours.keys() == theirs.keys()
        and all(ours[k].numpy().tobytes() == theirs[k].numpy().tobytes() for k in ours)
    )


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=20, help="rounds")
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    parser.add_argument("--train", type=Path, nargs="+", help=argparse.SUPPRESS)
    how = parser.add_argument_group("how to train")
    how.add_argument("--adapter", default="adaptformer")
    how.add_argument("--optimizer", default="sgd", choices=["sgd", "adamw", "adam"])
    how.add_argument("--num-workers", type=int, default=0)
    how.add_argument("--minutes", type=float, default=0, help="checkpoint_minutes")
    options = parser.parse_args()
    names = [action.dest for action in how._group_actions]
    options.passed_on = [f"--{name.replace('_', '-')}={getattr(options, name)}" for name in names]
    return options


def main() -> int:
    options = parse()
    if options.train:
        train(options, options.train[0], options.train[1] if len(options.train) > 1 else None)
        return 0
    draw = random.Random(options.seed)
    n_same = n_kills = n_left = 0
    with tempfile.TemporaryDirectory() as home:
        home = Path(home)
        run(options, home / "undisturbed.pt", None)
        expected = torch.load(home / "undisturbed.pt")
        print(f"undisturbed: {expected['seconds']:.1f} s", flush=True)
        for i in range(options.n):
            out, folder = home / f"{i}.pt", home / f"round-{i}"
            delays, killed = [], True
            while killed:  # later and later, as the machine may be busier than before
                longest = expected["seconds"] * (1 + len(delays) / 5)
                delays.append(draw.uniform(0, longest))
                killed = run(options, out, folder, delays[-1])
            same = is_same(torch.load(out), expected)
            n_same, n_kills = n_same + same, n_kills + len(delays) - 1
            n_left += len(list(folder.glob("*.tmp")))
            moments = ", ".join(f"{delay:.2f}" for delay in delays[:-1])
            word = "the same model" if same else "ANOTHER MODEL"
            print(f"round {i + 1}: killed after [{moments}] s: {word}", flush=True)
    print(f"{n_same} of {options.n} identical to the undisturbed run, after {n_kills} kills")
    print(f"{n_left} of the kills cut a write short, which left a temporary file")
    return 0 if n_same == options.n else 1


if __name__ == "__main__":
    sys.exit(main())
