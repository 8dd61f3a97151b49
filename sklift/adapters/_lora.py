"""LoRA: low-rank updates of frozen matrices."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from sklearn.base import BaseEstimator
from torch import nn
from torch.nn.utils import parametrize

from ..backbones import OpenTower, TransformerBlock
from ._layers import choose_blocks, resolve_rank

TARGETS = ("q", "k", "v", "out", "mlp")


class LoRA(BaseEstimator):
    r"""Low-rank updates: ``y = W x + (x A) B / rank``.

    ``A`` is drawn kaiming-uniform with a = sqrt(5), ``B`` starts at zero, so that training starts
    from the frozen tower.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Columns of A. ``"auto"``: :math:`2^{\max(0, \lfloor\log_2 K / 4L\rfloor)}` for K classes and
        L adapted blocks (two matrices a block more than AdaptFormer, hence 4).
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.
    targets : sequence of {"q", "k", "v", "out", "mlp"}, default=("q", "v")
        The maps that are updated; ``"mlp"`` stands for both matrices of the feed-forward part.

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, arXiv 2106.09685.

    Examples
    --------
    >>> from sklift.adapters import LoRA
    >>> LoRA(rank=8, targets=("q", "v", "mlp"))
    LoRA(rank=8, targets=('q', 'v', 'mlp'))
    """

    order = 10
    block_type = TransformerBlock

    def __init__(
        self, rank: int | str = "auto", layers=None, targets: Sequence[str] = ("q", "v")
    ) -> None:
        self.rank = rank
        self.layers = layers
        self.targets = targets

    def inject(self, tower: OpenTower, n_classes: int) -> LoRA:
        """Update the chosen blocks' matrices; return this recipe with its rank filled in."""
        targets = self._check_targets()
        blocks = choose_blocks(tower, self)
        rank = resolve_rank(self.rank, n_classes, len(blocks), per_block=4)
        for block in blocks:
            qkv, out, fc1, fc2 = block.linears
            parts = {part: i for i, part in enumerate("qkv") if part in targets}
            updates = [(qkv, parts)] if parts else []
            updates += [(out, {"out": 0})] if "out" in targets else []
            updates += [(fc1, {"fc1": 0}), (fc2, {"fc2": 0})] if "mlp" in targets else []
            for site, where in updates:
                frozen = getattr(site.owner, site.weight)
                height = frozen.shape[0] // (3 if site is qkv else 1)
                update = LowRank(frozen.shape[1], height, rank, where)
                parametrize.register_parametrization(site.owner, site.weight, update)
        return LoRA(rank, self.layers, self.targets)

    def _check_targets(self) -> tuple[str, ...]:
        given = self.targets
        ok = isinstance(given, Sequence) and not isinstance(given, str) and len(given)
        if not ok or any(t not in TARGETS for t in given) or len(set(given)) < len(given):
            raise ValueError(f"targets must be distinct names out of {TARGETS}, got {given!r}")
        return tuple(given)


class LowRank(nn.Module):
    """Low-rank update of a weight: ``(A B)^T / rank`` is added to bands of its rows.

    Parameters
    ----------
    width, height : int
        Inputs, and rows of one band.
    rank : int
        Columns of A ``(width, rank)``, rows of B ``(rank, height)``.
    bands : dict of str to int
        Name of each update and the index of its band of rows.
    """

    def __init__(self, width: int, height: int, rank: int, bands: dict[str, int]):
        super().__init__()
        self.bands = bands
        self.rank = rank
        self.A = nn.ParameterDict({name: torch.empty(width, rank) for name in bands})
        self.B = nn.ParameterDict({name: torch.zeros(rank, height) for name in bands})
        for name in bands:
            nn.init.kaiming_uniform_(self.A[name], a=math.sqrt(5))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        """Return the updated weight, ``(rows, width) -> (rows, width)``."""
        height = next(iter(self.B.values())).shape[1]
        bands = list(weight.split(height))
        for name, i in self.bands.items():
            bands[i] = bands[i] + (self.A[name] @ self.B[name]).T / self.rank
        return torch.cat(bands) if len(bands) > 1 else bands[0]
