"""Low-rank updates of frozen weights, the trained part of LoRA and its kin."""

from __future__ import annotations

import math

import torch
from torch import nn


class LowRank(nn.Module):
    """Low-rank update of a weight: ``(A B)^T / divisor`` is added to bands of its rows.

    The weight of a convolution is taken as a matrix: a row for each output channel, a column for
    each entry of its kernel ``(in / groups, height, width)``.

    Parameters
    ----------
    frozen : tensor of shape (rows, ...)
        The weight.
    rank : int
        Columns of A ``(columns, rank)``, rows of B ``(rank, height)``.
    bands : dict of str to int
        Name of each update and the index of its band of rows.
    n_bands : int, default=1
        Number of bands of equal height that the rows are made of.
    divisor : float
        What the product is divided by.
    """

    def __init__(
        self, frozen: torch.Tensor, rank: int, bands: dict[str, int], n_bands: int, divisor: float
    ):
        super().__init__()
        self.bands = bands
        self.divisor = divisor
        self.height = frozen.shape[0] // n_bands
        width = frozen[0].numel()
        self.A = nn.ParameterDict({name: torch.empty(width, rank) for name in bands})
        self.B = nn.ParameterDict({name: torch.zeros(rank, self.height) for name in bands})
        for name in bands:
            nn.init.kaiming_uniform_(self.A[name], a=math.sqrt(5))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the updated weight, ``(rows, ...) -> (rows, ...)``."""
        bands = list(weight.flatten(1).split(self.height))
        for name, i in self.bands.items():
            bands[i] = self.updated(name, bands[i])
        return (torch.cat(bands) if len(bands) > 1 else bands[0]).view_as(weight)

    def updated(self, name: str, band: torch.Tensor) -> torch.Tensor:
        """Return an updated band, ``(height, columns) -> (height, columns)``."""
        return band + (self.A[name] @ self.B[name]).T / self.divisor
