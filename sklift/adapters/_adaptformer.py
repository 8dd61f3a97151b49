"""AdaptFormer: a bottleneck beside the feed-forward part of each block."""

from __future__ import annotations

import math

import torch
from sklearn.base import BaseEstimator
from torch import nn

from ..backbones import OpenTower
from ._layers import choose_blocks, resolve_rank


class AdaptFormer(BaseEstimator):
    r"""A bottleneck beside the feed-forward part: ``x2 += s * up(relu(down(LN(x1))))``.

    ``x1`` is the residual stream after attention; the branch has its own layer norm and a learnable
    scalar ``s``. ``up`` starts at zero, so that training starts from the frozen tower.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Width of the bottleneck. ``"auto"``: :math:`2^{\max(0, \lfloor\log_2 K / 2L\rfloor)}` for K
        classes and L adapted blocks.
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.
    scale : float, default=1.0
        Where the learnable scalar starts.

    References
    ----------
    Chen et al., "AdaptFormer: Adapting Vision Transformers for Scalable Visual Recognition", 2022,
    arXiv 2205.13535; with the layer norm and scalar of Shi et al., 2024, arXiv 2309.10019.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> from sklift.adapters import AdaptFormer
    >>> clf = LiftClassifier(adapter=AdaptFormer(rank=4, layers=6))
    >>> clf.set_params(adapter__rank=8).adapter
    AdaptFormer(layers=6, rank=8)
    """

    def __init__(self, rank="auto", layers=None, scale=1.0):
        self.rank = rank
        self.layers = layers
        self.scale = scale

    def inject(self, tower: OpenTower, n_classes: int) -> AdaptFormer:
        """Put a branch into the chosen blocks; return this recipe with its rank filled in."""
        blocks = choose_blocks(tower, self.layers, "AdaptFormer")
        rank = resolve_rank(self.rank, n_classes, len(blocks))
        for block in blocks:
            # The branch has to see the residual stream, so the frozen norm moves inside the
            # frozen path, and so does what scales that path before the residual sum.
            frozen = nn.Sequential(block.norm2.get(), block.mlp.get(), block.scale2.get())
            block.mlp.set(Parallel(frozen, Bottleneck(block.width, rank, self.scale)))
            block.norm2.set(nn.Identity())
            block.scale2.set(nn.Identity())
        return AdaptFormer(rank, self.layers, self.scale)


class Parallel(nn.Module):
    """``frozen(x) + branch(x)``."""

    def __init__(self, frozen: nn.Module, branch: nn.Module):
        super().__init__()
        self.frozen = frozen
        self.branch = branch

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, tokens, width) -> (n, tokens, width)."""
        return self.frozen(x) + self.branch(x)


class Bottleneck(nn.Module):
    """``scale * up(relu(down(LN(x))))``; ``width * (2 rank + 3) + rank + 1`` weights."""

    def __init__(self, width: int, rank: int, scale: float = 1.0):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, rank)
        self.up = nn.Linear(rank, width)
        self.scale = nn.Parameter(torch.tensor([float(scale)]))
        nn.init.kaiming_normal_(self.down.weight, a=math.sqrt(5))
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, tokens, width) -> (n, tokens, width)."""
        return self.scale * self.up(torch.relu(self.down(self.norm(x))))
