"""Jobs that are killed, starved and misled: they end with equal results, or a clear error.

    python tools/break_and_compare.py --n 50
    python tools/break_and_compare.py --jobs "save" "export" --faults "kill -9" --n 10

Each job of ``tools/breaking/jobs.py`` is run once undisturbed. Then each fault of
``tools/breaking/faults.py`` that can meet it does, ``--n`` times where its moment is random. What
comes out then, and what comes out of one more run in the same folder, must equal the undisturbed
outcome bit by bit; jobs whose only purpose is a file may end with an OSError, and the older file.

The script prints a line for each pair: faults injected, runs, losses. The exit status is 1 after a
loss. It needs Linux, and takes some minutes for each ten of ``--n``.
"""

from __future__ import annotations

import argparse
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import torch
from breaking.faults import FAULTS
from breaking.jobs import JOBS, Job, make_inputs
from breaking.process import finished

from sklift.backbones import load_backbone

# Where a fault can meet a job; elsewhere it can meet all.
_MEETS = {
    "read-only folder": lambda job: True,
    "files of ours vanish": lambda job: job.always_finishes,
    "pictures change or vanish": lambda job: job.writes_cache and "fit" not in job.name,
    "clock jumps": lambda job: job.always_finishes,
    "another version": lambda job: job.always_finishes,
}


def compare(fault: str, job: Job, options, home: Path) -> bool:
    """Run a job under a fault, and print a line; return whether nothing was lost."""
    draw = random.Random(f"{options.seed} {fault} {job.name}")
    folder = Path(tempfile.mkdtemp(dir=home))
    folder.chmod(0o755)  # a job may be run by nobody
    begun = time.monotonic()
    tally = FAULTS[fault](job, job.expected, folder, options.n, draw, job.seconds)
    seconds = time.monotonic() - begun
    print(
        f"{fault:26}{job.name:26}{tally.faults:7} faults {tally.runs:6} runs "
        f"{len(tally.losses):6} losses {seconds:8.0f} s",
        flush=True,
    )
    for loss in tally.losses[:5]:
        print(f"    {loss[:600]}", flush=True)
    return not tally.losses


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--n", type=int, default=10, help="faults at random moments, of each kind")
    parser.add_argument("--jobs", nargs="+", choices=list(JOBS), default=list(JOBS))
    parser.add_argument("--faults", nargs="+", choices=list(FAULTS), default=list(FAULTS))
    parser.add_argument("--seed", type=int, default=0, help="of the random moments")
    options = parser.parse_args()
    torch.set_num_threads(1)  # as in the forked processes
    load_backbone("emoji-tiny")
    clean = True
    with tempfile.TemporaryDirectory() as home:
        os.chmod(home, 0o755)
        pictures = Path(home) / "pictures"
        pictures.mkdir()
        make_inputs(pictures)
        JOBS["save"](pictures)  # a fit: what is imported late is there before the forks
        for name in options.jobs:
            job = JOBS[name](pictures)
            job.name = name
            folder = Path(home) / "undisturbed"
            folder.mkdir()
            job.prepare(folder)
            begun = time.monotonic()
            job.expected, _ = finished(job, folder)
            job.seconds = time.monotonic() - begun
            if isinstance(job.expected, str):
                sys.exit(f"{name}: {job.expected}")
            print(f"{'undisturbed':26}{name:26}{job.seconds:8.1f} s", flush=True)
            folder.rename(Path(home) / f"undisturbed {name}")
            for fault in options.faults:
                if _MEETS.get(fault, lambda job: True)(job):
                    clean &= compare(fault, job, options, Path(home))
    return 0 if clean else 1


if __name__ == "__main__":
    sys.exit(main())
