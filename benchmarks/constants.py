"""Costs of a picture, to size a job: seconds, bytes of caches, memory of a process.

A ViT-S/16 with random weights on JPEG files (375, 500), float32, one thread; CPU seconds, which
don't count what other programs of the machine take.

``python benchmarks/constants.py [--images 128]``
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import torch
from plain import jpeg_files, random_tower

from sklift import ImageEmbedder, LiftClassifier


def per_1000(function, n: int) -> str:
    """CPU seconds of a call for n pictures, per 1000 of them."""
    start = time.process_time()
    function()
    return f"{(time.process_time() - start) / n * 1000:.0f} s"


def peak() -> str:
    """The most memory that this process has had."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=128)
    n = parser.parse_args().images
    torch.set_num_threads(1)
    print(f"memory after the imports: {peak()}")
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder)
        paths, y = jpeg_files(folder, 2 * n, n_classes=10)
        cache = Path(folder) / "cache"
        common = {"pretrained": checkpoint, "compute__precision": "float32", "batch_size": 32}
        embedder = ImageEmbedder(name, compute__cache=cache, **common).fit()
        embedder.transform(paths[:8])  # loads the tower
        print(f"frozen pass, per 1000: {per_1000(lambda: embedder.transform(paths[n:]), n)}")
        kept = sum(path.stat().st_size for path in cache.glob("features*")) / (n + 8)
        print(f"features in the folder, per picture: {kept:.0f} bytes")
        print(f"memory after it: {peak()}")
        clf = LiftClassifier(name, max_epochs=1, init="random", random_state=0, **common)
        print(f"training, per 1000 and epoch: {per_1000(lambda: clf.fit(paths[:n], y[:n]), n)}")
        print(f"memory after it: {peak()}")


if __name__ == "__main__":
    main()
