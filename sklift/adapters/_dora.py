"""DoRA: low-rank updates of directions, and trained lengths."""

from __future__ import annotations

import torch
from torch import nn

from ._lora import LoRA
from ._low_rank import LowRank


class DoRA(LoRA):
    r"""Low-rank updates of the direction of each row of a weight, with its length trained apart.

    ``W' = m * V / |V|`` for ``V = W + (A B)^T / rank``, where ``|V|`` has the length of each row
    (all weights of one output) and ``m``, a number for each row, starts as ``|W|``. No gradient
    flows through ``|V|``, as the authors advise. Training starts from the frozen tower. The rest is
    as in :class:`LoRA`, the parameters too; ``m`` adds a weight for each output of an updated map.

    References
    ----------
    Liu et al., "DoRA: Weight-Decomposed Low-Rank Adaptation", 2024, arXiv 2402.09353.

    Examples
    --------
    >>> from sklift.adapters import DoRA
    >>> DoRA(rank=4)
    DoRA(rank=4)
    """

    def _update(
        self, weight: torch.Tensor, rank: int, bands: dict[str, int], n_bands: int
    ) -> LowRank:
        return Decomposed(weight, rank, bands, n_bands, divisor=rank)


class Decomposed(LowRank):
    """Low-rank update of the directions of rows, whose lengths are trained.

    The parameters are those of :class:`LowRank`.
    """

    def __init__(
        self, frozen: torch.Tensor, rank: int, bands: dict[str, int], n_bands: int, divisor: float
    ):
        super().__init__(frozen, rank, bands, n_bands, divisor)
        lengths = torch.linalg.vector_norm(frozen.detach().flatten(1), dim=1).split(self.height)
        self.lengths = nn.ParameterDict({name: lengths[i].clone() for name, i in bands.items()})

    def updated(self, name: str, band: torch.Tensor) -> torch.Tensor:
        """Return an updated band, ``(height, columns) -> (height, columns)``."""
        moved = super().updated(name, band)
        now = torch.linalg.vector_norm(moved.detach(), dim=1)
        # a row of zeros has no direction: it stays zero
        now = now.clamp_min(torch.finfo(now.dtype).tiny)
        return moved * (self.lengths[name] / now).unsqueeze(1)
