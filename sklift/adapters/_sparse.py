"""Sparse tuning: a random fraction of every weight matrix."""

from __future__ import annotations

import torch
from sklearn.base import BaseEstimator
from torch import nn
from torch.nn.utils import parametrize

from .._core._recipes import check_real
from ..backbones import Block, OpenTower, Weight
from ._layers import choose_blocks


class SparseTuning(BaseEstimator):
    """A random fraction of the entries of each weight matrix and its bias.

    LIFT's "arbitrary lightweight fine-tuning": which weights are tuned matters less than how many.
    Each matrix has a mask of its own, drawn from one seeded generator, and the masks are part of
    what is saved.

    Parameters
    ----------
    ratio : float or "auto", default=0.01
        Fraction of entries that are trained, in (0, 1]. ``"auto"``: as many entries as the head has
        weights, as in LIFT+ (Shi, Wei, Li, 2025, arXiv 2504.13282).
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.
    mask_seed : int, default=0
        Seed of the masks.

    References
    ----------
    Shi et al., "Long-Tail Learning with Foundation Model: Heavy Fine-Tuning Hurts", 2024,
    arXiv 2309.10019, section 4.

    Examples
    --------
    >>> from sklift.adapters import SparseTuning
    >>> SparseTuning(ratio=0.1)
    SparseTuning(ratio=0.1)
    """

    # after the adapters that train whole weights: these can't see re-parametrised weights
    order = 5
    block_type = Block

    def __init__(self, ratio=0.01, layers=None, mask_seed: int = 0) -> None:
        self.ratio = ratio
        self.layers = layers
        self.mask_seed = mask_seed

    @staticmethod
    def has_place(block: Block) -> bool:
        """Tell whether a block has matrices."""
        return bool(block.linears)

    def inject(self, tower: OpenTower, n_classes: int) -> SparseTuning:
        """Re-parametrise the chosen blocks' matrices; return this recipe, its ratio filled in."""
        sites = [s for b in choose_blocks(tower, self) for s in b.linears]
        ratio = self.ratio
        if ratio == "auto":
            ratio = min(1.0, n_classes * tower.n_features / sum(map(_n_entries, sites)))
        check_real(ratio, "ratio", minimum=0, maximum=1, include_boundaries="right")
        generator = torch.Generator().manual_seed(int(self.mask_seed))
        if not any(int(_n_entries(site) * ratio) for site in sites):
            raise ValueError(
                f"ratio={ratio:g} of each matrix is less than one entry: the largest of the chosen "
                f"blocks of {tower.name} has {max(map(_n_entries, sites))}; raise ratio"
            )
        for site in sites:
            _make_sparse(site, ratio, generator)
        return SparseTuning(ratio, self.layers, self.mask_seed)


def _n_entries(site: Weight) -> int:
    assert site.bias is not None  # a matrix names its bias, also where it has none
    bias = getattr(site.owner, site.bias)
    return getattr(site.owner, site.weight).numel() + (0 if bias is None else bias.numel())


def _make_sparse(site: Weight, ratio: float, generator: torch.Generator) -> None:
    assert site.bias is not None  # as above
    weight, bias = getattr(site.owner, site.weight), getattr(site.owner, site.bias)
    rows, columns = weight.shape[0], weight[0].numel()
    width = columns + (bias is not None)
    # entries of the matrix (W | b), row by row
    chosen = torch.randperm(rows * width, generator=generator)[: int(rows * width * ratio)]
    row, column = chosen // width, chosen % width
    inside = column < columns
    entries = {site.weight: (row * columns + column)[inside]}
    if bias is not None:
        entries[site.bias] = row[~inside]
    for name, flat in entries.items():
        if len(flat):
            frozen = getattr(site.owner, name)
            sparse = Scatter(flat.to(frozen.device), frozen)
            parametrize.register_parametrization(site.owner, name, sparse)


class Scatter(nn.Module):
    """Tensor in which some entries are trained.

    Parameters
    ----------
    entries : int64 tensor of shape (n_entries,)
        Flat positions, row by row.
    frozen : tensor
        Tensor of the start values.
    """

    entries: torch.Tensor

    def __init__(self, entries: torch.Tensor, frozen: torch.Tensor):
        super().__init__()
        self.register_buffer("entries", entries)
        self.values = nn.Parameter(frozen.detach().flatten()[entries].clone())

    def forward(self, frozen: torch.Tensor) -> torch.Tensor:
        """Return the tensor with its trained entries, in the shape of the frozen one."""
        return frozen.flatten().index_copy(0, self.entries, self.values).view_as(frozen)
