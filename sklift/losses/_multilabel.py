"""Bases of the losses of pictures with any number of labels: module and recipe."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from torch import Tensor, nn

from ._numerics import precision
from ._reduction import WeightedMean

__all__ = ["MultilabelLoss", "MultilabelLossRecipe"]


class MultilabelLoss(nn.Module):
    r"""Weighted mean over pictures of the sum of the losses of their labels.

    .. math:: L = \frac{\sum_i s_i \sum_k l(z_{ik}, y_{ik})}{\sum_i s_i}

    with sample weights s (1 by default). The sum, not the mean, over the labels gives a label the
    gradient that a class has in the cross-entropy, whatever their number. By itself, l is the
    binary cross-entropy; a subclass overrides :meth:`per_label`.

    Parameters
    ----------
    label_counts : array-like of shape (n_labels,)
        Number of the pictures with each label; zeros are allowed.
    n_samples : float
        Number of pictures, > 0, and at least the largest count.

    Attributes
    ----------
    label_counts : Tensor of shape (n_labels,), float32
    n_samples : float

    Raises
    ------
    ValueError
        If a count is negative, not finite, or above ``n_samples``.

    Notes
    -----
    A label that no picture has, or that all have, counts as if half a picture were otherwise: its
    log-odds are finite.

    Examples
    --------
    >>> import torch
    >>> from sklift.losses import MultilabelLoss
    >>> loss = MultilabelLoss([50, 10], n_samples=100)
    >>> loss(torch.zeros(1, 2), torch.tensor([[1, 0]]))  # 2 log 2
    tensor(1.3863)
    """

    couples_samples = False
    label_counts: Tensor

    def __init__(self, label_counts: ArrayLike, n_samples: float) -> None:
        super().__init__()
        counts = np.asarray(label_counts, dtype=np.float64)
        if counts.ndim != 1 or not counts.size:
            raise ValueError(f"label_counts must have shape (n_labels,), got {counts.shape}")
        if not np.isfinite(n_samples) or n_samples <= 0:
            raise ValueError(f"n_samples must be positive and finite, got {n_samples}")
        wrong = ~np.isfinite(counts) | (counts < 0) | (counts > n_samples * (1 + 1e-9))
        if wrong.any():
            index = int(wrong.argmax())
            raise ValueError(
                f"label_counts must be from 0 to n_samples={n_samples:g}; label {index} has "
                f"{counts[index]:g}"
            )
        self.register_buffer("label_counts", torch.from_numpy(counts).float(), persistent=False)
        self.n_samples = float(n_samples)
        self.reduction = WeightedMean()

    def per_label(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each label of each picture, ``(B, K), (B, K) -> (B, K)``."""
        return binary_cross_entropy(logits, target)

    def weights(
        self,
        target: Tensor,
        sample_weight: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Return the weight of each picture, ``(B, K), (B,) -> (B,)``."""
        if sample_weight is None:
            return torch.ones(len(target), dtype=dtype, device=target.device)
        if sample_weight.shape != target.shape[:1]:
            raise ValueError(
                f"sample_weight has shape {tuple(sample_weight.shape)}, expected "
                f"({len(target)},): one weight for each picture"
            )
        return sample_weight.to(dtype)

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the loss of the batch.

        Parameters
        ----------
        logits : Tensor of shape (B, n_labels)
        target : Tensor of shape (B, n_labels)
            1 where the picture has the label, else 0.
        sample_weight : Tensor of shape (B,), default=None
            Non-negative. If all are zero, the loss is zero.

        Returns
        -------
        loss : Tensor of shape ()
        """
        if logits.shape != target.shape or logits.shape[1:] != self.label_counts.shape:
            raise ValueError(
                f"logits have shape {tuple(logits.shape)} and target {tuple(target.shape)}, "
                f"expected (n_samples, {len(self.label_counts)}) for both"
            )
        logits = logits.to(precision(logits))
        losses = self.per_label(logits, target.to(logits.dtype)).sum(1)
        return self.reduction(losses, self.weights(target, sample_weight, logits.dtype))

    def log_odds(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return the log of the odds of each label in the training data, ``(n_labels,)``."""
        half = min(0.5, self.n_samples / 2)
        counts = self.label_counts.to(dtype).clamp(half, self.n_samples - half)
        return (counts / (self.n_samples - counts)).log()

    def adjustment(self, dtype: torch.dtype = torch.float32) -> Tensor:
        """Return what the loss adds to the logits in training, ``(n_labels,)``; here zeros.

        The sigmoid of a trained logit plus this is the probability of the label where labels are
        as frequent as in training: exact for the binary cross-entropy, with or without an
        adjustment, and an approximation for losses that weigh positives and negatives differently.
        """
        return torch.zeros_like(self.label_counts, dtype=dtype)


# Without the repr and the equality of dataclasses: an estimator has its own.
@dataclass(repr=False, eq=False)
class MultilabelLossRecipe(BaseEstimator):
    """Base of the recipes of losses for pictures with any number of labels.

    A recipe is a dataclass of hyperparameters that overrides :meth:`build`.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from sklift import MultilabelClassifier
    >>> from sklift.losses import MultilabelLoss, MultilabelLossRecipe
    >>> @dataclass(repr=False, eq=False)
    ... class Weighted(MultilabelLossRecipe):
    ...     weight: float = 2.0
    ...     def build(self, label_counts, n_samples, head=None):
    ...         loss = MultilabelLoss(label_counts, n_samples)
    ...         plain = loss.per_label
    ...         loss.per_label = lambda z, y: (1 + (self.weight - 1) * y) * plain(z, y)
    ...         return loss
    >>> MultilabelClassifier(loss=Weighted()).set_params(loss__weight=3.0).loss
    Weighted(weight=3.0)
    """

    def build(self, label_counts: ArrayLike, n_samples: float, head=None) -> MultilabelLoss:
        """Return the loss module.

        Parameters
        ----------
        label_counts : array-like of shape (n_labels,)
            Number of the training pictures with each label: the sum of their weights. Held-out
            pictures do not count.
        n_samples : float
            Number of training pictures: the sum of their weights.
        head : recipe, default=None
            The recipe of the head whose logits the loss will see.

        Returns
        -------
        loss : MultilabelLoss
            Called as ``loss(logits, target, sample_weight=None)``, with logits and targets of shape
            (B, n_labels); returns a scalar.

        Raises
        ------
        ValueError, TypeError
            If a hyperparameter or a count is out of its range or of the wrong type.
        """
        raise NotImplementedError(f"{type(self).__name__} must override build")


def binary_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the binary cross-entropy of each entry; targets may lie between 0 and 1."""
    return nn.functional.softplus(logits) - target * logits
