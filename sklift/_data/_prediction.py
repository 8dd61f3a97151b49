"""From a trained net to logits."""

from __future__ import annotations

import numpy as np
import torch

from .._compute._compute import frozen_compute, precision_of
from .._model._fold import folded
from .._model._tuned_model import TunedModel
from ._labelled_rows import LabelledRows
from ._repeated_views import TEST
from ._tokens import TokenRows, known_tokens


def logits(est, data) -> np.ndarray:
    """Logits ``(n, n_classes)`` of a fitted estimator, streamed batch by batch."""
    model = est.net_.module_
    precision = precision_of(est, data, model.mean.device)
    # a net of its own: other threads may be predicting, with other settings
    net = object.__new__(type(est.net_))
    changed = {"batch_size": int(est.batch_size), "precision": precision, "module_": folded(model)}
    vars(net).update(vars(est.net_) | changed)
    views = None if est.tta is not None else _frozen(est, data, model, precision)
    if views is None:
        views = data.prediction(model.backbone, est.tta, est.tta_expand)
    return np.concatenate([batch.numpy() for batch in net.forward_iter(views)])


def _frozen(est, data, model: TunedModel, precision):
    """What frozen blocks make of the pictures, where it is all that is needed, or known; or None.

    Tokens are not kept for later: those of many pictures would push out what is trained on.
    """
    compute = frozen_compute(est, model.mean.device, precision)
    if model.tower_is_frozen:
        X = data.features_of_views(model.backbone, np.arange(len(data)), [TEST], **compute)
        return None if X is None else LabelledRows(torch.from_numpy(X))
    if model.n_frozen_blocks:
        tokens = known_tokens(data, model, **compute)
        return None if tokens is None else TokenRows(tokens)
    return None
