"""Shares: of a training step in the rate of matrix products, of an epoch in that of steps.

AdaptFormer in all blocks of a tower with random weights, 224 px, the defaults of LiftClassifier
otherwise. The rate is that of the largest product in a step, in the precision of the training. The
step is the estimator's own, of a batch that is on the device already; the epoch is the second one
of a fit on JPEG files, whose pixels are known by then.

``python benchmarks/roofline.py [--model ViT-S-16] [--batch 32] [--images 192]``; on a GPU
``--model ViT-B-16 --batch 128 --images 4096``.
"""

from __future__ import annotations

import argparse
import tempfile
import time

import numpy as np
import torch
from plain import MODEL, jpeg_files, random_tower
from torch.utils.flop_counter import FlopCounterMode

from sklift import LiftClassifier
from sklift.adapters import AdaptFormer
from sklift.backbones._fast._precision import frozen_weights_cast


def median_seconds(function, n: int) -> float:
    """Median seconds of n calls, after one that doesn't count."""
    function()
    times = []
    for _ in range(n):
        start = time.perf_counter()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def products(width: int, n_rows: int, device) -> dict[torch.dtype, float]:
    """FLOP/s of the first product in a feed-forward part."""
    rates = {}
    for dtype in (torch.float32, torch.bfloat16):
        shapes = (n_rows, width), (width, 4 * width)
        a, b = (torch.randn(s, dtype=dtype, device=device) for s in shapes)
        rates[dtype] = 2 * n_rows * 4 * width**2 / median_seconds(lambda a=a, b=b: a @ b, 20)
    return rates


def main() -> None:
    """Print the rates and the shares."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default=MODEL)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--images", type=int, default=192)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder, arguments.model)
        paths, y = jpeg_files(folder, arguments.images)
        clf = LiftClassifier(
            name,
            pretrained=checkpoint,
            adapter=AdaptFormer(),
            batch_size=arguments.batch,
            init="random",
            max_epochs=3,
            random_state=0,
        ).fit(paths, y)
    net = clf.net_
    device = net.module_.mean.device
    shape = (arguments.batch, 3, 224, 224)
    views = torch.randint(0, 256, shape, dtype=torch.uint8, device=device)
    batch = views, torch.randint(0, len(clf.classes_), shape[:1], device=device)
    width = net.module_.head.weight.shape[1]
    rates = products(width, arguments.batch * 197, device)
    for dtype, rate in rates.items():
        print(f"matrix products in {dtype}: {rate / 1e9:.0f} GFLOP/s")
    with frozen_weights_cast(net.module_.tower, net.precision):  # as in a fit
        with FlopCounterMode(display=False) as counter:
            net.train_step(batch)
        seconds = median_seconds(lambda: net.train_step(batch), 5)
    flops = counter.get_total_flops()
    print(f"training step: {flops / 1e9:.0f} GFLOP in {seconds:.3f} s, ", end="")
    print(f"{flops / seconds / 1e9:.0f} GFLOP/s, {flops / seconds / rates[net.precision]:.0%}")
    steps = arguments.batch / seconds
    epoch = len(y) / float(np.median([row["dur"] for row in clf.history_[1:]]))
    print(f"images per second: steps {steps:.1f}, epochs {epoch:.1f}, {epoch / steps:.0%}")
    if device.type == "cuda":
        print(f"peak memory: {torch.cuda.max_memory_allocated() / 2**20:.0f} MiB")


if __name__ == "__main__":
    main()
