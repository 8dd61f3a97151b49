"""What all recipes of losses share: the class mix that their models assume."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from ._base import Loss

__all__ = ["LossRecipe", "implied_prior"]


class LossRecipe(BaseEstimator):
    """Base of the recipes: hyperparameters, and a method ``build(class_counts, head=None)``.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.losses import Loss, LossRecipe
    >>> class Power(LossRecipe):
    ...     def __init__(self, power=0.5):
    ...         self.power = power
    ...     def build(self, class_counts, head=None):
    ...         loss = Loss(class_counts)
    ...         loss.class_weight = lambda dtype: loss.class_counts.to(dtype) ** -self.power
    ...         return loss
    >>> LiftClassifier(loss=Power()).set_params(loss__power=1.0).loss
    Power(power=1.0)
    >>> Power().implied_prior([400, 25])
    array([0.8, 0.2])
    """

    def implied_prior(self, class_counts: ArrayLike) -> np.ndarray:
        r"""Return the class mix that the plain softmax of a trained model assumes.

        The q for which :math:`\mathrm{softmax}(z)_k \propto p(x | k) \, q_k` where the loss is
        minimal, as :meth:`Loss.implied_prior` of the loss that the recipe builds.

        Parameters
        ----------
        class_counts : array-like of shape (n_classes,)
            Training samples per class, or their summed sample weights.

        Returns
        -------
        prior : ndarray of shape (n_classes,), float64
            Positive; sums to 1.
        """
        return self.build(class_counts).implied_prior(torch.float64).numpy()


def implied_prior(recipe, class_counts: ArrayLike) -> np.ndarray:
    """Return the class mix that a model trained with a recipe assumes.

    Parameters
    ----------
    recipe : object
        A recipe of a loss. One without a method `implied_prior` is taken to assume the mix of the
        training data, as the cross-entropy does.
    class_counts : array-like of shape (n_classes,)
        Training samples per class, or their summed sample weights. A class without any takes the
        value of the rarest class that has some.

    Returns
    -------
    prior : ndarray of shape (n_classes,), float64
        Positive; sums to 1.

    Raises
    ------
    ValueError
        If the recipe's own method does not return one positive, finite number per class, or if
        `class_counts` is not one-dimensional, has a negative or non-finite entry, or is all zero.

    Examples
    --------
    >>> from sklift.losses import LogitAdjusted, implied_prior
    >>> implied_prior(LogitAdjusted(tau=0.5), [90, 10])
    array([0.75, 0.25])
    """
    if not hasattr(recipe, "implied_prior"):
        return Loss(class_counts).implied_prior(torch.float64).numpy()
    prior = np.asarray(recipe.implied_prior(class_counts), dtype=np.float64)
    n_classes = np.size(class_counts)
    if prior.shape != (n_classes,) or not np.isfinite(prior).all() or (prior <= 0).any():
        raise ValueError(
            f"{type(recipe).__name__}.implied_prior must return {n_classes} positive, finite "
            f"numbers, one per class; got {prior!r}."
        )
    return prior / prior.sum()
