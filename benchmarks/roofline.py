"""The share of the measured rate of matrix products that a training step reaches.

ViT-S/16 with random weights, AdaptFormer in all blocks, a batch of 32 views of 224 px in bfloat16.
The rate is that of the largest product in it, ``(32 * 197, 384) @ (384, 1536)``.

``python benchmarks/roofline.py``
"""

from __future__ import annotations

import tempfile
import time

import numpy as np
import torch
from plain import random_tower
from torch.utils.flop_counter import FlopCounterMode

from sklift._model import TunedModel
from sklift.adapters import AdaptFormer
from sklift.backbones import load_backbone
from sklift.heads import Cosine


def median_seconds(function, n: int) -> float:
    """Of n calls, after one that doesn't count."""
    function()
    times = []
    for _ in range(n):
        start = time.perf_counter()
        function()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        times.append(time.perf_counter() - start)
    return float(np.median(times))


def main() -> None:
    """Print the rates and the share."""
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with tempfile.TemporaryDirectory() as folder:
        backbone = load_backbone(*random_tower(folder))
    model = TunedModel(backbone, AdaptFormer(), Cosine(), 20, device)
    views = torch.randint(0, 256, (32, 3, 224, 224), dtype=torch.uint8, device=device)
    target = torch.randint(0, 20, (32,), device=device)

    def step():
        model.zero_grad()
        for part, y in zip(views.split(8), target.split(8), strict=True):
            with torch.autocast(device, torch.bfloat16):
                logits = model(part)
            torch.nn.functional.cross_entropy(logits.float(), y, reduction="sum").backward()

    for dtype in (torch.float32, torch.bfloat16):
        a, b = (torch.randn(s, dtype=dtype, device=device) for s in ((32 * 197, 384), (384, 1536)))
        rate = 2 * 32 * 197 * 384 * 1536 / median_seconds(lambda a=a, b=b: a @ b, 20) / 1e9
        print(f"matrix products in {dtype}: {rate:.0f} GFLOP/s")
    with FlopCounterMode(display=False) as counter:
        step()
    seconds = median_seconds(step, 5)
    reached = counter.get_total_flops() / seconds / 1e9
    print(f"training step: {counter.get_total_flops() / 1e9:.0f} GFLOP in {seconds:.2f} s")
    print(f"{reached:.0f} GFLOP/s, {reached / rate:.0%} of the products' rate in bfloat16")


if __name__ == "__main__":
    main()
