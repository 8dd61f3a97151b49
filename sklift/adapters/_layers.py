"""Which blocks an adapter sits in, and the rank that suits a number of classes."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from ..backbones import Block, OpenTower


def choose_blocks(tower: OpenTower, layers, recipe, kind: type[Block] = Block) -> list[Any]:
    """The blocks that ``layers`` names.

    Parameters
    ----------
    tower : OpenTower
        An opened tower.
    layers : int, sequence of int, or None
        The last k blocks, the blocks of these indices (negative ones count from the end), or all.
    recipe : object
        Who asks, for messages.
    kind : type, default=Block
        The kind of block it can take.

    Raises
    ------
    ValueError
        If the tower has no such blocks, or not the ones asked for.
    TypeError
        If ``layers`` is of another kind.
    """
    blocks, name = tower.blocks, type(recipe).__name__
    if not blocks or not isinstance(blocks[0], kind):
        from . import suitable

        raise ValueError(
            f"{name} has no place in {tower.name}, whose blocks are of another kind; adapters that "
            f"this tower takes: {suitable(tower)}"
        )
    n = len(blocks)
    if layers is None:
        return list(blocks)
    if isinstance(layers, Integral) and not isinstance(layers, bool):
        layers = int(layers)
        if not 1 <= layers <= n:
            raise ValueError(
                f"layers={layers} asks for the last {layers} of {n} blocks of {tower.name}"
            )
        return list(blocks[n - layers :])
    sequence = isinstance(layers, (list, tuple, range)) or hasattr(layers, "tolist")
    if not sequence or not all(isinstance(i, Integral) for i in layers):
        raise TypeError(f"layers must be None, an int or a sequence of int, got {layers!r}")
    indices = {int(i) % n for i in layers if -n <= i < n}
    if not indices or len(indices) < len(layers):
        raise ValueError(f"layers={layers!r} must be distinct block indices from 0 to {n - 1}")
    return [blocks[i] for i in sorted(indices)]


def auto_rank(n_classes: int, n_blocks: int, *, per_block: int = 2) -> int:
    """``2 ** max(0, floor(log2(K / (per_block * L))))`` for K classes and L adapted blocks.

    The rule of LIFT (Shi et al., 2024, arXiv 2309.10019): the adapters together then hold no more
    weights than the head. An adapter with two more matrices a block takes ``per_block=4``.

    Examples
    --------
    >>> [auto_rank(k, 12) for k in (100, 365, 1000, 8142)]
    [4, 8, 32, 256]
    """
    quotient = n_classes // (per_block * n_blocks)  # the floor changes no power of two
    return 1 << max(0, quotient.bit_length() - 1)


def resolve_rank(
    rank, n_classes: int, n_blocks: int, *, per_block: int = 2, name: str = "rank"
) -> int:
    """``rank``, or a like setting of this ``name``, as a number, ``"auto"`` by :func:`auto_rank`.

    Raises
    ------
    ValueError
        If it is neither ``"auto"`` nor an int of at least 1.
    """
    if isinstance(rank, str) and rank == "auto":
        return auto_rank(n_classes, n_blocks, per_block=per_block)
    if isinstance(rank, bool) or not isinstance(rank, Integral) or rank < 1:
        raise ValueError(f"{name} must be 'auto' or an int of at least 1, got {rank!r}")
    return int(rank)
