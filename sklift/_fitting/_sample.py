"""The samples of a fit: pictures or features, labels and weights, validated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.utils import check_random_state

from .._classes._labels import check_labels, encode_labels, listed_classes
from .._core._recipes import matches_trained
from .._core._sklearn import check_sample_weight
from .._core._text import counted
from .._core._warn import warn
from .._data._unread import by_index
from .._net import net_class
from ..losses import build_loss, implied_prior
from ._head_start import start_head
from ._hold_out import HoldOut
from ._settings import FitSettings


@dataclass
class Sample:
    """Training data of a fit; each picture has one label.

    Attributes
    ----------
    data : Pictures or Rows
        The pictures, or rows of features.
    codes : ndarray of shape (n_samples,)
        The classes of the samples, as indices.
    weight : ndarray of shape (n_samples,) or None
        The weights of the samples.
    seed : int
        The seed of the fit.
    skipped : ndarray of int
        Indices of the pictures that could not be read.
    unlabeled : Pictures, Rows or None
        More data, without labels.
    n_pseudo : int
        How many of the samples, the last ones, have pseudo-labels.
    starts : dict or None
        Heads at their starts, where several trainings on these samples share them.
    """

    data: Any
    codes: np.ndarray
    weight: np.ndarray | None
    seed: int
    skipped: np.ndarray
    unlabeled: Any = None
    n_pseudo: int = 0
    starts: dict | None = None

    @property
    def n_labelled(self) -> int:
        """Number of samples with labels, which are the first ones."""
        return len(self.codes) - self.n_pseudo

    @property
    def n_counted(self) -> int:
        """Number of samples whose weight is not zero: others count as if they were not there."""
        n_labelled = len(self.codes) if self.weight is None else np.count_nonzero(self.weight)
        return int(n_labelled) + (0 if self.unlabeled is None else len(self.unlabeled))

    def sums(self, used: np.ndarray, amounts: np.ndarray | None, n_classes: int) -> np.ndarray:
        """Sums over the samples ``used`` of each class, of amounts or else of ones."""
        return np.bincount(self.codes[used], amounts, minlength=n_classes)

    def hold_out(self, fraction: float):
        """The split that holds out a fraction of each class."""
        return HoldOut(fraction, self.seed, self.weight)

    def start_head(self, head, init: str, backbone, used, classes, plan, settings: FitSettings):
        """Set what the head starts from, see :func:`sklift._fitting._head_start.start_head`."""
        start_head(
            head,
            init,
            backbone,
            self.data,
            self.codes,
            used,
            classes.labels,
            plan,
            names=classes.names,
            prompts=settings.prompts,
            sample_weight=self.weight,
            random_state=self.seed,
        )

    def start_bias(self, head, settings: FitSettings, totals) -> None:
        """Leave the bias of the head as it is: the loss says how frequent classes are."""

    def build_loss(self, settings: FitSettings, totals):
        """The loss module, for the class totals of the training samples."""
        return build_loss(settings.loss, totals.effective, settings.head)

    def net_class(self, order):
        """The class of the net that trains on the samples."""
        return net_class(order)

    def fitted(self, settings: FitSettings, totals) -> dict[str, Any]:
        """Fitted attributes about the classes, by name."""
        return {
            "class_counts_": totals.counts,
            "class_prior_": totals.weights / totals.weights.sum(),
            "implied_prior_": implied_prior(settings.loss, totals.effective, settings.head),
            "pseudo_label_counts_": np.bincount(
                self.codes[self.n_labelled :], minlength=len(totals.counts)
            ),
            "regularizer_": settings.regularizer,
            "_class_weights": totals.weights,
            "_effective_counts": totals.effective,
        }


def read_sample(data, y, sample_weight, classes, *, skip: bool, random_state):
    """Return the class list and the validated samples.

    Parameters
    ----------
    data : Pictures or Rows
        Pictures, or rows of features.
    y : array-like or None
        Labels. None: the labels that came with the data.
    sample_weight : array-like or None
        Weights of the samples.
    classes : array-like or None
        The class list, if it is given.
    skip : bool
        Whether unreadable pictures are left out.
    random_state : int, RandomState instance or None
        The source of the seed.
    """
    y = check_labels(y) if y is not None else check_labels(data.labels, "the label of X")
    if len(y) != len(data):
        raise ValueError(
            f"X has {counted(len(data), 'sample')} and y has {counted(len(y), 'label')}"
        )
    sample_weight = checked_weight(sample_weight, y)
    data, y, sample_weight, skipped = readable(data, y, sample_weight, skip)
    classes, codes = encode_labels(y, classes)
    if sample_weight is not None:
        total = np.bincount(codes, sample_weight, minlength=len(classes))
        lost = (np.bincount(codes, minlength=len(classes)) > 0) & ~(total > 0)
        if lost.any():
            raise ValueError(
                f"sample_weight is zero for all samples of class {classes[lost].tolist()[0]!r}: "
                "there is nothing to learn it from; leave the class out, or give it weight"
            )
    if not skip:
        data.check_header()
    return classes, Sample(data, codes, sample_weight, seed_of(random_state), skipped)


def checked_weight(sample_weight, y: np.ndarray) -> np.ndarray | None:
    """The weights of the samples, validated, or None."""
    if sample_weight is None:
        return None
    sample_weight = check_sample_weight(sample_weight, y, ensure_non_negative=True)
    sample_weight = np.array(sample_weight)  # torch warns of read-only ones, as pandas gives
    if not sample_weight.any():  # older versions of scikit-learn do not check it
        raise ValueError("Sample weights must contain at least one non-zero number")
    if not 1e-30 < sample_weight[sample_weight > 0].min() <= sample_weight.sum() < 1e30:
        raise ValueError(
            "sample_weight has values, or a sum, beyond 1e-30 to 1e30: scale it, only the "
            "ratios matter to most losses"
        )
    return sample_weight


def readable(data, y: np.ndarray, sample_weight, skip: bool):
    """Data, labels and weights of the pictures that can be read, and the indices of the others.

    ``skip``: whether unreadable pictures are left out; if not, they are errors later.
    """
    if not skip:
        return data, y, sample_weight, np.array([], dtype=np.intp)
    data, kept, wrong = data.readable()
    if wrong:
        _warn_skipped(wrong, len(y))
    sample_weight = None if sample_weight is None else sample_weight[kept]
    return data, y[kept], sample_weight, np.array(sorted(wrong), dtype=np.intp)


def seed_of(random_state) -> int:
    """The seed of a fit, from an int, a RandomState instance or None."""
    return int(check_random_state(random_state).randint(2**31 - 1))


def read_unlabeled(data, skip: bool):
    """Return pictures or features without labels, validated as those with labels are."""
    if not skip:
        data.check_header("unlabeled")
        return data
    n = len(data)
    data, _, wrong = data.readable()
    if wrong:
        _warn_skipped(wrong, n, "unlabeled")
    return data


def _warn_skipped(wrong: dict, n: int, name: str = "X") -> None:
    """Warn of unreadable pictures; raise an error if all are unreadable."""
    first = by_index(wrong, len(wrong), name)
    if len(wrong) == n:
        raise ValueError(f"none of the {counted(n, 'picture')} in {name} can be read: {first}")
    warn(
        f"{len(wrong)} of {counted(n, 'picture')} in {name} can't be read and are left out: {first}"
    )


def partial_classes(classes, declared, known):
    """Return the class list of a ``partial_fit``: the given one, or that of earlier calls.

    Parameters
    ----------
    classes : array-like or None
        The argument of ``partial_fit``.
    declared : array-like or None
        The parameter of the estimator.
    known : ndarray or None
        The classes of earlier calls.

    Raises
    ------
    ValueError
        If it is missing, or differs from that of earlier calls.
    """
    if classes is None:
        classes = declared if known is None else known
    if classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit")
    if known is not None and not np.array_equal(np.unique(listed_classes(classes)), known):
        raise ValueError(
            f"classes={classes!r} is not the same as on last call to partial_fit, was: {known!r}"
        )
    return classes


def check_same(classes, known, model, init: str, settings: FitSettings) -> None:
    """Check that classes, adapter and head are the same as in the earlier training.

    Raises
    ------
    ValueError
        If the classes, the adapter or the head differ from the trained ones.
    """
    if not np.array_equal(classes, known):
        raise ValueError(
            f"training goes on with the same classes: {len(known)} before, now "
            f"{len(classes)} or others; give classes, or fit a clone, or with warm_start=False"
        )
    for name, trained in (("adapter", model.adapter), ("head", model.head_recipe)):
        recipe = getattr(settings.with_head(init), name)
        if not matches_trained(recipe, trained):
            raise ValueError(
                f"training goes on with the same {name}: {trained!r} before, now "
                f"{recipe!r}; to start anew, fit a clone, or with warm_start=False"
            )
