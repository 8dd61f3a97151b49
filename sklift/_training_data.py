"""What is trained on and in which order: splits, views or features, class totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.utils.data import Subset

from ._compute import frozen_compute
from ._data import LabelledRows
from ._net import EpochOrder
from ._split import HoldOut, draw_probabilities


@dataclass
class Sample:
    """What ``fit`` was given, validated."""

    data: object  # Pictures or Rows
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


def on_features(est, backbone, sample, used, dataset, held_out, device, precision):
    """Datasets of what the frozen tower makes of the views, where those repeat."""
    compute = frozen_compute(est, device, precision)
    every = np.arange(len(sample.codes))
    X = sample.data.features_of_views(backbone, every, est.augmentation, **compute)
    if X is None:
        return dataset, held_out
    rows = LabelledRows(torch.from_numpy(X), sample.codes, sample.weight)
    dataset = Subset(rows, used) if isinstance(dataset, Subset) else rows
    if held_out is not None:
        X = sample.data.features_of_views(backbone, held_out.indices, None, **compute)
        weight = None if sample.weight is None else sample.weight[held_out.indices]
        held_out = LabelledRows(torch.from_numpy(X), sample.codes[held_out.indices], weight)
    return dataset, held_out


def class_totals(est, sample: Sample, used: np.ndarray, seed: int):
    """Per class: samples, their weights, and what the loss sees of it; and the order of samples."""
    codes, n_classes = sample.codes[used], len(est.classes_)
    weight = np.ones(len(used)) if sample.weight is None else sample.weight[used]
    counts = np.bincount(codes, minlength=n_classes)
    weighted = np.bincount(codes, weight, minlength=n_classes)
    if est.sampler is None:
        return counts, weighted, weighted, EpochOrder(len(used), seed)
    probabilities = draw_probabilities(codes, est.sampler)
    draws = np.bincount(codes, len(used) * probabilities * weight, minlength=n_classes)
    return counts, weighted, draws, EpochOrder(len(used), seed, probabilities)
