"""Bottlenecks, the trained part of AdaptFormer, Adapter and FeatureAdapter."""

from __future__ import annotations

import math

import torch
from torch import nn


class Bottleneck(nn.Module):
    """Bottleneck ``up(relu(down(LN(x))))``, zero at the start.

    It has ``width * (2 rank + 3) + rank`` weights.
    """

    def __init__(self, width: int, rank: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down = nn.Linear(width, rank)
        self.up = nn.Linear(rank, width)
        nn.init.kaiming_normal_(self.down.weight, a=math.sqrt(5))
        for zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(zero)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the output of the bottleneck, ``(..., width) -> (..., width)``."""
        return self.up(torch.relu(self.down(self.norm(x))))


class Branched(nn.Module):
    """Sum of something frozen and a trained branch, which may be made smaller after training.

    Attributes
    ----------
    branch : nn.Module
        The branch.
    share : float
        What the branch is multiplied with, 1 in training.
    """

    share = 1.0

    def __init__(self, branch: nn.Module):
        super().__init__()
        self.branch = branch

    def add(self, frozen: torch.Tensor, branch: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        return frozen + (branch if self.share == 1 else self.share * branch)


class Residual(Branched):
    """Sum of the input and a branch: ``x + branch(x)``."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the sum, ``(..., width) -> (..., width)``."""
        return self.add(x, self.branch(x))
