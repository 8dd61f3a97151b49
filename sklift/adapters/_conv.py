"""ConvAdapter: a narrow convolutional branch beside each residual block of a ResNet."""

from __future__ import annotations

import torch
from sklearn.base import BaseEstimator
from torch import nn

from ..backbones import ConvBlock, OpenTower
from ._bottleneck import Branched
from ._layers import choose_blocks, resolve_rank


class ConvAdapter(BaseEstimator):
    """A convolutional branch beside each residual block: ``y += up(relu(conv3x3(down(x))))``.

    ``down`` and ``up`` are 1x1 convolutions, the middle one works channel by channel and follows
    the block's stride. ``up`` starts at zero, so that training starts from the frozen tower.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Channels of the branch; ``"auto"`` as for :class:`AdaptFormer`.
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.

    References
    ----------
    Chen et al., "Conv-Adapter: Exploring Parameter Efficient Transfer Learning for ConvNets", 2022,
    arXiv 2208.07463.

    Examples
    --------
    >>> from sklift.adapters import ConvAdapter
    >>> ConvAdapter(rank=8)
    ConvAdapter(rank=8)
    """

    order = 40
    block_type = ConvBlock

    def __init__(self, rank: int | str = "auto", layers=None) -> None:
        self.rank = rank
        self.layers = layers

    def inject(self, tower: OpenTower, n_classes: int) -> ConvAdapter:
        """Put a branch beside the chosen blocks; return this recipe with its rank filled in."""
        blocks = choose_blocks(tower, self)
        rank = resolve_rank(self.rank, n_classes, len(blocks))
        for block in blocks:
            up = nn.Conv2d(rank, block.width, 1)
            nn.init.zeros_(up.weight)
            nn.init.zeros_(up.bias)
            branch = nn.Sequential(
                nn.Conv2d(block.in_width, rank, 1),
                nn.Conv2d(rank, rank, 3, block.stride, padding=1, groups=rank),
                nn.ReLU(),
                up,
            )
            block.unit.set(Parallel(block.unit.get(), branch))
        return ConvAdapter(rank, self.layers)


class Parallel(Branched):
    """Sum of a frozen path and a branch: ``frozen(x) + branch(x)``."""

    def __init__(self, frozen: nn.Module, branch: nn.Module):
        super().__init__(branch)
        self.frozen = frozen

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum, ``(n, c, h, w) -> (n, c', h', w')``."""
        return self.add(self.frozen(x), self.branch(x))
