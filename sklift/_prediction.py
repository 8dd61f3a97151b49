"""From a trained net to logits."""

from __future__ import annotations

import numpy as np
import torch

from ._compute import frozen_compute, precision_of
from ._data import LabelledRows
from ._fold import folded


def logits(est, data) -> np.ndarray:
    """Logits ``(n, n_classes)`` of a fitted estimator, streamed batch by batch."""
    model = est.net_.module_
    precision = precision_of(est, data, model.mean.device)
    # a net of its own: other threads may be predicting, with other settings
    net = object.__new__(type(est.net_))
    changed = {"batch_size": int(est.batch_size), "precision": precision, "module_": folded(model)}
    vars(net).update(vars(est.net_) | changed)
    views = None
    if model.tower_is_frozen and est.tta is None:
        compute = frozen_compute(est, model.mean.device, precision)
        X = data.features_of_views(model.backbone, np.arange(len(data)), None, **compute)
        views = None if X is None else LabelledRows(torch.from_numpy(X))
    if views is None:
        views = data.prediction(model.backbone, est.tta, est.tta_expand)
    return np.concatenate([batch.numpy() for batch in net.forward_iter(views)])
