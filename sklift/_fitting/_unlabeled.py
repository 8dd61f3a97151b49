"""Pictures without labels: their pseudo-labels, and the samples of both kinds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from .._classes._pseudo_labels import pseudo_labels
from .._compute._plan import ComputePlan
from ..backbones import Backbone
from ._sample import Sample
from ._settings import FitSettings
from ._training_data import hold_out


def with_pseudo_labels(
    settings: FitSettings, sample: Sample, n_classes: int, backbone: Backbone, plan: ComputePlan
) -> Sample:
    """Samples with labels, followed by those without, which get pseudo-labels and small weights.

    Held-out samples have no part in the pseudo-labels, so that their score stays honest.

    Parameters
    ----------
    settings : FitSettings
        The parameters of the estimator.
    sample : Sample
        The training data; without unlabeled samples it is returned as it is.
    n_classes : int
        Number of classes.
    backbone : Backbone
        The tower, whose frozen features tell the classes apart.
    plan : ComputePlan
        Device, precision and stores.
    """
    if sample.unlabeled is None:
        return sample
    split = hold_out(settings, sample)
    n = len(sample.codes)
    used = np.arange(n) if split is None else np.array(split(range(n), sample.codes)[0].indices)
    weight = np.ones(n) if sample.weight is None else sample.weight
    used = used[weight[used] > 0]
    every = np.arange(len(sample.unlabeled))
    # The mean weight is that of a label. It must not depend on the scale of the weights.
    one = weight[used].mean()
    codes, weights = pseudo_labels(
        np.asarray(sample.data.features(backbone, used, plan)),
        sample.codes[used],
        weight[used] / one,
        np.asarray(sample.unlabeled.features(backbone, every, plan)),
        n_classes,
    )
    return replace(
        sample,
        data=sample.data.joined(sample.unlabeled),
        codes=np.concatenate([sample.codes, codes]),
        weight=np.concatenate([weight, one * weights]),
        unlabeled=None,
        n_pseudo=len(codes),
    )
