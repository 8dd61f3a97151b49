"""Half tuning: a random half of each block's weights."""

from __future__ import annotations

from numbers import Integral
from typing import Any, TypeVar

import torch
from sklearn.base import BaseEstimator
from torch import nn
from torch.nn.utils import parametrize

from ..backbones import Block, OpenTower, TransformerBlock, Weight
from ._layers import choose_blocks
from ._tower_weights import make_trainable

T = TypeVar("T")
_N_SEEDS = 2**31


class HalfTuning(BaseEstimator):
    """A random half of the matrices of each block, and of its norms, while the other half stays.

    What stays keeps what the tower knew. In a transformer block of known parts these are two of
    queries, keys, values and output, one of the two matrices of the feed-forward part, and half of
    the norms; in another block, half of its matrices and convolutions, and of its norms. Each has
    its bias with it. Where a block has an odd number of these, it is rounded up and down in turn.

    Parameters
    ----------
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.
    seed : int or "auto", default="auto"
        Seed of the choice. ``"auto"``: one that is drawn, and so follows ``random_state``; the
        fitted recipe has its number.

    References
    ----------
    Hui et al., "HFT: Half Fine-Tuning for Large Language Models", 2024, arXiv 2404.18466.

    Examples
    --------
    >>> from sklift.adapters import HalfTuning
    >>> HalfTuning(layers=2)
    HalfTuning(layers=2)
    """

    order = 4  # after the adapters that train whole weights
    block_type = Block

    def __init__(self, layers=None, seed: int | str = "auto") -> None:
        self.layers = layers
        self.seed = seed

    @staticmethod
    def has_place(block: Block) -> bool:
        """Tell whether a block has matrices."""
        return bool(block.linears)

    def inject(self, tower: OpenTower, n_classes: int) -> HalfTuning:
        """Train half of the chosen blocks' weights; return this recipe with its seed filled in."""
        blocks = choose_blocks(tower, self)
        seed = self._resolve_seed()
        halves = _Halves(seed)
        for block in blocks:
            for site, bands in halves.of(block):
                _train(site, bands)
        return HalfTuning(self.layers, seed)

    def _resolve_seed(self) -> int:
        seed: Any = self.seed
        if isinstance(seed, str) and seed == "auto":
            return int(torch.randint(_N_SEEDS, ()))
        is_int = isinstance(seed, Integral) and not isinstance(seed, bool)
        if not is_int or not 0 <= seed < _N_SEEDS:
            raise ValueError(
                f"seed must be 'auto' or an int from 0 to {_N_SEEDS - 1}, got {seed!r}"
            )
        return int(seed)


class _Halves:
    """Random halves of what blocks hold."""

    def __init__(self, seed: int):
        self._generator = torch.Generator().manual_seed(seed)
        self._rounds_up = True

    def of(self, block: Block) -> list[tuple[Weight, str]]:
        """Choose weights of a block, each with the bands of its rows, or "" for all."""
        kinds = [[(site, "") for site in block.linears]]
        if isinstance(block, TransformerBlock):
            qkv, out, *mlp = block.linears
            attention = [(qkv, "q"), (qkv, "k"), (qkv, "v"), (out, "")]
            kinds = [attention, [(site, "") for site in mlp]]
        kinds += [[(site, "") for site in (*block.norms, *block.inner_norms)]]
        shuffled = [self._shuffled(kind) for kind in kinds]
        chosen = [item for kind in shuffled for item in kind[: len(kind) // 2]]
        # one is left of each kind of an odd number: take half of these too
        left = self._shuffled([kind[-1] for kind in shuffled if len(kind) % 2])
        n = len(left) // 2
        if len(left) % 2:
            n, self._rounds_up = n + self._rounds_up, not self._rounds_up
        return _merged(chosen + left[:n])

    def _shuffled(self, items: list[T]) -> list[T]:
        order = torch.randperm(len(items), generator=self._generator)
        return [items[i] for i in order.tolist()]


def _merged(chosen: list[tuple[Weight, str]]) -> list[tuple[Weight, str]]:
    """Put the bands of one weight together."""
    bands: dict[Weight, str] = {}
    for site, band in chosen:
        bands[site] = "".join(sorted(bands.get(site, "") + band))
    return list(bands.items())


def _train(site: Weight, bands: str) -> None:
    for name in (site.weight, site.bias):
        if name is None or getattr(site.owner, name) is None:
            continue
        if bands:
            frozen = getattr(site.owner, name)
            parametrize.register_parametrization(site.owner, name, Bands(frozen, bands))
        else:
            make_trainable(site.owner, name)


class Bands(nn.Module):
    """Stacked queries, keys and values of which some are trained.

    Parameters
    ----------
    frozen : tensor of shape (3 * height, ...)
        Their weight, or bias, at the start.
    bands : str
        Letters of those that are trained.
    """

    def __init__(self, frozen: torch.Tensor, bands: str):
        super().__init__()
        start = dict(zip("qkv", frozen.detach().chunk(3), strict=True))
        self.values = nn.ParameterDict({band: start[band].clone() for band in bands})

    def forward(self, frozen: torch.Tensor) -> torch.Tensor:
        """Return the tensor with its trained bands, in the shape of the frozen one."""
        bands = zip("qkv", frozen.chunk(3), strict=True)
        return torch.cat([self.values.get(b, own) for b, own in bands])
