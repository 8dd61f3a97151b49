"""Decoding of files to views: once, by all cores, large files at a fraction of their size.

Training views of 224 pixels from JPEG files, first against torchvision's transforms in a data
loader with a worker for each core, then large files decoded at a half against decoding them whole.
Ratios are medians of interleaved repeats.

With ``--against``, instead: the CPU time of reading the same JPEG and PNG files, and of checking
their headers, in this build and in another checkout of the repository. Two processes take turns,
and the ratio is the median of the pairs; above 1 this build is faster.

``python benchmarks/decode.py [--images 400] [--repeats 5] [--against CHECKOUT]``
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import numpy as np
from PIL import Image
from plain import Files, jpeg_files, normalize
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from sklift._compute._threads import map_items
from sklift._store._folder_arrays import StoredArrays
from sklift._store._memory import MemoryArrays
from sklift.images._as_source import as_image_source
from sklift.images._cache import CachedSource
from sklift.images._dataset import TrainViews
from sklift.images._decode import read, read_reduced
from sklift.images._sources import ImageSource

SIZE, BATCH = 224, 32


def side_by_side(ways: dict[str, Callable], repeats: int) -> dict[str, float]:
    """Median seconds of each way, taking turns."""
    seconds = {name: [] for name in ways}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.perf_counter()
            way()
            seconds[name].append(time.perf_counter() - start)
    return {name: median(each) for name, each in seconds.items()}


def report(seconds: dict[str, float], n: int) -> None:
    """Print pictures/s, and the ratio to the first way."""
    first = next(iter(seconds.values()))
    for name, each in seconds.items():
        print(f"    {name:42} {n / each:8.1f} pictures/s {first / each:8.2f} x")


def plain_loop(paths, y) -> Callable:
    """Torchvision's random crops in a data loader."""
    crop = v2.RandomResizedCrop(SIZE, interpolation=v2.InterpolationMode.BICUBIC)
    files = Files(paths, y, v2.Compose([crop, v2.RandomHorizontalFlip(), *normalize()]))
    loader = DataLoader(files, BATCH, num_workers=os.cpu_count(), persistent_workers=True)
    next(iter(loader))  # the workers are there
    return lambda: [None for _ in loader]


def stored_images(folder: str, name: str) -> StoredArrays:
    """An empty store of decoded pictures."""
    return StoredArrays(Path(folder, name), "pictures-2")


def epoch(source: ImageSource, y) -> None:
    """All pictures once, in batches, as training sees them."""
    views = TrainViews(source, y, None, SIZE, "bicubic", "lift", 1, 0)
    for start in range(0, len(y), BATCH):
        views.__getitems__(range(start, min(start + BATCH, len(y))))


def compare_epochs(folder: str, n: int, repeats: int) -> None:
    """An epoch of files as cameras of the web have them, against the plain loop."""
    paths, y = jpeg_files(folder, n)
    source = as_image_source(paths)
    memory, stored = MemoryArrays(1 << 40), stored_images(folder, "warm")
    warm = [CachedSource(source, store=decoded) for decoded in (memory, stored)]
    for each in warm:
        epoch(each, y)
    stores = (stored_images(folder, f"cold-{i}") for i in range(repeats))
    ways = {
        "torchvision in a data loader": plain_loop(paths, y),
        "nothing kept": lambda: epoch(source, y),
        "a folder, first epoch": lambda: epoch(CachedSource(source, store=next(stores)), y),
        "memory, later epochs": lambda: epoch(warm[0], y),
        "a folder, later epochs": lambda: epoch(warm[1], y),
    }
    print(f"{n} files of (375, 500), training views of {SIZE}:")
    report(side_by_side(ways, repeats), n)


def large_jpeg(folder: str, height: int, width: int) -> str:
    """A JPEG file of smooth shapes and fine noise."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (height // 24, width // 24, 3), dtype=np.uint8)
    image = np.asarray(Image.fromarray(coarse).resize((width, height), Image.BICUBIC))
    noisy = (image + rng.normal(0, 4, (height, width, 1))).clip(0, 255).astype(np.uint8)
    path = os.path.join(folder, f"{height}.jpg")
    Image.fromarray(noisy).save(path, quality=90)
    return path


def compare_sizes(folder: str, repeats: int) -> None:
    """Decoding whole, at a half and at a quarter."""
    for height, width in ((768, 1024), (1536, 2048), (3000, 4000)):
        paths = [large_jpeg(folder, height, width)] * 2 * os.cpu_count()
        ways = {
            "whole": lambda paths=paths: map_items(read, paths),
            "half": lambda paths=paths: map_items(lambda path: read_reduced(path, 2), paths),
            "quarter": lambda paths=paths: map_items(lambda path: read_reduced(path, 4), paths),
        }
        factor = as_image_source(paths).reduced(4 * SIZE).factor(0)
        print(f"JPEG files of ({height}, {width}), for views of {SIZE} divided by {factor}:")
        report(side_by_side(ways, repeats), len(paths))


def compare_threads(folder: str, repeats: int) -> None:
    """Compare decoding by all cores with decoding by one."""
    paths = [large_jpeg(folder, 768, 1024)] * 16
    ways = {
        "one after another": lambda: [read(path) for path in paths],
        "threads": lambda: map_items(read, paths),
    }
    print(f"decoding by threads, {os.cpu_count()} cores:")
    report(side_by_side(ways, repeats), len(paths))


# Reads folders from stdin, and prints the seconds of reading their files and of checking them.
WORKER = """
import sys, time
from pathlib import Path
from sklift.images._decode import check_file, read
for line in sys.stdin:
    paths, seconds = sorted(Path(line.strip()).iterdir()), []
    for work in (read, check_file):
        start = time.process_time()
        for path in paths:
            work(path)
        seconds.append(time.process_time() - start)
    print(*seconds, flush=True)
"""


def compare_builds(folder: str, n: int, repeats: int, other: str) -> None:
    """The same files in this build and in another one."""
    paths, _ = jpeg_files(folder, max(n, 200))  # fewer have no long tail
    folders = {kind: Path(folder, kind) for kind in ("JPEG", "PNG")}
    for kind, place in folders.items():
        place.mkdir()
        for i, path in enumerate(paths[:n]):
            Image.open(path).save(place / f"{i}.{kind.lower()}", quality=95)
    checkouts = {"this": Path(__file__).resolve().parents[1], "other": Path(other).resolve()}
    workers = {}
    for name, checkout in checkouts.items():
        environment = {**os.environ, "PYTHONPATH": str(checkout), "OMP_NUM_THREADS": "1"}
        workers[name] = subprocess.Popen(
            [sys.executable, "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
    for kind, place in folders.items():
        ratios = []
        for i in range(repeats + 1):
            found = {}
            for name in ("this", "other") if i % 2 else ("other", "this"):
                print(place, file=workers[name].stdin, flush=True)
                found[name] = np.array(workers[name].stdout.readline().split(), float)
            ratios.append(found["other"] / found["this"])
        reading, checking = np.median(ratios[1:], axis=0)  # the first has cold files
        print(f"{kind} ({n} files): reading {reading:.3f} x, checking headers {checking:.3f} x")
    for worker in workers.values():
        worker.communicate()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--against", metavar="CHECKOUT", help="another build to compare with")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        if arguments.against:
            compare_builds(folder, arguments.images, arguments.repeats, arguments.against)
            return
        compare_epochs(folder, arguments.images, arguments.repeats)
        compare_threads(folder, arguments.repeats)
        compare_sizes(folder, arguments.repeats)


if __name__ == "__main__":
    main()
