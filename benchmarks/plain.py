"""Plain code that users write by hand: torchvision, a data loader, float32, a tower."""

from __future__ import annotations

import os

import numpy as np
import open_clip
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

MODEL = "ViT-S-16"
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def random_tower(folder: str, model: str = MODEL) -> tuple[str, str]:
    """Name and checkpoint file of a model with random weights, by default a ViT-S/16."""
    torch.manual_seed(0)
    path = os.path.join(folder, "tower.pt")
    torch.save(open_clip.create_model(model, pretrained=None).state_dict(), path)
    return model, path


def jpeg_files(folder: str, n: int, n_classes: int = 20) -> tuple[np.ndarray, np.ndarray]:
    """JPEG files (375, 500), long-tailed 50 : 1 over the classes, and their labels."""
    rng = np.random.default_rng(0)
    share = 50.0 ** -(np.arange(n_classes) / (n_classes - 1))
    counts = np.maximum(5, (n * share / share.sum()).astype(int))
    counts[0] += n - counts.sum()
    y = np.repeat(np.arange(n_classes), counts)
    tints = rng.uniform(0.3, 1, (n_classes, 3))
    paths = []
    for i, label in enumerate(y):
        coarse = rng.integers(0, 256, (24, 32, 3)) * tints[label]
        image = Image.fromarray(coarse.astype(np.uint8)).resize((500, 375), Image.BICUBIC)
        noisy = np.asarray(image) + rng.normal(0, 8, (375, 500, 3))
        paths.append(os.path.join(folder, f"{i}.jpg"))
        Image.fromarray(noisy.clip(0, 255).astype(np.uint8)).save(paths[-1], quality=90)
    return np.array(paths), y


class Files(Dataset):
    """Data set of files, each through the transforms."""

    def __init__(self, paths, y, transform):
        self.paths, self.y, self.transform = paths, y, transform

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, i):
        return self.transform(Image.open(self.paths[i]).convert("RGB")), int(self.y[i])


def normalize():
    """The transforms after the crop."""
    mean, std = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
    return [v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(mean, std)]


def test_transform(size: int = 224):
    """Transform with resize and centre crop, as in the authors' code."""
    resize = v2.Resize(size * 8 // 7, interpolation=v2.InterpolationMode.BICUBIC)
    return v2.Compose([resize, v2.CenterCrop(size), *normalize()])


def load_tower(name: str, checkpoint: str) -> torch.nn.Module:
    """The image tower, frozen, float32, on the GPU where there is one."""
    model = open_clip.create_model(name, pretrained=None)
    model.load_state_dict(torch.load(checkpoint, weights_only=True))
    return model.visual.eval().requires_grad_(False).to(DEVICE)


@torch.no_grad()
def plain_features(name: str, checkpoint: str, paths, batch_size: int = 32) -> torch.Tensor:
    """Features of files, in float32."""
    tower = load_tower(name, checkpoint)
    files = Files(paths, np.zeros(len(paths)), test_transform())
    loader = DataLoader(files, batch_size, num_workers=os.cpu_count())
    return torch.cat([tower(views.to(DEVICE)).cpu() for views, _ in loader])
