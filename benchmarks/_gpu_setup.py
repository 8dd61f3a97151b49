"""A tower, pictures, our estimators and the loop written by hand, for ``gpu.py``."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import open_clip
import torch
from PIL import Image
from plain import DEVICE, Files, random_tower
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader
from training import Plain

from sklift import ImageEmbedder, LiftClassifier
from sklift.backbones._fast._precision import frozen_weights_cast
from sklift.training import Compute

ON_GPU = DEVICE.type == "cuda"
GRID = {"adapter__rank": [1, 4, 8, 16], "loss__tau": [0.5, 1.0]}
# for a dry run: views of 224 px in 49 patches
_TINY = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 224, "layers": 2, "width": 128, "patch_size": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 2, "layers": 1},
}


class Setup:
    """Setup that all sections share: of full size, or, if ``dry``, of seconds on two cores."""

    def __init__(self, folder: str, dry: bool):
        self.dry, self.folder = dry, folder
        self.batch = 8 if dry else 128
        self.rounds = 1 if dry else 3
        self.n_few = 24 if dry else 384  # of which some sections use no more
        model = "ViT-B-16"
        if dry:
            torch.set_num_threads(1)  # two wait for each other where others compute
            model = "Dry-32"
            (Path(folder) / f"{model}.json").write_text(json.dumps(_TINY), encoding="utf-8")
            open_clip.add_model_config(folder)
        self.model, self.checkpoint = random_tower(folder, model)
        # as many as are kept decoded, in whole batches; in training each comes three times
        self.files, self.labels = jpeg_files(folder, *((32, 4) if dry else (1536, 20)))
        times = 1 if dry else 3
        self.paths, self.y = np.tile(self.files, times), np.tile(self.labels, times)
        spread = np.linspace(0, len(self.files) - 1, self.n_few).astype(int)
        self.few, self.y_few = self.files[spread], self.labels[spread]

    def estimator(
        self,
        *,
        epochs: int = 1,
        init: str = "random",
        precision: str = "auto",
        keep: bool = True,
        workers: int = 0,
        recompute: bool = False,
        compiled: bool = False,
    ) -> LiftClassifier:
        """Return our estimator: AdaptFormer in all blocks, defaults but for the arguments."""
        return LiftClassifier(
            self.model,
            pretrained=self.checkpoint,
            adapter="adaptformer",
            init=init,
            max_epochs=epochs,
            batch_size=self.batch,
            random_state=0,
            compute=Compute(
                precision=precision,
                cache="auto" if keep else False,
                num_workers=workers,
                recompute=recompute,
                compile=compiled,
            ),
        )

    def embedder(self) -> ImageEmbedder:
        """Return our embedder, without a cache."""
        return ImageEmbedder(
            self.model,
            pretrained=self.checkpoint,
            batch_size=self.batch,
            compute__cache=False,
        )

    def in_float32(self, clf: LiftClassifier) -> LiftClassifier:
        """Return the classifier, changed to predict in float32."""
        return clf.set_params(compute__precision="float32")

    def loop(self, paths, y, rank: int) -> Loop:
        """Return the loop by hand, with the same blocks and adapter."""
        return Loop(self.model, self.checkpoint, paths, y, rank, self.batch)

    def device_batch(self, n_classes: int, *, floats: bool = False):
        """Random views and labels that are on the device."""
        views = torch.randint(0, 256, (self.batch, 3, 224, 224), dtype=torch.uint8, device=DEVICE)
        target = torch.randint(0, n_classes, (self.batch,), device=DEVICE)
        return views / 255 if floats else views, target


class Loop(Plain):
    """Plain loop, in float32 or as in torch's guide to mixed precision."""

    def epoch(self, batches=None, dtype: torch.dtype = torch.float32) -> None:
        """Train one epoch, over the files or over given batches."""
        for x, y in self.loader if batches is None else batches:
            x, y = x.to(DEVICE), y.to(DEVICE)
            with torch.autocast(DEVICE.type, dtype, enabled=dtype != torch.float32):
                loss = cross_entropy(self.head(self.tower(x)) + self.prior, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            loss.item()


@torch.no_grad()
def plain_outputs(network, paths, transform, batch: int) -> torch.Tensor:
    """Return the outputs of a network for files in bfloat16, the mean over several views."""
    files, found = Files(paths, np.zeros(len(paths)), transform), []
    for x, _ in DataLoader(files, batch, num_workers=os.cpu_count()):
        views = (x if x.ndim == 5 else x[:, None]).to(DEVICE)
        with torch.autocast(DEVICE.type, torch.bfloat16):
            out = network(views.flatten(0, 1))
        found.append(out.float().unflatten(0, views.shape[:2]).mean(1))
    return torch.cat(found).cpu()


def jpeg_files(folder: str, n: int, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """JPEG files (375, 500) by several threads, long-tailed over the classes, and their labels."""
    share = (n_classes / 2) ** -(np.arange(n_classes) / (n_classes - 1))
    y = np.searchsorted(np.cumsum(share / share.sum()), (np.arange(n) + 0.5) / n)
    tints = np.random.default_rng(0).uniform(0.3, 1, (n_classes, 3))

    def write(i: int) -> str:
        rng = np.random.default_rng([1, i])
        coarse = rng.integers(0, 256, (24, 32, 3)) * tints[y[i]]
        image = Image.fromarray(coarse.astype(np.uint8)).resize((500, 375), Image.BICUBIC)
        noisy = np.asarray(image) + rng.normal(0, 8, (375, 500, 3)).astype(np.float32)
        path = os.path.join(folder, f"{i}.jpg")
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(path, quality=90)
        return path

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return np.array(list(pool.map(write, range(n)))), y


def seconds(function: Callable, n: int) -> float:
    """The median of n calls after two that don't count, by the device's clock where it has one."""
    for _ in range(2):
        function()
    times = []
    for _ in range(n):
        if ON_GPU:
            start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            start.record()
            function()
            end.record()
            end.synchronize()
            times.append(start.elapsed_time(end) / 1000)
        else:
            begin = time.perf_counter()
            function()
            times.append(time.perf_counter() - begin)
    return float(np.median(times))


def timed(function: Callable) -> float:
    """Seconds of one call."""
    start = time.perf_counter()
    function()
    if ON_GPU:
        torch.cuda.synchronize()
    return time.perf_counter() - start


@contextmanager
def stepping(clf: LiftClassifier, batch) -> Iterator[Callable]:
    """The training step of a fitted classifier on one batch, weights held as in a fit."""
    net = clf.net_
    with frozen_weights_cast(net.module_.tower, net.precision):
        yield lambda: net.train_step(batch)
