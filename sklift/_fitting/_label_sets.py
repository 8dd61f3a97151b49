"""The samples of a fit in which a picture has any number of labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from sklearn.utils import check_random_state
from torch.utils.data import Subset

from .._classes._label_sets import LabelSets, read_label_sets
from .._classes._prompts import prompt_features
from .._classes._stratification import iterative_stratification
from .._net import MultilabelNet
from ..heads import label_mean_rows, text_rows, without_mean
from ..losses import MultilabelLoss
from ._sample import Sample, checked_weight, readable, seed_of
from ._settings import FitSettings

_OF_A_LABEL, _OF_ALL = 100, 1000  # pictures that tell means, at most


@dataclass
class LabelSetSample(Sample):
    """Training data of a fit; ``codes`` has a row of zeros and ones for each picture."""

    def sums(self, used: np.ndarray, amounts: np.ndarray | None, n_classes: int) -> np.ndarray:
        """Sums over the samples ``used`` with each label, of amounts or else of ones."""
        rows = self.codes[used]
        return rows.sum(0, dtype=np.int64) if amounts is None else amounts @ rows

    def hold_out(self, fraction: float):
        """The split that holds out a fraction of the pictures of each label."""
        return LabelSetHoldOut(fraction, self.seed, self.weight)

    def start_head(self, head, init: str, backbone, used, classes, plan, settings: FitSettings):
        """Set what the head starts from: its rows, and what it computes from frozen features.

        Rows of heads that do not whiten start at right angles to the mean picture.
        """
        fit_features = getattr(head, "fit_features", None)
        if init == "random" and fit_features is None:
            return
        if init == "text" and fit_features is not None:
            raise ValueError(
                f"{type(head).__name__} compares whitened features, for which no text is a start: "
                "use init='class_mean', or head='cosine'"
            )
        chosen = used if self.weight is None else used[self.weight[used] > 0]
        of_each = 0 if init == "text" else _OF_A_LABEL  # for texts, the mean of all is enough
        chosen = chosen[some_of_each(self.codes[chosen], of_each, self.seed)]
        features = self.data.features(backbone, chosen, plan)
        weight = None if self.weight is None else self.weight[chosen]
        if fit_features is not None:  # pictures of all labels are one class: the spread of all
            features = fit_features(features, np.zeros(len(chosen), np.int64), weight)
        if init == "random":
            return
        if init == "text":
            words = prompt_features(backbone, settings.prompts, classes.labels, classes.names)
            proj = backbone.projection
            rows = text_rows(words, torch.eye(words.shape[1]) if proj is None else proj)
        else:
            rows = label_mean_rows(features, self.codes[chosen], weight)
        if fit_features is None:
            rows = without_mean(rows, features)
        with torch.no_grad():
            head.weight.copy_(rows)

    def start_bias(self, head, settings: FitSettings, totals) -> None:
        """Set the bias of the head to the log-odds that the loss doesn't add by itself."""
        if getattr(head, "bias", None) is None:
            return
        loss = self.build_loss(settings, totals)
        with torch.no_grad():
            head.bias.copy_(loss.log_odds(torch.float64) - loss.adjustment(torch.float64))

    def build_loss(self, settings: FitSettings, totals) -> MultilabelLoss:
        """The loss module, for the label totals of the training samples.

        Weights count as numbers of pictures, whatever their scale.
        """
        counts, total = totals.effective, totals.total
        if self.weight is not None:
            n = np.count_nonzero(self.weight)
            mean = self.weight.sum() / n
            counts, total = counts / mean, total / mean
        loss = settings.loss.build(counts, total, settings.head)
        if not isinstance(loss, MultilabelLoss):
            raise TypeError(
                f"{type(settings.loss).__name__}.build must return a MultilabelLoss, got {loss!r}"
            )
        return loss

    def net_class(self, order):
        """The class of the net that trains on the samples."""
        return MultilabelNet

    def fitted(self, settings: FitSettings, totals) -> dict[str, Any]:
        """Fitted attributes about the labels, by name."""
        adjustment = self.build_loss(settings, totals).adjustment(torch.float64).numpy()
        return {
            "label_counts_": totals.counts,
            "label_shares_": totals.weights / totals.total,
            "adjustment_": adjustment,
        }


class LabelSetHoldOut:
    """Split that holds out a fraction of the pictures of each label, for ``train_split``.

    At least one picture of each label stays in the training data.
    """

    def __init__(self, fraction: float, seed: int, weight: np.ndarray | None = None):
        self.fraction = fraction
        self.seed = seed
        self.weight = weight

    def __call__(self, dataset, targets):
        """Return two subsets of the dataset, training and validation, both in order."""
        rng = check_random_state(self.seed)
        held = iterative_stratification(targets, [1 - self.fraction, self.fraction], rng) == 1
        counts = np.ones(len(targets)) if self.weight is None else self.weight
        for label in np.flatnonzero(((counts > 0) @ targets) > 0):
            members = np.flatnonzero((targets[:, label] == 1) & (counts > 0))
            if held[members].all():
                held[members[0]] = False
        if not held.any() or held.all():
            raise ValueError(
                f"there are too few pictures to hold out a share of {self.fraction:g} for "
                "validation: leave out validation_fraction and early_stopping"
            )
        return Subset(dataset, np.flatnonzero(~held)), Subset(dataset, np.flatnonzero(held))


def some_of_each(targets: np.ndarray, of_each: int, seed: int) -> np.ndarray:
    """Indices of a random draw of pictures: at most ``of_each`` of each label, and some of all."""
    order = check_random_state(seed).permutation(len(targets))
    drawn = targets[order]
    rank = np.cumsum(drawn, axis=0, dtype=np.int64)
    kept = ((drawn == 1) & (rank <= of_each)).any(1)
    kept[:_OF_ALL] = True
    return np.sort(order[kept])


def read_label_set_sample(data, y, sample_weight, classes, *, skip: bool, random_state):
    """Return the labels as they were read, and the validated samples.

    Parameters
    ----------
    data : Pictures or Rows
        Pictures, or rows of features.
    y : matrix or list of lists
        The labels, see :func:`sklift._classes._label_sets.read_label_sets`.
    sample_weight : array-like or None
        Weights of the samples.
    classes : array-like or None
        All labels, if they are given.
    skip : bool
        Whether unreadable pictures are left out.
    random_state : int, RandomState instance or None
        The source of the seed.
    """
    sets: LabelSets = read_label_sets(y, classes)
    targets = sets.targets
    if len(targets) != len(data):
        raise ValueError(f"X has {len(data)} samples and y has labels of {len(targets)}")
    weight = checked_weight(sample_weight, targets[:, 0])
    data, targets, weight, skipped = readable(data, targets, weight, skip)
    if not skip:
        data.check_header()
    return sets, LabelSetSample(data, targets, weight, seed_of(random_state), skipped)
