"""The prediction loop: logits, a batch at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from itertools import pairwise

import numpy as np
import torch

from .._compute._micro_batches import MicroBatches
from .._compute._plan import ComputePlan
from .._model import TunedModel, folded
from ._labelled_rows import LabelledRows
from ._loading import loaded
from ._repeated_views import TEST
from ._tokens import TokenRows, known_tokens

_BATCHES = 8  # batches whose features are looked up at once


def logits(model: TunedModel, data, tta, plan: ComputePlan) -> Iterator[np.ndarray]:
    """Batches of logits ``(n_batch, n_classes)`` of pictures or rows, in their order.

    Only a few batches are in memory. Stored frozen features are not computed again. Tokens are not
    stored: those of many pictures would replace those of the training data.
    """
    plain = folded(model)
    if tta is None and model.tower_is_frozen and not model.backbone.is_empty:
        for chosen in index_groups(len(data), plan):
            X = data.features_of_views(model.backbone, chosen, [TEST], plan)
            yield from _forward(plain, LabelledRows(X), plan, model.in_parts)
        return
    tokens = known_tokens(data, model, plan) if tta is None and model.n_frozen_blocks else None
    if tokens is not None:
        yield from _forward(plain, TokenRows(tokens), plan, model.in_parts)
    else:
        views = data.prediction(model.backbone, tta)
        yield from _forward(plain, views, plan, model.in_parts)


def index_groups(n: int, plan: ComputePlan) -> Iterator[np.ndarray]:
    """Indices of the pictures, in arrays of several batches each.

    The last array may be longer: a small batch of its own would be rounded differently.
    """
    size = int(plan.batch_size) * _BATCHES * (8 if plan.num_workers else 1)  # workers restart
    starts = [*range(0, max(1, n - int(plan.batch_size) + 1), size), n]
    for start, stop in pairwise(starts):
        yield np.arange(start, stop)


def _forward(
    model: TunedModel, dataset, plan: ComputePlan, in_parts: MicroBatches
) -> Iterator[np.ndarray]:
    """Logits of a data set, in float32 or float64."""
    device_type = plan.device.type
    half = plan.precision in (torch.bfloat16, torch.float16)

    def compute(x):
        with torch.autocast(device_type, plan.precision) if half else nullcontext():
            y = model(x)
        return y if y.dtype == torch.float64 else y.float()

    for x in loaded(dataset, plan):
        model.eval()  # a callback may predict during training
        with torch.inference_mode():
            y = in_parts(compute, x.to(plan.device), plan.device).cpu().numpy()
        yield y
