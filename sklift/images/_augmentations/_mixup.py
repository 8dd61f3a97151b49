"""Pairs of pictures laid over each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._mixture import Mixture

if TYPE_CHECKING:
    import torch


class MixUp(Mixture):
    r"""Pictures mixed with others of their batch, pixel by pixel, and their labels alike.

    Of a batch, :math:`x = \lambda x_a + (1 - \lambda) x_b` takes the place of each view, where b is
    the batch in another order, and the loss becomes :math:`\lambda L(z, y_a) + (1 - \lambda) L(z,
    y_b)`, with the weight of each sample beside its label. One :math:`\lambda`, from Beta(alpha,
    alpha), is drawn for each batch. ``train_acc`` counts the label that has the larger share.

    Precomputed features are mixed as pixels are. Where several processes share a fit, each mixes
    what it has of a batch, so that the pairs depend on their number.

    Parameters
    ----------
    alpha : float > 0, default=0.4
        The smaller, the nearer are mixed pictures to one of the two.
    views : str, recipe, callable or None, default="minimal"
        The augmentation that gives the views.

    References
    ----------
    Zhang, Cisse, Dauphin, Lopez-Paz, "mixup: Beyond Empirical Risk Minimization", 2017,
    arXiv 1710.09412.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> clf = LiftClassifier(augmentation="mixup")
    >>> clf.set_params(augmentation__alpha=0.2, augmentation__views="lift").augmentation
    MixUp(alpha=0.2, views='lift')
    """

    def __init__(self, alpha=0.4, views="minimal") -> None:
        super().__init__(alpha, views)

    def mix(
        self, first: torch.Tensor, second: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, float]:
        """Mix a batch with itself in another order.

        Parameters
        ----------
        first, second : tensor of shape (n, 3, size, size), uint8, or (n, n_features), float
            The views of a batch, or precomputed features, and the partner of each. Not to be
            changed.
        rng : numpy.random.Generator
            Source of all draws, the same in all processes that share a fit.

        Returns
        -------
        mixed : tensor of the same shape and dtype
        share : float in [0, 1]
            How much the labels of ``first`` count; those of ``second`` have the rest.
        """
        share = rng.beta(self.alpha, self.alpha)
        if first.is_floating_point():
            return second.lerp(first, share), share
        return second.float().lerp(first.float(), share).round().to(first.dtype), share
