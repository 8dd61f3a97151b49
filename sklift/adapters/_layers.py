"""Which blocks an adapter sits in, and the rank that suits a number of classes."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral

from ..backbones import Block, OpenTower


def choose_blocks(tower: OpenTower, layers: int | Sequence[int] | None, kind: str) -> list[Block]:
    """The blocks that ``layers`` names.

    Parameters
    ----------
    tower : OpenTower
        An opened tower.
    layers : int, sequence of int, or None
        The last k blocks, the blocks of these indices (negative ones count from the end), or all.
    kind : str
        The adapter's name, for messages.

    Raises
    ------
    ValueError
        If the tower has no transformer blocks, or not the ones asked for.
    TypeError
        If ``layers`` is of another kind.
    """
    blocks = tower.blocks
    n = len(blocks)
    if n == 0:
        raise ValueError(
            f"{kind} needs a tower of transformer blocks, which {tower.name} does not have; "
            "adapter='none' trains the head alone"
        )
    if layers is None:
        return list(blocks)
    if isinstance(layers, bool):
        raise TypeError(f"layers must be None, an int or a sequence of int, got {layers!r}")
    if isinstance(layers, Integral):
        if not 1 <= layers <= n:
            raise ValueError(f"layers={layers!r} asks for the last {layers} blocks; {tower.name} has {n}")
        return list(blocks[n - layers :])
    try:
        indices = [int(i) for i in layers if isinstance(i, Integral) or _refuse(layers)]
    except TypeError:
        _refuse(layers)
    if not indices or any(not -n <= i < n for i in indices) or len({i % n for i in indices}) < len(indices):
        raise ValueError(f"layers={layers!r} must be distinct block indices from 0 to {n - 1}")
    return [blocks[i] for i in sorted(i % n for i in indices)]


def _refuse(layers):
    raise TypeError(f"layers must be None, an int or a sequence of int, got {layers!r}")


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


def resolve_rank(rank, n_classes: int, n_blocks: int, *, per_block: int = 2) -> int:
    """``rank`` as a number, ``"auto"`` by :func:`auto_rank`.

    Raises
    ------
    ValueError
        If it is neither ``"auto"`` nor an int of at least 1.
    """
    if isinstance(rank, str) and rank == "auto":
        return auto_rank(n_classes, n_blocks, per_block=per_block)
    if isinstance(rank, bool) or not isinstance(rank, Integral) or rank < 1:
        raise ValueError(f"rank must be 'auto' or an int of at least 1, got {rank!r}")
    return int(rank)
