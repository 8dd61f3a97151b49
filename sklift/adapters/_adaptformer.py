"""AdaptFormer: a bottleneck beside the feed-forward part of each block."""

from __future__ import annotations

import torch
from sklearn.base import BaseEstimator
from torch import nn

from .._core._recipes import check_real
from ..backbones import OpenTower, TransformerBlock
from ._bottleneck import Bottleneck, Branched
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

    order = 40
    block_type = TransformerBlock

    def __init__(self, rank: int | str = "auto", layers=None, scale: float = 1.0) -> None:
        self.rank = rank
        self.layers = layers
        self.scale = scale

    def inject(self, tower: OpenTower, n_classes: int) -> AdaptFormer:
        """Put a branch into the chosen blocks; return this recipe with its rank filled in."""
        scale = check_real(self.scale, "scale", minimum=0)
        blocks = choose_blocks(tower, self)
        rank = resolve_rank(self.rank, n_classes, len(blocks))
        for block in blocks:
            # The branch has to see the residual stream, so the frozen norm moves inside the
            # frozen path, and so does what scales that path before the residual sum.
            frozen = nn.Sequential(block.norm2.get(), block.mlp.get(), block.scale2.get())
            block.mlp.set(ScaledParallel(frozen, Bottleneck(block.width, rank), scale))
            block.norm2.set(nn.Identity())
            block.scale2.set(nn.Identity())
        return AdaptFormer(rank, self.layers, self.scale)


class ScaledParallel(Branched):
    """Sum of a frozen path and a scaled branch: ``frozen(x) + scale * branch(x)``."""

    def __init__(self, frozen: nn.Module, branch: nn.Module, scale: float):
        super().__init__(branch)
        self.frozen = frozen
        self.scale = nn.Parameter(torch.tensor([scale]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum, ``(n, tokens, width) -> (n, tokens, width)``."""
        return self.add(self.frozen(x), self.scale * self.branch(x))
