"""What is trained on and in which order: splits, views or features, class totals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch.utils.data import Subset

from .._compute._compute import frozen_compute
from .._data._labelled_rows import LabelledRows
from .._data._repeated_views import repeated_views
from .._data._tokens import TokenRows, tokens_of_views
from .._net import EpochOrder, shared_order
from ._hold_out import HoldOut, draw_probabilities


@dataclass
class Sample:
    """What ``fit`` was given, validated."""

    data: Any  # Pictures or Rows
    codes: np.ndarray
    weight: np.ndarray | None
    seed: int
    skipped: np.ndarray  # indices of what could not be read


def split_sample(est, backbone, sample: Sample):
    """Training data, validation data or None, and the indices of the former."""
    labelled = (sample.codes, sample.weight)

    def views(augmentation):
        return sample.data.training(backbone, *labelled, augmentation, est.max_epochs, sample.seed)

    dataset = views(est.augmentation)
    split = (est.net_params or {}).get("train_split")
    if split and not callable(split):
        raise TypeError(
            f"train_split must be callable, got {split!r}: give "
            "an instance of skorch.dataset.ValidSplit"
        )
    fraction = est.validation_fraction
    if fraction is None and est.early_stopping:
        fraction = 0.1
    if split is None and fraction is not None:
        split = HoldOut(fraction, sample.seed, sample.weight)
    if not split:
        return dataset, None, np.arange(len(sample.codes))
    # Held-out pictures are seen as in prediction, and no class prior counts them.
    dataset, held_out = split(dataset, sample.codes)
    if not (isinstance(dataset, Subset) and isinstance(held_out, Subset)):
        raise ValueError(
            "train_split must split the training data in two subsets, as "
            "skorch.dataset.ValidSplit does; a data set of one's own can't be given there"
        )
    return dataset, Subset(views(None), held_out.indices), np.asarray(dataset.indices)


def on_frozen(est, model, sample, used, dataset, held_out, device, precision):
    """Datasets of what frozen blocks make of the views, where those repeat; else as they are."""
    compute = frozen_compute(est, device, precision)

    def rows(chosen, augmentation):
        views = repeated_views(augmentation, est.max_epochs)
        if views is None:
            return None
        given = (sample.codes[chosen], None if sample.weight is None else sample.weight[chosen])
        if model.tower_is_frozen:
            X = sample.data.features_of_views(model.backbone, chosen, views, **compute)
            return None if X is None else LabelledRows(torch.from_numpy(X), *given)
        if model.n_frozen_blocks:
            tokens = tokens_of_views(sample.data, model, chosen, views, **compute)
            return None if tokens is None else TokenRows(tokens, *given)
        return None

    trained = rows(np.arange(len(sample.codes)), est.augmentation)
    if trained is None:
        return dataset, held_out
    dataset = Subset(trained, used) if isinstance(dataset, Subset) else trained
    return dataset, None if held_out is None else rows(held_out.indices, None) or held_out


def class_totals(est, sample: Sample, used: np.ndarray, seed: int):
    """Per class: samples, their weights, and what the loss sees of it; and the order of samples."""
    codes, n_classes = sample.codes[used], len(est.classes_)
    weight = np.ones(len(used)) if sample.weight is None else sample.weight[used]
    counts = np.bincount(codes, minlength=n_classes)
    weighted = np.bincount(codes, weight, minlength=n_classes)
    probabilities, draws = None, weighted
    if est.sampler is not None:
        probabilities = draw_probabilities(codes, est.sampler)
        draws = np.bincount(codes, len(used) * probabilities * weight, minlength=n_classes)
    order = EpochOrder(len(used), seed, probabilities)
    return counts, weighted, draws, shared_order(est.net_params, order, est.batch_size)
