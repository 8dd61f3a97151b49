"""Prediction from files not seen before, against the loop that users write by hand.

The same tower (ViT-S/16, random weights) and JPEG files. Plain: torchvision transforms per picture
in a data loader with a worker per core, float32. Ours: ``predict`` of a LiftClassifier with its
defaults, nothing kept from before. They take turns; medians are given. Then the same for five-crop
test-time ensembling.

``python benchmarks/prediction.py [--images 160] [--repeats 3] [--model ViT-S-16]``
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time

import numpy as np
import torch
from plain import (
    DEVICE,
    MODEL,
    Files,
    jpeg_files,
    load_tower,
    normalize,
    random_tower,
    test_transform,
)
from torch.utils.data import DataLoader
from torchvision.transforms import v2

from sklift import LiftClassifier

BATCH = 32


def five_crops(size: int = 224, expand: int = 24):
    """Resize a little larger, and take the corners and the centre."""
    resize = v2.Resize(size + expand, interpolation=v2.InterpolationMode.BICUBIC)
    finish = v2.Compose(normalize())
    crops = v2.Compose([resize, v2.FiveCrop(size)])
    return lambda image: torch.stack([finish(view) for view in crops(image)])


@torch.no_grad()
def plain_predict(tower, head, paths, transform) -> np.ndarray:
    """Predictions by the plain loop, the mean of the logits where there are several views."""
    files = Files(paths, np.zeros(len(paths)), transform)
    found = []
    for x, _ in DataLoader(files, BATCH, num_workers=os.cpu_count()):
        views = (x if x.ndim == 5 else x[:, None]).to(DEVICE)
        logits = head(tower(views.flatten(0, 1)))
        found.append(logits.unflatten(0, views.shape[:2]).mean(1).argmax(1))
    return torch.cat(found).cpu().numpy()


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=160)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--model", default=MODEL)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        name, checkpoint = random_tower(folder, arguments.model)
        paths, y = jpeg_files(folder, arguments.images)
        tower = load_tower(name, checkpoint)
        tower.proj = None
        head = torch.nn.Linear(tower.ln_post.normalized_shape[0], y.max() + 1).to(DEVICE)
        clf = LiftClassifier(
            name,
            pretrained=checkpoint,
            batch_size=BATCH,
            init="class_mean",
            max_epochs=1,
            random_state=0,
            compute__cache=False,
        ).fit(paths[:: max(1, len(paths) // 100)], y[:: max(1, len(paths) // 100)])
        print("images per second, and ratio to plain")
        for what, transform, tta in (
            ("predict", test_transform(), None),
            ("predict, five crops", five_crops(), "fivecrop"),
        ):
            clf.tta = tta
            some = paths if tta is None else paths[: len(paths) // 4]
            seconds = {"plain": [], "ours": []}
            for _ in range(arguments.repeats):
                start = time.perf_counter()
                plain_predict(tower, head, some, transform)
                middle = time.perf_counter()
                clf.predict(some)
                seconds["plain"].append(middle - start)
                seconds["ours"].append(time.perf_counter() - middle)
            plain, ours = (len(some) / np.median(seconds[k]) for k in ("plain", "ours"))
            print(f"{what:24s} plain {plain:6.1f}   ours {ours:6.1f}   {ours / plain:5.2f}")


if __name__ == "__main__":
    main()
