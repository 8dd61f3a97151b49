"""Base of the recipes of losses, and the mix of classes that a trained model assumes."""

from __future__ import annotations

import inspect
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from .._core._recipes import check_real
from ._base import Loss
from ._function import FunctionLoss
from ._reduction import LargestLosses, SmoothedLargestLosses, WeightedMean

__all__ = ["LossRecipe", "build_loss", "implied_prior"]


# Without the repr and the equality of dataclasses: an estimator has its own.
@dataclass(repr=False, eq=False)
class LossRecipe(BaseEstimator):
    """Base of the recipes of losses, with their common settings: the losses of a batch that count.

    A recipe is a dataclass of hyperparameters. It overrides ``_loss``, and :meth:`build` then
    applies the two settings below, which each recipe has after its own settings; or it overrides
    :meth:`build` itself, for any function of logits and targets.

    Parameters
    ----------
    top_fraction : float, default=1.0
        Share of the losses that count, in (0, 1]: the largest ones. 1 is the mean over all.
    top_smoothing : float, default=0.0
        Where ``top_fraction`` is below 1: 0 sorts the losses of each batch, and takes the mean of
        the largest. Above 0, a threshold t is trained with the weights, without weight decay, and
        the loss is the mean of ``r(l - t)`` plus ``top_fraction * t`` with
        ``r(x) = (x + sqrt(x^2 + d^2) - d) / 2``, where d is this number. Its authors take 0.01.

    References
    ----------
    Fan, Lyu, Ying, Hu, "Learning with Average Top-k Loss", NeurIPS 2017, arXiv 1705.08826; the
    trained threshold: Xia, Liu, Mao, "STk: A Scalable Module for Solving Top-k Problems", NeurIPS
    2024.

    Examples
    --------
    >>> from dataclasses import dataclass
    >>> from sklift import LiftClassifier
    >>> from sklift.losses import Loss, LossRecipe
    >>> @dataclass(repr=False, eq=False)
    ... class Power(LossRecipe):
    ...     power: float = 0.5
    ...     def _loss(self, class_counts, head):
    ...         loss = Loss(class_counts)
    ...         loss.class_weight = lambda dtype: loss.class_counts.to(dtype) ** -self.power
    ...         return loss
    >>> LiftClassifier(loss=Power()).set_params(loss__power=1.0, loss__top_fraction=0.9).loss
    Power(power=1.0, top_fraction=0.9)
    >>> Power().implied_prior([400, 25])
    array([0.8, 0.2])
    """

    top_fraction: float = field(default=1.0, kw_only=True)
    top_smoothing: float = field(default=0.0, kw_only=True)

    def build(self, class_counts: ArrayLike, head=None) -> Loss:
        """Return the loss module.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,), int or float
            Number of samples of each class in an epoch, in expectation: the sum of the sample
            weights of all that are drawn. Without a sampler and sample weights, it is the number of
            training samples; with ``sampler="balanced"``, the same number for all classes. Held-out
            samples do not count, those of earlier calls of ``partial_fit`` do, and a class may have
            none.
        head : recipe, default=None
            The recipe of the head whose logits the loss will see, not the module that it builds.
            None: not known.

        Returns
        -------
        loss : Loss
            Called as ``loss(logits, target, sample_weight=None)``, with logits of shape
            (B, n_classes) and indices of classes of shape (B,); returns a scalar.

        Raises
        ------
        ValueError
            If a hyperparameter is out of its range, or if ``class_counts`` is not one-dimensional,
            has a negative or non-finite entry, or is all zero.
        TypeError
            If a hyperparameter is of the wrong type.
        """
        loss = self._loss(class_counts, head)
        loss.reduction = self._reduction()
        return loss

    def _loss(self, class_counts: ArrayLike, head) -> Loss:
        """Return the loss module, with the plain mean as its reduction."""
        raise NotImplementedError(f"{type(self).__name__} must override build or _loss")

    def _reduction(self) -> WeightedMean:
        fraction = check_real(
            self.top_fraction, "top_fraction", minimum=0, maximum=1, include_boundaries="right"
        )
        width = check_real(self.top_smoothing, "top_smoothing", minimum=0)
        if fraction == 1:
            return WeightedMean()
        return SmoothedLargestLosses(fraction, width) if width else LargestLosses(fraction)

    def implied_prior(self, class_counts: ArrayLike, head=None) -> np.ndarray:
        r"""Return the class mix that the plain softmax of a trained model assumes.

        The q for which :math:`\mathrm{softmax}(z)_k \propto p(x | k) \, q_k` where the loss is
        minimal, as :meth:`Loss.implied_prior` of the loss that the recipe builds.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            As for :meth:`build`.
        head : recipe, default=None
            As for :meth:`build`.

        Returns
        -------
        prior : ndarray of shape (n_classes,), float64
            Positive; sums to 1.
        """
        return build_loss(self, class_counts, head).implied_prior(torch.float64).numpy()


