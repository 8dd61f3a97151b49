"""Training, against the loop that users write by hand: pictures per second, and memory.

The same tower (ViT-S/16, random weights), files, batches, adapter, loss and optimiser; 20 classes,
long-tailed, JPEG files, 224 px. Plain: torchvision transforms per picture in a data loader with a
worker per core, the tower's own forward, float32; the adapter in all blocks, and in the last 4.
Ours: the defaults of LiftClassifier, and the settings named in the table. Epochs of all of them
take turns; medians are given, of epochs after the first.

``python benchmarks/training.py [--images 192] [--repeats 3] [--memory-only]``; on a GPU
``--model ViT-B-16 --batch 128 --images 4096``.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from plain import DEVICE, MODEL, Files, jpeg_files, load_tower, normalize, random_tower
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from sklift import LiftClassifier
from sklift.adapters import AdaptFormer
from sklift.adapters._bottleneck import Bottleneck

OURS = {
    "all blocks": {"adapter": AdaptFormer()},
    "all blocks, compiled": {"adapter": AdaptFormer(), "compute__compile": True},
    "last 4 blocks": {"adapter": AdaptFormer(layers=4)},
    "last 4 blocks, stored views": {"adapter": AdaptFormer(layers=4), "augmentation": "fixed"},
}


class Branch(nn.Module):
    """AdaptFormer by hand."""

    def __init__(self, frozen, width: int, rank: int):
        super().__init__()
        self.frozen, self.branch = frozen, Bottleneck(width, rank)
        self.scale = nn.Parameter(torch.ones(1))

    def forward(self, x):
        """Return the sum of the feed-forward part and the branch beside it."""
        return self.frozen(x) + self.scale * self.branch(x)


class Plain:
    """The plain loop."""

    def __init__(
        self, name, checkpoint, paths, y, rank: int, batch: int, layers: int | None = None
    ):
        self.tower = load_tower(name, checkpoint)
        width = self.tower.ln_post.normalized_shape[0]
        self.tower.proj = None
        blocks = self.tower.transformer.resblocks
        for block in blocks if layers is None else blocks[-layers:]:
            block.mlp = Branch(nn.Sequential(block.ln_2, block.mlp), width, rank)
            block.ln_2 = nn.Identity()
        self.tower.to(DEVICE)
        self.head = nn.Linear(width, y.max() + 1).to(DEVICE)
        crop = v2.RandomResizedCrop(224, interpolation=v2.InterpolationMode.BICUBIC)
        views = v2.Compose([crop, v2.RandomHorizontalFlip(), *normalize()])
        workers = {"num_workers": os.cpu_count(), "persistent_workers": True}
        self.loader = DataLoader(Files(paths, y, views), batch, shuffle=True, **workers)
        self.prior = torch.from_numpy(np.log(np.bincount(y) / len(y))).float().to(DEVICE)
        trained = [p for p in self.tower.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(
            [*trained, *self.head.parameters()], 0.02, 0.9, weight_decay=5e-4
        )

    def epoch(self) -> None:
        """Train one epoch over the files."""
        for x, y in self.loader:
            x, y = x.to(DEVICE), y.to(DEVICE)
            loss = nn.functional.cross_entropy(self.head(self.tower(x)) + self.prior, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss.item()


def ours(name, checkpoint, params, n_epochs: int, batch: int):
    """Return our estimator, with defaults but for the settings of the comparison."""
    return LiftClassifier(
        name,
        pretrained=checkpoint,
        batch_size=batch,
        init="random",
        max_epochs=n_epochs,
        random_state=0,
        verbose=0,
        **params,
    )


def speeds(name, checkpoint, paths, y, repeats: int, batch: int) -> dict[str, float]:
    """Pictures per second, the median of the epochs that take turns."""

    def fit(params, n_epochs, n=None):
        return ours(name, checkpoint, params, n_epochs, batch).fit(paths[:n], y[:n])

    by_hand = {}
    for what, layers in (("plain, all blocks", None), ("plain, last 4 blocks", 4)):
        rank = fit({"adapter": AdaptFormer(layers=layers)}, 1, 64).adapter_.rank
        by_hand[what] = Plain(name, checkpoint, paths, y, rank, batch, layers)
        by_hand[what].epoch()  # starts the workers
    times: dict[str, list[float]] = {what: [] for what in (*by_hand, *OURS)}
    for _ in range(repeats):
        for what, plain in by_hand.items():
            start = time.perf_counter()
            plain.epoch()
            times[what].append(time.perf_counter() - start)
        for what, params in OURS.items():
            times[what].append(fit(params, 2).history_[-1]["dur"])
    return {what: len(y) / np.median(seconds) for what, seconds in times.items()}


def memory(arguments: list[str]) -> None:
    """Print the peak memory of a few steps above that after the imports, in MB; a process each."""
    what, name, checkpoint, paths, labels, batch = arguments
    paths, y = np.load(paths), np.load(labels)
    before = _peak()
    if what == "plain":
        plain = Plain(name, checkpoint, paths, y, 1, int(batch))
        plain.loader = DataLoader(plain.loader.dataset, int(batch), shuffle=True)
        plain.epoch()
    else:
        ours(name, checkpoint, OURS[what], 1, int(batch)).fit(paths, y)
    print(_peak() - before)


def _peak() -> float:
    if DEVICE.type == "cuda":
        return torch.cuda.max_memory_allocated() / 2**20
    # of this program: what getrusage tells is not less than what the parent had
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--memory-only", action="store_true", help="leave the speeds out")
    parser.add_argument("--of", nargs=6, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.of:
        memory(arguments.of)
        return
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder, arguments.model)
        paths, y = jpeg_files(folder, arguments.images)
        if not arguments.memory_only:
            found = speeds(name, checkpoint, paths, y, arguments.repeats, arguments.batch)
            every, last = (found[f"plain, {which}"] for which in ("all blocks", "last 4 blocks"))
            print("training: images per second, ratio to plain in all blocks, in the last 4")
            for what, speed in found.items():
                print(f"{what:32s} {speed:6.1f} {speed / every:6.2f} {speed / last:6.2f}")
        few = [os.path.join(folder, f"{what}.npy") for what in ("paths", "y")]
        n = 3 * arguments.batch
        for file, values in zip(few, (paths[:n], y[:n] % 2), strict=True):
            np.save(file, values)
        print("peak memory above the imports, MB, and ratio to plain")
        peaks: dict[str, float] = {}
        for what in ("plain", *OURS):
            arguments_of = (what, name, checkpoint, *few, str(arguments.batch))
            command = [sys.executable, __file__, "--of", *arguments_of]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            peaks[what] = float(out)
            print(f"{what:32s} {peaks[what]:6.0f} {peaks[what] / peaks['plain']:6.2f}")


if __name__ == "__main__":
    main()
