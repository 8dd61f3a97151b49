"""SSF: scales and shifts of the outputs of frozen maps and norms."""

from __future__ import annotations

import torch
from sklearn.base import BaseEstimator
from torch import nn
from torch.nn.utils import parametrize

from ..backbones import Block, OpenTower, TransformerBlock, Weight
from ._layers import choose_blocks


class SSF(BaseEstimator):
    """Scale and shift the output of every linear map and norm: ``y * scale + shift``.

    In a transformer block these are qkv, attention output, both matrices of the feed-forward part,
    and both norms; in a block of another kind its norms. ``scale`` is drawn from
    N(1, 0.02) and ``shift`` from N(0, 0.02), so that training starts near the frozen tower.

    Parameters
    ----------
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.

    References
    ----------
    Lian et al., "Scaling & Shifting Your Features: A New Baseline for Efficient Model Tuning",
    2022, arXiv 2210.08823.

    Examples
    --------
    >>> from sklift.adapters import SSF
    >>> SSF(layers=4)
    SSF(layers=4)
    """

    order = 20
    block_type = Block

    def __init__(self, layers=None) -> None:
        self.layers = layers

    @staticmethod
    def has_place(block: Block) -> bool:
        """Tell whether a block has something to scale."""
        return bool(_sites(block))

    def inject(self, tower: OpenTower, n_classes: int) -> SSF:
        """Re-parametrise the chosen blocks' weights; return this recipe."""
        for block in choose_blocks(tower, self):
            for site in _sites(block):
                _scale_and_shift(site)
        return SSF(self.layers)


def _sites(block: Block) -> tuple[Weight, ...]:
    # what goes straight into a norm, as most convolutions do, would lose its scale there
    linears = block.linears if isinstance(block, TransformerBlock) else ()
    return *linears, *block.norms


def _scale_and_shift(site: Weight) -> None:
    owner = site.owner
    weight = getattr(owner, site.weight)
    scale = nn.Parameter(torch.empty(weight.shape[0]).normal_(1, 0.02))
    # (W x + b) * scale + shift = (scale W) x + (scale b + shift)
    parametrize.register_parametrization(owner, site.weight, Scale(scale))
    if site.bias is None:  # the module adds nothing, so it can't be shifted
        return
    if getattr(owner, site.bias) is None:
        zero = torch.zeros(weight.shape[0], dtype=weight.dtype, device=weight.device)
        setattr(owner, site.bias, nn.Parameter(zero, requires_grad=False))
    shift = nn.Parameter(torch.empty(weight.shape[0]).normal_(0, 0.02))
    parametrize.register_parametrization(owner, site.bias, ScaleShift(scale, shift))


class Scale(nn.Module):
    """Scaled weight: ``scale * weight``, row by row."""

    def __init__(self, scale: nn.Parameter):
        super().__init__()
        self.scale = scale

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the scaled weight, ``(rows, ...) -> (rows, ...)``."""
        return weight * _by_row(self.scale, weight)


class ScaleShift(nn.Module):
    """Scaled and shifted bias: ``scale * bias + shift``, with the scale of the weight."""

    def __init__(self, scale: nn.Parameter, shift: nn.Parameter):
        super().__init__()
        self.scale = scale
        self.shift = shift

    def forward(self, bias: torch.Tensor) -> torch.Tensor:
        """Return the scaled and shifted bias, ``(rows, ...) -> (rows, ...)``."""
        return bias * _by_row(self.scale, bias) + _by_row(self.shift, bias)


def _by_row(values: torch.Tensor, tensor: torch.Tensor) -> torch.Tensor:
    """Return a value for each row in a shape that goes with a tensor, ``(rows, 1, ...)``."""
    return values.view(-1, *[1] * (tensor.ndim - 1))
