"""From a trained net to logits."""

from __future__ import annotations

import numpy as np
import torch

from ._compute import frozen_compute, precision_of
from ._data import LabelledRows


def logits(est, data) -> np.ndarray:
    """Logits ``(n, n_classes)`` of a fitted estimator, streamed batch by batch."""
    net = est.net_
    net.batch_size = int(est.batch_size)
    model = net.module_
    net.precision = precision_of(est, data, model.mean.device)
    views = None
    if model.tower_is_frozen and est.tta is None:
        compute = frozen_compute(est, model.mean.device, net.precision)
        X = data.features_of_views(model.backbone, np.arange(len(data)), None, **compute)
        views = None if X is None else LabelledRows(torch.from_numpy(X))
    if views is None:
        views = data.prediction(model.backbone, est.tta, est.tta_expand)
    return np.concatenate([batch.numpy() for batch in net.forward_iter(views)])
