"""Batches of a data set, in its order, for computations without gradients."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import torch
from torch.utils.data import DataLoader

from .._compute._device import n_ahead, worker_arguments
from .._compute._plan import ComputePlan
from .._compute._threads import prepared_ahead
from ..images._dataset import collate, raise_failed
from ._labelled_rows import LabelledRows


def loaded(dataset, plan: ComputePlan) -> Iterator[torch.Tensor]:
    """Batches of a data set without labels, in its order.

    Rows are sliced, without a loader.
    """
    size = int(plan.batch_size)
    if isinstance(dataset, LabelledRows):
        yield from (dataset[i : i + size] for i in range(0, len(dataset), size))
        return
    batches: Iterable = DataLoader(
        dataset,
        size,
        collate_fn=collate,
        generator=torch.Generator(),  # a loader would draw from the global random state
        pin_memory=plan.device.type == "cuda",
        **worker_arguments(plan.num_workers),
    )
    if ahead := n_ahead(plan.device, plan.num_workers):
        batches = prepared_ahead(batches, ahead)
    yield from raise_failed(batches)
