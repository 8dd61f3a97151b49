"""Adapters that train weights of the tower itself: whole blocks, biases, or norms."""

from __future__ import annotations

from collections.abc import Iterator

from sklearn.base import BaseEstimator
from torch import nn

from ..backbones import Block, OpenTower
from ._layers import choose_blocks


def make_trainable(module: nn.Module, name: str) -> None:
    """Replace a frozen parameter of a module by a trained copy."""
    frozen = getattr(module, name)
    if frozen is not None:
        setattr(module, name, nn.Parameter(frozen.detach().clone()))


def direct_names(module: nn.Module) -> list[str]:
    """Names of the parameters that a module holds directly, without those of its parts."""
    return [name for name, _ in module.named_parameters(recurse=False, remove_duplicate=False)]


def _biases(block: Block) -> Iterator[tuple[nn.Module, str]]:
    for module in block.unit.get().modules():
        yield from ((module, name) for name in direct_names(module) if name.endswith("bias"))


class FullTuning(BaseEstimator):
    """All weights of the chosen blocks: the "heavy" fine-tuning that LIFT argues against.

    Parameters
    ----------
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all. Embeddings and the tower's own
        first and last norm stay frozen.

    Examples
    --------
    >>> from sklift.adapters import FullTuning
    >>> FullTuning(layers=2)
    FullTuning(layers=2)
    """

    order = 0
    block_type = Block

    def __init__(self, layers=None) -> None:
        self.layers = layers

    def inject(self, tower: OpenTower, n_classes: int) -> FullTuning:
        """Train the weights of the chosen blocks; return this recipe."""
        for block in choose_blocks(tower, self):
            for module in block.unit.get().modules():
                for name in direct_names(module):
                    make_trainable(module, name)
        return FullTuning(self.layers)


class BitFit(BaseEstimator):
    """All biases of the chosen blocks, those of norms included.

    Parameters
    ----------
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.

    References
    ----------
    Ben Zaken, Ravfogel, Goldberg, "BitFit: Simple Parameter-efficient Fine-tuning for
    Transformer-based Masked Language-models", 2021, arXiv 2106.10199.

    Examples
    --------
    >>> from sklift.adapters import BitFit
    >>> BitFit()
    BitFit()
    """

    order = 0
    block_type = Block

    def __init__(self, layers=None) -> None:
        self.layers = layers

    @staticmethod
    def has_place(block: Block) -> bool:
        """Tell whether a block has biases."""
        return any(_biases(block))

    def inject(self, tower: OpenTower, n_classes: int) -> BitFit:
        """Train the biases of the chosen blocks; return this recipe."""
        for block in choose_blocks(tower, self):
            for module, name in list(_biases(block)):
                make_trainable(module, name)
        return BitFit(self.layers)


class LayerNormTuning(BaseEstimator):
    """Scale and shift of all norms of the chosen blocks, of queries and keys and batch norms too.

    Parameters
    ----------
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.

    References
    ----------
    Basu et al., "Strong Baselines for Parameter Efficient Few-Shot Fine-tuning", 2023,
    arXiv 2304.01917.

    Examples
    --------
    >>> from sklift.adapters import LayerNormTuning
    >>> LayerNormTuning()
    LayerNormTuning()
    """

    order = 0
    block_type = Block

    def __init__(self, layers=None) -> None:
        self.layers = layers

    @staticmethod
    def has_place(block: Block) -> bool:
        """Tell whether a block has norms."""
        return bool(block.norms or block.inner_norms)

    def inject(self, tower: OpenTower, n_classes: int) -> LayerNormTuning:
        """Train the norms of the chosen blocks; return this recipe."""
        for block in choose_blocks(tower, self):
            for site in (*block.norms, *block.inner_norms):
                make_trainable(site.owner, site.weight)
                if site.bias is not None:
                    make_trainable(site.owner, site.bias)
        return LayerNormTuning(self.layers)
