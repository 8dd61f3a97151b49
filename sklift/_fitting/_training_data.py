"""Training data: splits, their views or features, class totals, and the order of samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from torch.utils.data import Subset

from .._compute._plan import ComputePlan
from .._data._labelled_rows import LabelledRows
from .._data._repeated_views import repeated_views
from .._data._tokens import TokenRows, tokens_of_views
from .._model import TunedModel
from .._net import EpochOrder, shared_order
from ._draws import expected_draws, sampling_probabilities, user_sampler
from ._sample import Sample
from ._settings import FitSettings


@dataclass(frozen=True)
class ClassTotals:
    """Totals of each class, ``(n_classes,)`` each.

    Attributes
    ----------
    counts : ndarray
        Number of training samples.
    weights : ndarray
        Sum of the weights of the training samples.
    effective : ndarray
        Sum of the weights of the samples that an epoch draws: the class counts for the loss.
    total : float
        The same sum over the samples of all classes.
    """

    counts: np.ndarray
    weights: np.ndarray
    effective: np.ndarray
    total: float

    def __add__(self, other: ClassTotals) -> ClassTotals:
        return ClassTotals(
            self.counts + other.counts,
            self.weights + other.weights,
            self.effective + other.effective,
            self.total + other.total,
        )


def split_sample(settings: FitSettings, backbone, sample: Sample):
    """Return training data, validation data or None, and the indices of the training data."""
    labelled = (sample.codes, sample.weight)

    def views(augmentation):
        schedule = (augmentation, settings.max_epochs, sample.seed)
        return sample.data.training(backbone, *labelled, *schedule)

    dataset = views(settings.augmentation)
    split = hold_out(settings, sample)
    if split is None:
        return dataset, None, np.arange(len(sample.codes))
    if sample.n_pseudo:
        n = sample.n_labelled
        own, held_out = split(range(n), sample.codes[:n])  # no pseudo-label is held out
        dataset = Subset(dataset, [*own.indices, *range(n, len(sample.codes))])
    else:
        dataset, held_out = split(dataset, sample.codes)
    # Held-out pictures have the views of prediction, and do not count in the class prior.
    if not (isinstance(dataset, Subset) and isinstance(held_out, Subset)):
        raise ValueError(
            "train_split must split the training data in two subsets, as "
            "skorch.dataset.ValidSplit does; a data set of one's own can't be given there"
        )
    return dataset, Subset(views(None), held_out.indices), np.asarray(dataset.indices)


def hold_out(settings: FitSettings, sample: Sample):
    """The split that holds out a validation part, or None."""
    split = settings.net_params.get("train_split")
    if split and not callable(split):
        raise TypeError(
            f"train_split must be callable, got {split!r}: give "
            "an instance of skorch.dataset.ValidSplit"
        )
    if split and (sample.unlabeled is not None or sample.n_pseudo):
        raise ValueError(
            "train_split in net_params can't tell labels from pseudo-labels, of which none may be "
            "held out: with unlabeled, set validation_fraction instead"
        )
    fraction = settings.validation_fraction
    if fraction is None and settings.early_stopping:
        fraction = 0.1
    if split is None and fraction is not None:
        split = sample.hold_out(fraction)
    return split or None


def precompute_frozen(
    settings: FitSettings,
    model: TunedModel,
    sample: Sample,
    used: np.ndarray,
    dataset,
    held_out,
    plan: ComputePlan,
):
    """Replace repeated views by frozen features or tokens; return other data sets unchanged."""

    def rows(chosen, augmentation):
        views = repeated_views(augmentation, settings.max_epochs)
        if views is None:
            return None
        given = (sample.codes[chosen], None if sample.weight is None else sample.weight[chosen])
        if model.tower_is_frozen:
            X = sample.data.features_of_views(model.backbone, chosen, views, plan)
            return None if X is None else LabelledRows(X, *given)
        if model.n_frozen_blocks:
            tokens = tokens_of_views(sample.data, model, chosen, views, plan)
            return None if tokens is None else TokenRows(tokens, *given)
        return None

    trained = rows(np.arange(len(sample.codes)), settings.augmentation)
    if trained is None:
        return dataset, held_out
    dataset = Subset(trained, used) if isinstance(dataset, Subset) else trained
    return dataset, None if held_out is None else rows(held_out.indices, None) or held_out


def class_totals(
    settings: FitSettings,
    sample: Sample,
    used: np.ndarray,
    n_classes: int,
    seed: int,
    n_epochs: int,
):
    """Return the class totals of the training samples, and the order of the samples.

    ``n_epochs``: number of epochs for which the draws are counted.
    """
    weight = None if sample.weight is None else sample.weight[used]
    counts = sample.sums(used[used < sample.n_labelled], None, n_classes)
    weighted = sample.sums(used, weight, n_classes).astype(float)
    total = float(len(used) if weight is None else weight.sum())
    probabilities, draws, effective = None, None, weighted
    name, sampler = user_sampler(settings.net_params)
    if settings.sampler is not None:
        probabilities = sampling_probabilities(settings.sampler, sample.codes[used], n_classes)
        draws = len(used) * probabilities
    elif sampler is not None:
        draws = expected_draws(sampler, len(used), n_epochs, seed, name=name)
    if draws is not None:
        drawn = draws if weight is None else draws * weight
        effective, total = sample.sums(used, drawn, n_classes), float(drawn.sum())
    order = EpochOrder(len(used), seed, probabilities)
    order = shared_order(settings.net_params, order, settings.batch_size)
    return ClassTotals(counts, weighted, effective, total), order
