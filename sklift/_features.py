"""Features of the frozen tower, for whatever starts from them."""

from __future__ import annotations

import numpy as np
import torch
from torch.utils.data import DataLoader

from .backbones import Backbone


@torch.inference_mode()
def frozen_features(
    backbone: Backbone,
    dataset,
    *,
    device: torch.device,
    precision: torch.dtype,
    batch_size: int,
    num_workers: int = 0,
) -> np.ndarray:
    """Features ``(n, n_features)`` float32 of the views of a dataset, in its order.

    ``dataset`` gives ``(views, ...)`` with views ``(3, s, s)`` uint8.
    """
    tower = backbone.open(device).module
    mean, std = (
        torch.tensor(v, device=device).view(3, 1, 1)
        for v in (backbone.preprocess.mean, backbone.preprocess.std)
    )
    out = []
    for batch in DataLoader(dataset, batch_size, num_workers=num_workers):
        views = batch[0] if isinstance(batch, (list, tuple)) else batch
        x = (views.to(device).float() / 255 - mean) / std
        with torch.autocast(device.type, precision, enabled=precision != torch.float32):
            features = tower(x)
        out.append(features.float().cpu())
    return torch.cat(out).numpy()
