"""Prefix tuning: learned keys and values in each attention."""

from __future__ import annotations

import math

import torch
from sklearn.base import BaseEstimator
from torch import nn

from ..backbones import AttentionBlock, OpenTower
from ._layers import choose_blocks, resolve_rank


class Prefix(BaseEstimator):
    r"""Learned keys and values, beside those of the picture's tokens, in each attention.

    Tokens attend to them as to tokens, but they ask for nothing themselves: unlike the prompts of
    :class:`VPT`, they make no token more to compute. Keys and values start at random values in
    :math:`\pm\sqrt{6 / (3 p^2 + D)}` for patch size p and width D, as the prompts there.

    Parameters
    ----------
    length : int or "auto", default=10
        Number of keys, and of values. ``"auto"``:
        :math:`2^{\max(0, \lfloor\log_2 K / 2L\rfloor)}` for K classes and L chosen blocks: they
        then hold no more weights than the head.
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.

    References
    ----------
    Li, Liang, "Prefix-Tuning: Optimizing Continuous Prompts for Generation", 2021,
    arXiv 2101.00190; keys and values as weights of their own, as in He et al., "Towards a Unified
    View of Parameter-Efficient Transfer Learning", 2021, arXiv 2110.04366.

    Examples
    --------
    >>> from sklift.adapters import Prefix
    >>> Prefix(length=5, layers=4)
    Prefix(layers=4, length=5)
    """

    order = 45
    block_type = AttentionBlock

    def __init__(self, length: int | str = 10, layers=None) -> None:
        self.length = length
        self.layers = layers

    def inject(self, tower: OpenTower, n_classes: int) -> Prefix:
        """Give keys and values to the chosen blocks; return this recipe, its length filled in."""
        blocks = choose_blocks(tower, self)
        length = resolve_rank(self.length, n_classes, len(blocks), name="length")
        for block in blocks:
            if hasattr(block.attention, "prefix"):
                raise ValueError("a tower takes one Prefix: make that one longer")
            bound = math.sqrt(6 / (3 * tower.patch_size**2 + block.width))
            block.attention.prefix = KeysAndValues(length, block.width, bound)
        return Prefix(length, self.layers)


class KeysAndValues(nn.Module):
    """Keys and values, each ``(length, width)``, that an attention takes beside its own."""

    def __init__(self, length: int, width: int, bound: float):
        super().__init__()
        self.keys = nn.Parameter(torch.empty(length, width).uniform_(-bound, bound))
        self.values = nn.Parameter(torch.empty(length, width).uniform_(-bound, bound))

    def forward(self, k: torch.Tensor, v: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return longer keys and values, ``(n, heads, tokens, d) -> (n, heads, tokens', d)``."""
        return _append(k, self.keys), _append(v, self.values)


def _append(own: torch.Tensor, learned: torch.Tensor) -> torch.Tensor:
    n, heads, _, width = own.shape
    more = learned.to(own.dtype).view(-1, heads, width).transpose(0, 1)
    return torch.cat([own, more.expand(n, -1, -1, -1)], dim=2)
