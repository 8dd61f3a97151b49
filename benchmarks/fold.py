"""Prediction with re-parametrised weights folded into plain ones, against without.

LoRA, SSF and sparse tuning in all blocks of a ViT-S/16 with random weights, decoded pictures of 224
px. The forward of one batch of a CPU is timed with the model as trained and with its folded copy,
in turn, and so is the folding itself. Figures are medians.

``python benchmarks/fold.py [--batch 8] [--repeats 7]``
"""

from __future__ import annotations

import argparse
import tempfile
import time
from statistics import median

import torch
from plain import random_tower

from sklift._model import TunedModel
from sklift._model._fold import folded
from sklift.adapters import SSF, LoRA, SparseTuning
from sklift.backbones import load_backbone
from sklift.heads import Cosine

RECIPES = {"LoRA(rank=8)": LoRA(rank=8), "SSF()": SSF(), "SparseTuning()": SparseTuning()}


def seconds(call) -> float:
    """Seconds of a call."""
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def compare(model: TunedModel, views: torch.Tensor, precision: torch.dtype, repeats: int) -> tuple:
    """Median seconds of a batch without and with folding, and of folding."""
    plain = folded(model)
    enabled = precision != torch.float32
    times = []
    with torch.inference_mode(), torch.autocast("cpu", precision, enabled=enabled):
        for _ in range(repeats + 1):
            steps = (lambda: model(views), lambda: plain(views), lambda: folded(model))
            times.append([seconds(step) for step in steps])
    return tuple(median(column) for column in zip(*times[1:], strict=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=7)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        backbone = load_backbone(*random_tower(folder))
    torch.manual_seed(0)
    views = torch.randint(0, 256, (arguments.batch, 3, 224, 224), dtype=torch.uint8)
    print("adapter         precision  images/s  folded  ratio  folding (ms)")
    for name, recipe in RECIPES.items():
        model = TunedModel(backbone, recipe, Cosine(), 20)
        for precision in (torch.float32, torch.bfloat16):
            before, after, folding = compare(model, views, precision, arguments.repeats)
            rates = (arguments.batch / seconds for seconds in (before, after))
            print(
                f"{name:15} {str(precision)[6:]:10} {{:8.1f}}  {{:6.1f}}".format(*rates),
                f" {before / after:5.2f}  {1000 * folding:12.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
