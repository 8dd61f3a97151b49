"""Visual prompt tuning: learned tokens beside those of the picture."""

from __future__ import annotations

import math

import torch
from sklearn.base import BaseEstimator
from torch import nn

from ..backbones import OpenTower, SequenceBlock
from ._layers import choose_blocks, resolve_rank


class VPT(BaseEstimator):
    r"""Learned prompt tokens, appended behind the tokens of the picture.

    Drawn from :math:`\pm\sqrt{6 / (3 p^2 + D)}` for patch size p and width D. They have no
    position, and are taken off before the tower's pooling.

    Parameters
    ----------
    deep : bool, default=True
        Whether each chosen block puts prompts of its own in the place of the last ones; otherwise
        the first chosen block appends prompts that stay to the end.
    length : int or "auto", default=10
        Number of prompts. ``"auto"``: :math:`2^{\max(0, \lfloor\log_2 K / L\rfloor)}` for K
        classes and L chosen blocks, as in LIFT+ (Shi, Wei, Li, 2025, arXiv 2504.13282): the prompts
        of all of them then hold no more weights than the head.
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.

    References
    ----------
    Jia et al., "Visual Prompt Tuning", 2022, arXiv 2203.12119.

    Examples
    --------
    >>> from sklift.adapters import VPT
    >>> VPT(deep=False, length=5)
    VPT(deep=False, length=5)
    """

    order = 50

    def __init__(self, deep: bool = True, length: int | str = 10, layers=None) -> None:
        self.deep = deep
        self.length = length
        self.layers = layers

    def inject(self, tower: OpenTower, n_classes: int) -> VPT:
        """Wrap the blocks that append, replace or take off prompts; return the recipe as used."""
        chosen = choose_blocks(tower, self.layers, self, SequenceBlock)
        length = resolve_rank(self.length, n_classes, len(chosen), per_block=1, name="length")
        if any(isinstance(block.unit.get(), Prompted) for block in tower.blocks):
            raise ValueError("a tower takes one VPT: each would take off the other's prompts")
        chosen = chosen if self.deep else chosen[:1]
        for i, block in enumerate(chosen):
            bound = math.sqrt(6 / (3 * tower.patch_size**2 + block.width))
            prompt = nn.Parameter(torch.empty(length, block.width).uniform_(-bound, bound))
            before = length if i else 0
            block.unit.set(Prompted(block.unit.get(), before, prompt))
        last = tower.blocks[-1].unit
        last.set(Prompted(last.get(), after=length))
        return VPT(self.deep, length, self.layers)


class Prompted(nn.Module):
    """A block that takes tokens off the end, appends prompts, and takes tokens off its output.

    Parameters
    ----------
    block : nn.Module
        ``(n, tokens, width)`` -> the same.
    before, after : int, default=0
        Tokens taken off the end of the input and of the output.
    prompt : Parameter of shape (length, width), optional
        Appended to the input.
    """

    def __init__(self, block: nn.Module, before: int = 0, prompt=None, after: int = 0):
        super().__init__()
        self.block = block
        self.before = before
        self.prompt = prompt
        self.after = after

    def forward(self, x: torch.Tensor, *args, **kwargs) -> torch.Tensor:
        """(n, tokens, width) -> (n, tokens', width)."""
        x = x[:, : x.shape[1] - self.before]
        if self.prompt is not None:
            prompts = self.prompt.to(x.dtype).expand(x.shape[0], -1, -1)
            x = torch.cat([x, prompts], dim=1)
        x = self.block(x, *args, **kwargs)
        return x[:, : x.shape[1] - self.after]