def build_loss(recipe, class_counts: ArrayLike, head=None) -> Loss:
    """Return the loss module of a recipe; a function that a user's recipe builds becomes one.

    Parameters
    ----------
    recipe : object
        With a method ``build(class_counts, head)`` that returns a :class:`Loss`, or any function or
        module ``(logits, target) -> scalar``.
    class_counts : array-like of shape (n_classes,)
        Number of samples of each class in an epoch, see :meth:`LossRecipe.build`.
    head : recipe, default=None
        The recipe of the head, from which a margin loss reads its scale.

    Returns
    -------
    loss : Loss

    Raises
    ------
    TypeError
        If the recipe builds something that can't be called.

    Examples
    --------
    >>> import torch
    >>> from sklift.heads import Cosine
    >>> from sklift.losses import LogitAdjusted, build_loss
    >>> loss = build_loss(LogitAdjusted(), [90, 10], Cosine())
    >>> loss(torch.zeros(1, 2), torch.tensor([1]))  # -log(0.1)
    tensor(2.3026)
    """
    loss = recipe.build(class_counts, head)
    return loss if isinstance(loss, Loss) else FunctionLoss(class_counts, loss)


def implied_prior(recipe, class_counts: ArrayLike, head=None) -> np.ndarray:
    """Return the class mix that a model trained with a recipe assumes.

    Parameters
    ----------
    recipe : object
        A recipe of a loss. Its method ``implied_prior(class_counts)``, which may have a second
        parameter ``head``, returns the mix. A recipe without the method is taken to assume the mix
        of the training data, as the cross-entropy does.
    class_counts : array-like of shape (n_classes,)
        Number of samples of each class in an epoch, see :meth:`LossRecipe.build`. A class without
        samples takes the value of the rarest of the others.
    head : recipe, default=None
        The recipe of the head, for a recipe that asks for it.

    Returns
    -------
    prior : ndarray of shape (n_classes,), float64
        Positive; sums to 1.

    Raises
    ------
    ValueError
        If the recipe's own method does not return one positive, finite number per class, or if
        ``class_counts`` is not one-dimensional, has a negative or non-finite entry, or is all zero.

    Examples
    --------
    >>> from sklift.losses import LogitAdjusted, implied_prior
    >>> implied_prior(LogitAdjusted(tau=0.5), [90, 10])
    array([0.75, 0.25])
    """
    method = getattr(recipe, "implied_prior", None)
    if method is None:
        return Loss(class_counts).implied_prior(torch.float64).numpy()
    asked = {"head": head} if "head" in inspect.signature(method).parameters else {}
    prior = np.asarray(method(class_counts, **asked), dtype=np.float64)
    n_classes = np.size(class_counts)
    if prior.shape != (n_classes,) or not np.isfinite(prior).all() or (prior <= 0).any():
        raise ValueError(
            f"{type(recipe).__name__}.implied_prior must return {n_classes} positive, finite "
            f"numbers, one per class; got {prior!r}"
        )
    return prior / prior.sum()
