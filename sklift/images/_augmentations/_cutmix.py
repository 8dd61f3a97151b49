"""Recipe of pictures with a part of another one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from ._mixture import Mixture

if TYPE_CHECKING:
    import torch


class CutMix(Mixture):
    r"""Pictures with a rectangle of another one of their batch, and labels shared by area.

    One rectangle is drawn for each batch: :math:`\sqrt{1 - \lambda}` of the sides, with
    :math:`\lambda` from Beta(alpha, alpha), around a uniform centre, and cut off at the edges. The
    shares of the labels are those of the areas; all else is as in :class:`MixUp`.

    Parameters
    ----------
    alpha : float > 0, default=1.0
        1 makes all areas equally likely.
    views : str, recipe, callable or None, default="minimal"
        The augmentation that gives the views.

    References
    ----------
    Yun, Han, Oh, Chun, Choe, Yoo, "CutMix: Regularization Strategy to Train Strong Classifiers with
    Localizable Features", 2019, arXiv 1905.04899.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> LiftClassifier(augmentation="cutmix").set_params(augmentation__alpha=0.5).augmentation
    CutMix(alpha=0.5)
    """

    def __init__(self, alpha=1.0, views="minimal") -> None:
        super().__init__(alpha, views)

    def mix(
        self, first: torch.Tensor, second: torch.Tensor, rng: np.random.Generator
    ) -> tuple[torch.Tensor, float]:
        """Paste a rectangle of each partner; see :meth:`MixUp.mix`.

        Raises
        ------
        ValueError
            If there are features in place of pictures.
        """
        if first.ndim != 4:
            raise ValueError(
                "CutMix cuts rectangles out of pictures, and X holds features: use MixUp, or leave "
                "augmentation out"
            )
        height, width = first.shape[2:]
        side = math.sqrt(1 - rng.beta(self.alpha, self.alpha))
        (top, bottom), (left, right) = (_extent(n, side, rng) for n in (height, width))
        mixed = first.clone()
        mixed[..., top:bottom, left:right] = second[..., top:bottom, left:right]
        return mixed, 1 - (bottom - top) * (right - left) / (height * width)


def _extent(n: int, share: float, rng: np.random.Generator) -> tuple[int, int]:
    """Draw the begin and the end of a share of n pixels, around a uniform centre."""
    centre, half = int(rng.integers(n)), int(n * share) // 2
    return max(0, centre - half), min(n, centre + half)
