"""Adapter: a bottleneck behind the feed-forward part of each block."""

from __future__ import annotations

from sklearn.base import BaseEstimator
from torch import nn

from ..backbones import OpenTower, TransformerBlock
from ._bottleneck import Bottleneck, Residual
from ._layers import choose_blocks, resolve_rank


class Adapter(BaseEstimator):
    r"""A bottleneck behind the feed-forward part: ``h += up(relu(down(LN(h))))``, h = mlp(..).

    ``up`` starts at zero, so that training starts from the frozen tower.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Width of the bottleneck. ``"auto"``: :math:`2^{\max(0, \lfloor\log_2 K / 2L\rfloor)}` for K
        classes and L adapted blocks.
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.

    References
    ----------
    Houlsby et al., "Parameter-Efficient Transfer Learning for NLP", 2019, arXiv 1902.00751; placed
    as in Shi et al., 2024, arXiv 2309.10019.

    Examples
    --------
    >>> from sklift.adapters import Adapter
    >>> Adapter(rank=4, layers=[0, 2])
    Adapter(layers=[0, 2], rank=4)
    """

    order = 30
    block_type = TransformerBlock

    def __init__(self, rank: int | str = "auto", layers=None) -> None:
        self.rank = rank
        self.layers = layers

    def inject(self, tower: OpenTower, n_classes: int) -> Adapter:
        """Put a bottleneck into the chosen blocks; return this recipe with its rank filled in."""
        blocks = choose_blocks(tower, self)
        rank = resolve_rank(self.rank, n_classes, len(blocks))
        for block in blocks:
            branch = Residual(Bottleneck(block.width, rank))
            block.mlp.set(nn.Sequential(block.mlp.get(), block.scale2.get(), branch))
            block.scale2.set(nn.Identity())
        return Adapter(rank, self.layers)
