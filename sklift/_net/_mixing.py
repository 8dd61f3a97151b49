"""Mixing of the pictures of a batch in pairs."""

from __future__ import annotations

import numpy as np
import torch


class Mixing:
    """Mixes a batch with itself in another order, by an augmentation.

    All draws depend on seed, epoch and batch only, so that an interrupted training continues with
    the same mixtures.

    Parameters
    ----------
    recipe : object
        The augmentation, with a method ``mix(first, second, rng)``: see
        :class:`sklift.images.MixUp`.
    seed : int
        The seed, >= 0.
    """

    def __init__(self, recipe, seed: int):
        self.recipe = recipe
        self.seed = seed

    def __call__(self, views, target, weight, epoch: int, index: int):
        """Return mixed views, both targets and weights of each view, and the share of the first.

        Parameters
        ----------
        views : tensor of shape (n, ...)
            Views of pictures, or rows of features.
        target : tensor of shape (n,)
        weight : tensor of shape (n,) or None
        epoch, index : int
            The numbers of the epoch and of the batch, counted from 0.

        Returns
        -------
        views : tensor of shape (n, ...)
        target : tensor of shape (n, 2)
        weight : tensor of shape (n, 2) or None
        share : float

        Raises
        ------
        ValueError
            If the recipe does not return a mixture of the same shape and dtype.
        """
        order, rng = (np.random.default_rng([self.seed, epoch, index, i]) for i in (1, 2))
        partner = self._partners(len(target), weight, order).to(views.device)
        mixed, share = self.recipe.mix(views, views[partner], rng)
        if mixed.shape != views.shape or mixed.dtype != views.dtype or not 0 <= share <= 1:
            raise ValueError(
                f"augmentation must mix {tuple(views.shape)} of {views.dtype} to the same, and a "
                f"share from 0 to 1; got {tuple(mixed.shape)} of {mixed.dtype}, and {share}"
            )
        # A sample's weight stays with its label, so that both columns have the same total.
        pairs = [None if x is None else torch.stack([x, x[partner]], 1) for x in (target, weight)]
        return mixed, *pairs, float(share)

    @staticmethod
    def _partners(n: int, weight, rng: np.random.Generator) -> torch.Tensor:
        """Index of the partner of each sample; samples of weight 0 are their own partners."""
        partner = torch.arange(n)
        counted = torch.arange(n) if weight is None else (weight > 0).nonzero()[:, 0].cpu()
        partner[counted] = counted[torch.from_numpy(rng.permutation(len(counted)))]
        return partner
