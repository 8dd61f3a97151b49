"""FeatureAdapter: a bottleneck on the tower's final feature."""

from __future__ import annotations

from sklearn.base import BaseEstimator

from ..backbones import OpenTower
from ._bottleneck import Bottleneck, Residual
from ._layers import resolve_rank


class FeatureAdapter(BaseEstimator):
    """A residual bottleneck on the final feature: ``f += up(relu(down(LN(f))))``.

    It changes nothing inside the tower, so it suits every backbone. ``up`` starts at zero, so that
    training starts from the frozen feature.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Width of the bottleneck; ``"auto"``: the largest power of two up to half the number of
        classes.

    References
    ----------
    Gao et al., "CLIP-Adapter: Better Vision-Language Models with Feature Adapters", 2021,
    arXiv 2110.04544.

    Examples
    --------
    >>> from sklift.adapters import FeatureAdapter
    >>> FeatureAdapter(rank=16)
    FeatureAdapter(rank=16)
    """

    order = 60
    block_type = None  # it needs none

    def __init__(self, rank: int | str = "auto") -> None:
        self.rank = rank

    def inject(self, tower: OpenTower, n_classes: int) -> FeatureAdapter:
        """Put a bottleneck behind the tower; return this recipe with its rank filled in."""
        rank = resolve_rank(self.rank, n_classes, 1)
        tower.after.append(Residual(Bottleneck(tower.n_features, rank)))
        return FeatureAdapter(rank)
