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

    The tokens start at random values in :math:`\pm\sqrt{6 / (3 p^2 + D)}` for patch size p and
    width D. They have no position, and are removed before the tower's pooling.

    Parameters
    ----------
    deep : bool, default=True
        Whether each chosen block replaces the prompts of the one before by prompts of its own.
        Otherwise the first chosen block appends prompts that stay to the end.
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
    block_type = SequenceBlock

    def __init__(self, deep: bool = True, length: int | str = 10, layers=None) -> None:
        self.deep = deep
        self.length = length
        self.layers = layers

    def inject(self, tower: OpenTower, n_classes: int) -> VPT:
        """Wrap the chosen blocks and the last; return this recipe with its length filled in."""
        chosen = choose_blocks(tower, self)
        length = resolve_rank(self.length, n_classes, len(chosen), per_block=1, name="length")
        if any(isinstance(block.unit.get(), Prompted) for block in tower.blocks):
            raise ValueError("a tower takes one VPT: each would take off the other's prompts")
        chosen = chosen if self.deep else chosen[:1]
        for i, block in enumerate(chosen):
            bound = math.sqrt(6 / (3 * tower.patch_size**2 + block.width))
            prompt = nn.Parameter(torch.empty(length, block.width).uniform_(-bound, bound))
            n_earlier = length if i else 0
            block.unit.set(Prompted(block.unit.get(), prompt, n_off_input=n_earlier))
        last = tower.blocks[-1].unit
        last.set(Prompted(last.get(), n_off_output=length))
        return VPT(self.deep, length, self.layers)


class Prompted(nn.Module):
    """Block that takes tokens off the end, appends prompts, and takes tokens off its output.

    Parameters
    ----------
    block : nn.Module
        ``(n, tokens, width)`` -> the same.
    prompt : Parameter of shape (length, width), optional
        Appended to the input.
    n_off_input, n_off_output : int, default=0
        Number of tokens taken off the end of the input, before the prompt is appended, and off the
        end of the output.
    """

    def __init__(self, block: nn.Module, prompt=None, n_off_input: int = 0, n_off_output: int = 0):
        super().__init__()
        self.block = block
        self.prompt = prompt
        self.n_off_input = n_off_input
        self.n_off_output = n_off_output

    def forward(self, x: torch.Tensor, *args, **kwargs) -> torch.Tensor:
        """Return the output of the block, ``(n, tokens, width) -> (n, tokens', width)``."""
        x = x[:, : x.shape[1] - self.n_off_input]
        if self.prompt is not None:
            prompts = self.prompt.to(x.dtype).expand(x.shape[0], -1, -1)
            x = torch.cat([x, prompts], dim=1)
        x = self.block(x, *args, **kwargs)
        return x[:, : x.shape[1] - self.n_off_output]
