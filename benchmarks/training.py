"""Training, against the loop that users write by hand: images per second, and memory.

The same tower (ViT-S/16, random weights), files, batches, adapter, loss and optimiser; 20 classes,
long-tailed, JPEG files, 224 px. Plain: torchvision transforms per picture in a data loader with a
worker per core, the tower's own forward, float32. Ours: the defaults of LiftClassifier, and the
settings named in the table. Epochs of all of them take turns; medians are given, of epochs after
the first.

``python benchmarks/training.py [--images 192] [--repeats 3] [--memory-only]``
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
from plain import Files, jpeg_files, load_tower, normalize, random_tower
from torch import nn
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from sklift import LiftClassifier
from sklift.adapters import AdaptFormer
from sklift.adapters._bottleneck import Bottleneck

BATCH = 32
OURS = {
    "all blocks": {"adapter": AdaptFormer()},
    "all blocks, compiled": {"adapter": AdaptFormer(), "compile": True},
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
        """The feed-forward part, and the branch beside it."""
        return self.frozen(x) + self.scale * self.branch(x)


class Plain:
    """The plain loop."""

    def __init__(self, name, checkpoint, paths, y, rank: int):
        self.tower = load_tower(name, checkpoint)
        width = self.tower.ln_post.normalized_shape[0]
        self.tower.proj = None
        for block in self.tower.transformer.resblocks:
            block.mlp = Branch(nn.Sequential(block.ln_2, block.mlp), width, rank)
            block.ln_2 = nn.Identity()
        self.head = nn.Linear(width, y.max() + 1)
        crop = v2.RandomResizedCrop(224, interpolation=v2.InterpolationMode.BICUBIC)
        views = v2.Compose([crop, v2.RandomHorizontalFlip(), *normalize()])
        workers = {"num_workers": os.cpu_count(), "persistent_workers": True}
        self.loader = DataLoader(Files(paths, y, views), BATCH, shuffle=True, **workers)
        self.prior = torch.from_numpy(np.log(np.bincount(y) / len(y))).float()
        trained = [p for p in self.tower.parameters() if p.requires_grad]
        self.optimizer = torch.optim.SGD(
            [*trained, *self.head.parameters()], 0.02, 0.9, weight_decay=5e-4
        )

    def epoch(self) -> None:
        """One pass over the files."""
        for x, y in self.loader:
            loss = nn.functional.cross_entropy(self.head(self.tower(x)) + self.prior, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss.item()


def ours(name, checkpoint, params, n_epochs: int):
    """Our estimator, with the defaults but for what the comparison fixes."""
    return LiftClassifier(
        name,
        pretrained=checkpoint,
        batch_size=BATCH,
        init="random",
        max_epochs=n_epochs,
        random_state=0,
        verbose=0,
        **params,
    )


def speeds(name, checkpoint, paths, y, repeats: int) -> dict[str, float]:
    """Images per second, the median of the epochs that take turns."""
    rank = ours(name, checkpoint, OURS["all blocks"], 1).fit(paths[:64], y[:64]).adapter_.rank
    plain, times = Plain(name, checkpoint, paths, y, rank), {"plain": []}
    for _ in range(repeats):
        start = time.perf_counter()
        plain.epoch()
        times["plain"].append(time.perf_counter() - start)
        for what, params in OURS.items():
            history = ours(name, checkpoint, params, 2).fit(paths, y).history_
            times.setdefault(what, []).append(history[-1]["dur"])
    return {what: len(y) / np.median(seconds) for what, seconds in times.items()}


def memory(arguments: list[str]) -> None:
    """Print the peak memory of a few steps above that after the imports, in MB; a process each."""
    what, name, checkpoint, paths, labels = arguments
    paths, y = np.load(paths), np.load(labels)
    before = _peak()
    if what == "plain":
        plain = Plain(name, checkpoint, paths, y, 1)
        plain.loader = DataLoader(plain.loader.dataset, BATCH, shuffle=True)
        plain.epoch()
    else:
        ours(name, checkpoint, OURS[what], 1).fit(paths, y)
    print(_peak() - before)


def _peak() -> float:
    # of this program: what getrusage tells is not less than what the parent had
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=192)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--memory-only", action="store_true", help="leave the speeds out")
    parser.add_argument("--of", nargs=5, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.of:
        memory(arguments.of)
        return
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder)
        paths, y = jpeg_files(folder, arguments.images)
        if not arguments.memory_only:
            found = speeds(name, checkpoint, paths, y, arguments.repeats)
            print("training, images per second, and ratio to plain")
            for what, speed in found.items():
                print(f"{what:32s} {speed:6.1f} {speed / found['plain']:6.2f}")
        few = [os.path.join(folder, f"{what}.npy") for what in ("paths", "y")]
        for file, values in zip(few, (paths[:96], y[:96] % 2), strict=True):
            np.save(file, values)
        print("peak memory above the imports, MB, and ratio to plain")
        peaks = {}
        for what in ("plain", *OURS):
            command = [sys.executable, __file__, "--of", what, name, checkpoint, *few]
            out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            peaks[what] = float(out)
            print(f"{what:32s} {peaks[what]:6.0f} {peaks[what] / peaks['plain']:6.2f}")


if __name__ == "__main__":
    main()
