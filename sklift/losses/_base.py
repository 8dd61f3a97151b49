"""Base module of all losses: class counts, weights, and the rules for absent classes."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from .._core._text import counted
from ._numerics import cross_entropy, normalised, positive, precision
from ._reduction import WeightedMean

__all__ = ["Loss"]


class Loss(nn.Module):
    r"""Weighted mean of per-sample losses; by itself, the cross-entropy.

    .. math:: L = \frac{\sum_i w_i \, l(z_i, y_i)}{\sum_i w_i}, \qquad w_i = c_{y_i} s_i

    with class weights c (:meth:`class_weight`, 1 by default) and sample weights s (1 by default). A
    subclass overrides :meth:`per_sample` (or only :meth:`shift`, for the cross-entropy of other
    logits), :meth:`class_weight`, or both. The ``reduction`` turns the losses of a batch into one
    number: by default it is the mean above; the recipe sets another one where ``top_fraction`` is
    below 1.

    Because the divisor is the sum of the weights, the gradient of a large batch can be accumulated
    exactly over micro-batches (unless :attr:`couples_samples`): scale the loss of each one by the
    share of its weights, ``loss.weights(y_micro).sum() / loss.weights(y_batch).sum()``.

    Parameters
    ----------
    class_counts : array-like of shape (n_classes,)
        Number of samples of each class in an epoch, as :meth:`LossRecipe.build` gets it. Zeros are
        allowed: see Notes.

    Attributes
    ----------
    class_counts : Tensor of shape (n_classes,), float32
    reduction : nn.Module
        Map of losses and weights of the samples to the loss of the batch, ``(B,), (B,) -> ()``. Its
        parameters, if any, are trained with the model.

    Raises
    ------
    ValueError
        If ``class_counts`` is not one-dimensional, has a negative or non-finite entry, or is all
        zero.

    Notes
    -----
    The loss stays finite for a class without training samples, the same way everywhere:

    - where the log prior is added to the logits, the prior is floored at the smallest normal
      float32 (log prior -87). The formula's own limit, minus infinity, takes the class out of the
      training softmax, so its row of the head, say from the class name, is left as it was instead
      of being pushed away; the floor keeps that, and keeps the loss of a (validation) sample of
      the class finite;
    - where a weight or a margin grows as a class gets rarer, the class gets that of the rarest
      class that has samples, and is left out of the mean that normalises the weights.

    The module stores the counts only, and derives the tables in the precision of the logits.

    Examples
    --------
    A loss of your own, with weights by the root of the class counts:

    >>> import torch
    >>> from sklift.losses import Loss
    >>> class Root(Loss):
    ...     def class_weight(self, dtype):
    ...         return self.class_counts.to(dtype) ** -0.5
    >>> loss = Root([400, 25])
    >>> loss.weights(torch.tensor([0, 1]))
    tensor([0.0500, 0.2000])
    >>> loss(torch.zeros(2, 2), torch.tensor([0, 1]))  # log 2
    tensor(0.6931)
    """

    class_counts: Tensor
    reduction: WeightedMean

    def __init__(self, class_counts) -> None:
        super().__init__()
        self.register_buffer("class_counts", _check_class_counts(class_counts), persistent=False)
        self.reduction = WeightedMean()
        self._log_priors: dict[torch.dtype, tuple[Tensor, Tensor]] = {}  # with their counts

    @property
    def couples_samples(self) -> bool:
        """True if the loss of a batch is more than a weighted mean over its samples."""
        return self.reduction.couples_samples

    def per_sample(self, logits: Tensor, target: Tensor) -> Tensor:
        """Return the loss of each sample before weighting, ``(B, K), (B,) -> (B,)``."""
        shift = self.shift(precision(logits))
        return cross_entropy(logits if shift is None else logits + shift, target)

    def shift(self, dtype: torch.dtype) -> Tensor | None:
        """Return what is added to the logits before their cross-entropy, ``(n_classes,)``."""
        return None

    def class_weight(self, dtype: torch.dtype) -> Tensor:
        """Return the weight of each class, ``(n_classes,)``."""
        return torch.ones_like(self.class_counts, dtype=dtype)

    def weights(
        self,
        target: Tensor,
        sample_weight: Tensor | None = None,
        dtype: torch.dtype = torch.float32,
    ) -> Tensor:
        """Return class weight times sample weight of each sample, ``(B,) -> (B,)``."""
        weights = self.class_weight(dtype)[target]
        if sample_weight is None:
            return weights
        if sample_weight.shape != target.shape:
            raise ValueError(
                f"sample_weight has shape {tuple(sample_weight.shape)}, "
                f"expected {tuple(target.shape)}: one weight for each sample"
            )
        return weights * sample_weight.to(weights)

    def forward(
        self, logits: Tensor, target: Tensor, sample_weight: Tensor | None = None
    ) -> Tensor:
        """Return the loss of the batch: the weighted mean, unless the reduction is another.

        Parameters
        ----------
        logits : Tensor of shape (B, n_classes)
        target : Tensor of shape (B,), int64
            Class indices in 0..n_classes - 1.
        sample_weight : Tensor of shape (B,), default=None
            Non-negative. If all are zero, the loss is zero.

        Returns
        -------
        loss : Tensor of shape ()
        """
        self._check_logits(logits)
        if sample_weight is None and self.is_plain_mean():  # the same bits, in half the operations
            return self.per_sample(logits, target).sum() / max(1, len(target))
        weights = self.weights(target, sample_weight, precision(logits))
        return self.reduction(self.per_sample(logits, target), weights)

    def is_plain_mean(self) -> bool:
        """Return whether all samples without weights of their own have the weight 1."""
        ours = (Loss.class_weight, Loss.weights)
        methods = (getattr(m, "__func__", None) for m in (self.class_weight, self.weights))
        return tuple(methods) == ours and type(self.reduction) is WeightedMean

    def prior(self, dtype: torch.dtype) -> Tensor:
        """Return the share of each class in the training data, ``(n_classes,)``."""
        counts = self.class_counts.to(dtype)
        return counts / counts.sum()

    def log_prior(self, dtype: torch.dtype) -> Tensor:
        """Return the log of the floored class prior, ``(n_classes,)``; it is computed once."""
        counts, log_prior = self._log_priors.get(dtype, (None, None))
        if log_prior is None or counts is not self.class_counts:  # which ``to`` replaces
            with torch.inference_mode(False):  # a gradient may need it later
                log_prior = positive(self.prior(dtype)).log()
            self._log_priors[dtype] = self.class_counts, log_prior
        return log_prior

    def implied_prior(self, dtype: torch.dtype = torch.float32) -> Tensor:
        r"""Return the class mix that the plain softmax of a trained model assumes.

        The q for which the loss over the training data is minimal where
        :math:`\mathrm{softmax}(z)_k \propto p(x | k) \, q_k`. Moving predictions to a mix t adds
        ``log t - log q`` to the logits.

        Here :math:`q_k \propto n_k c_k`, exact for a weighted cross-entropy over the whole batch.
        With a ``top_fraction`` below 1, and where a subclass changes :meth:`per_sample` without
        overriding this, it is an approximation.

        Returns
        -------
        prior : Tensor of shape (n_classes,)
            Positive; sums to 1. An absent class takes the value of the rarest present one.
        """
        shares = self.counts_of_present(dtype) * self.class_weight(dtype)
        return normalised(shares)

    def counts_of_present(self, dtype: torch.dtype) -> Tensor:
        """Return the counts; an absent class gets that of the rarest present one."""
        counts = self.class_counts.to(dtype)
        return counts.clamp_min(torch.where(counts > 0, counts, torch.inf).min())

    def divide_by_mean(self, class_weight: Tensor) -> Tensor:
        """Return the weights divided by their mean over the classes that have samples."""
        present = (self.class_counts > 0).to(class_weight)
        return class_weight * present.sum() / (class_weight * present).sum()

    def _check_logits(self, logits: Tensor) -> None:
        n_classes = len(self.class_counts)
        if logits.ndim != 2 or logits.shape[1] != n_classes:
            raise ValueError(
                f"logits have shape {tuple(logits.shape)}, expected (n_samples, {n_classes}): "
                f"class_counts has {counted(n_classes, 'class')}"
            )


def _check_class_counts(class_counts) -> Tensor:
    counts = np.asarray(class_counts, dtype=np.float64)
    if counts.ndim != 1 or not counts.size:
        raise ValueError(f"class_counts must have shape (n_classes,), got {counts.shape}")
    wrong = ~np.isfinite(counts) | (counts < 0)
    if wrong.any():
        index = int(wrong.argmax())
        raise ValueError(f"class_counts must be finite and >= 0; class {index} has {counts[index]}")
    if not counts.any():
        raise ValueError("class_counts must not be all zero: no class has a training sample")
    # float32, since some devices have no float64; counts below 2**24 are exact in it.
    return torch.from_numpy(counts).float()
