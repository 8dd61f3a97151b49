"""The base of all regularizers, and the outputs that they get."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property

import torch
from torch import Tensor, nn

__all__ = ["Outputs", "Regularizer", "build_regularizer"]


class Outputs:
    """Features and logits of a batch of views, of the tuned model and of the frozen tower.

    Parameters
    ----------
    features : Tensor of shape (B, n_features)
        Features of the tuned model, the input of its head, in float32 or float64.
    logits : Tensor of shape (B, n_classes)
        Logits of the tuned model, the output of its head.
    find_frozen : callable
        A function that returns the features ``(B, n_features)`` of the frozen tower.

    Attributes
    ----------
    frozen_features : Tensor of shape (B, n_features)
        Features of the frozen tower for the same views, without gradient. They are computed at the
        first access. Precomputed features in X are returned unchanged.

    Examples
    --------
    >>> import torch
    >>> from sklift.regularizers import Outputs
    >>> outputs = Outputs(torch.ones(2, 3), torch.zeros(2, 5), lambda: torch.zeros(2, 3))
    >>> outputs.frozen_features.shape
    torch.Size([2, 3])
    """

    def __init__(self, features: Tensor, logits: Tensor, find_frozen: Callable[[], Tensor]) -> None:
        self.features = features
        self.logits = logits
        self._find_frozen = find_frozen

    @cached_property
    def frozen_features(self) -> Tensor:
        """Features of the frozen tower for the same views."""
        with torch.no_grad():
            return self._find_frozen().to(self.features.dtype)


class Regularizer(nn.Module):
    r"""Base of the terms that are added to the loss in training.

    .. math:: L = \mathrm{loss} + \frac{\sum_i c_{y_i} s_i r_i}{\sum_i c_{y_i} s_i} + R

    with a term r of each sample, weighted like the samples in the loss (by class weights c and
    sample weights s), and a term R of the model alone. A subclass overrides ``per_sample``,
    ``per_batch``, or both.

    Tensors of the start of training that a regularizer remembers, such as weights, must be in a
    buffer or a submodule: checkpoints, ``warm_start`` and ``partial_fit`` keep these. A regularizer
    has no trained weights.

    Notes
    -----
    A term r must not depend on other samples of the batch. Then training is exact for batches in
    parts (because of ``accumulate`` or of the memory), for losses that couple the samples of a
    batch, and for several processes: value and gradient of the term are those of the whole batch.

    Examples
    --------
    Your own regularizer, and its recipe:

    >>> import torch
    >>> from sklearn.base import BaseEstimator
    >>> from sklift.regularizers import Outputs, Regularizer
    >>> class SquaredDistance(Regularizer):
    ...     def __init__(self, weight):
    ...         super().__init__()
    ...         self.weight = weight
    ...     def per_sample(self, outputs):
    ...         distance = outputs.features - outputs.frozen_features
    ...         return self.weight * distance.square().mean(1)
    >>> class Near(BaseEstimator):
    ...     def __init__(self, weight=1.0):
    ...         self.weight = weight
    ...     def build(self, model):
    ...         return SquaredDistance(self.weight)
    >>> outputs = Outputs(torch.ones(2, 3), torch.zeros(2, 5), lambda: torch.zeros(2, 3))
    >>> Near(weight=0.5).build(model=None).per_sample(outputs)
    tensor([0.5000, 0.5000])
    """

    def per_sample(self, outputs: Outputs) -> Tensor | None:
        """Return the term of each sample, ``(B,)``; None if there is no such term."""
        return None

    def per_batch(self, model: nn.Module) -> Tensor | None:
        """Return the term of the model, a scalar; None if there is no such term.

        It is added once to the loss of each batch, whatever its size and weights. ``model`` has the
        trained parameters, and its head as ``model.head``.
        """
        return None

    @property
    def sees_samples(self) -> bool:
        """True if the subclass overrides ``per_sample``."""
        return type(self).per_sample is not Regularizer.per_sample

    def terms(self, outputs: Outputs) -> Tensor:
        """Return the terms of ``per_sample``, ``(B,)``, in the dtype of the logits.

        Raises
        ------
        TypeError, ValueError
            If they are not a tensor, or not of this shape.
        """
        return _checked(self, "per_sample", self.per_sample(outputs), outputs.logits.shape[:1]).to(
            outputs.logits.dtype
        )

    def term_of_batch(self, model: nn.Module) -> Tensor | None:
        """Return the term of ``per_batch``, a scalar or None.

        Raises
        ------
        TypeError, ValueError
            If it is neither a scalar tensor nor None.
        """
        term = self.per_batch(model)
        return None if term is None else _checked(self, "per_batch", term, torch.Size())


def build_regularizer(recipe, model: nn.Module) -> Regularizer | None:
    """Return the regularizer that a recipe builds for a model.

    Parameters
    ----------
    recipe : object or None
        A recipe with a method ``build(model)``.
    model : nn.Module
        The model before training, with its head as ``model.head``.

    Returns
    -------
    regularizer : Regularizer or None
        The regularizer, in eval mode and without trained weights.

    Raises
    ------
    TypeError
        If the recipe builds another object, or a regularizer without a term.

    Examples
    --------
    >>> from sklift.regularizers import Consistency, build_regularizer
    >>> build_regularizer(Consistency(weight=2.0), model=None).weight
    2.0
    """
    if recipe is None:
        return None
    regularizer = recipe.build(model)
    name = type(recipe).__name__
    if not isinstance(regularizer, Regularizer):
        raise TypeError(
            f"{name}.build must return a sklift.regularizers.Regularizer, got {regularizer!r}"
        )
    has_batch_term = type(regularizer).per_batch is not Regularizer.per_batch
    if not (regularizer.sees_samples or has_batch_term):
        raise TypeError(
            f"{type(regularizer).__name__}, which {name} builds, has no term: override per_sample, "
            "per_batch, or both"
        )
    return regularizer.eval().requires_grad_(False)


def _checked(regularizer: Regularizer, method: str, term, shape: torch.Size) -> Tensor:
    name = f"{type(regularizer).__name__}.{method}"
    if not isinstance(term, Tensor):
        raise TypeError(f"{name} must return a tensor, got {term!r}")
    if term.shape != shape:
        what = "one value for each sample" if shape else "a scalar"
        raise ValueError(
            f"{name} must return {what}, of shape {tuple(shape)}, got {tuple(term.shape)}"
        )
    return term
