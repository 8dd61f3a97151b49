"""Prefixes beside prompts of the same length: CPU time of a picture.

``Prefix`` and ``VPT`` in all blocks of a ViT-S/16 with random weights, views of 224 px: a training
step without the optimizer, and a forward pass for prediction, in turn. Figures are the least
CPU seconds of one thread, which other processes on the machine disturb little.

``python benchmarks/prompts.py [--batch 8] [--repeats 8]``
"""

from __future__ import annotations

import argparse
import tempfile
import time

import torch
from plain import random_tower

from sklift._model import TunedModel
from sklift.adapters import VPT, Prefix
from sklift.backbones import load_backbone
from sklift.heads import Cosine

LENGTHS = (10, 50)


def train(model: TunedModel, views: torch.Tensor) -> None:
    """Gradients of one batch."""
    model.zero_grad()
    model.train()(views).logsumexp(1).sum().backward()


@torch.inference_mode()
def predict(model: TunedModel, views: torch.Tensor) -> None:
    """Logits of one batch."""
    model.eval()(views)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=8)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        backbone = load_backbone(*random_tower(folder))
    torch.manual_seed(0)
    views = torch.randint(0, 256, (arguments.batch, 3, 224, 224), dtype=torch.uint8)
    recipes = {(cls.__name__, n): cls(length=n) for n in LENGTHS for cls in (VPT, Prefix)}
    models = {key: TunedModel(backbone, r, Cosine(), 100) for key, r in recipes.items()}
    least: dict = {}
    for _ in range(arguments.repeats):
        for key, model in models.items():
            for call in (train, predict):
                start = time.process_time()
                call(model, views)
                took = (time.process_time() - start) / arguments.batch
                least[call, key] = min(took, least.get((call, key), took))
    print("length           VPT (ms)  Prefix (ms)  ratio")
    for n in LENGTHS:
        for call in (train, predict):
            prompts, prefixes = (1000 * least[call, (name, n)] for name in ("VPT", "Prefix"))
            ratio = prefixes / prompts
            print(f"{n:3} {call.__name__:10} {prompts:10.1f} {prefixes:12.1f} {ratio:6.2f}")


if __name__ == "__main__":
    main()
