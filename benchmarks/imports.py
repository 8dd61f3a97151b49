"""Time to import, in fresh processes that take turns: sklift against sklearn.model_selection.

``python benchmarks/imports.py [--repeats 15]``
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import time

import numpy as np

OURS = "from sklift import LiftClassifier; LiftClassifier()"
THEIRS = "import sklearn.model_selection"


def main() -> None:
    """Print the medians and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    arguments = parser.parse_args()
    environment = dict(os.environ)
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # as after an installation, there is bytecode
    seconds = {OURS: [], THEIRS: []}
    for code in seconds:
        subprocess.run([sys.executable, "-c", code], check=True, env=environment)
    for _ in range(arguments.repeats):
        for code, times in seconds.items():
            start = time.perf_counter()
            subprocess.run([sys.executable, "-c", code], check=True, env=environment)
            times.append(time.perf_counter() - start)
    ours, theirs = (np.median(times) for times in seconds.values())
    print(f"{OURS}: {ours:.2f} s")
    print(f"{THEIRS}: {theirs:.2f} s")
    print(f"ratio: {ours / theirs:.2f}")


if __name__ == "__main__":
    main()
