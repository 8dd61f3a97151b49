"""Choice of the blocks of an adapter, and of a rank that suits the number of classes."""

from __future__ import annotations

from numbers import Integral
from typing import Any

from ..backbones import OpenTower


def choose_blocks(tower: OpenTower, recipe) -> list[Any]:
    """Return the blocks of a tower that the ``layers`` of a recipe name.

    Parameters
    ----------
    tower : OpenTower
        An opened tower.
    recipe : object
        A recipe with the attributes ``layers``: int, the last k blocks; sequence of int, the blocks
        of these indices (negative ones count from the end); or None, all; ``block_type``, the class
        that the blocks must have; and, where a block of this class may lack what the recipe needs,
        ``has_place(block)``.

    Returns
    -------
    blocks : list of Block

    Raises
    ------
    ValueError
        If the tower has no blocks of this type, or not the ones asked for, or none of these has a
        place for the recipe.
    TypeError
        If ``layers`` is none of the above.
    """
    layers = recipe.layers
    if not suits(recipe, tower):
        from . import suitable

        raise ValueError(
            f"{type(recipe).__name__} has no place in {tower.name}, whose blocks are of another "
            f"kind; adapters that this tower takes: {suitable(tower)}"
        )
    chosen = _named_by(layers, tower)
    if not any(_has_place(recipe, block) for block in chosen):
        raise ValueError(
            f"layers={layers!r}: {type(recipe).__name__} finds nothing to train in these blocks of "
            f"{tower.name}; choose others, or leave layers at None"
        )
    return chosen


def _named_by(layers, tower: OpenTower) -> list[Any]:
    blocks = tower.blocks
    n = len(blocks)
    if layers is None:
        return list(blocks)
    if _is_int(layers):
        layers = int(layers)
        if not 1 <= layers <= n:
            raise ValueError(
                f"layers={layers} asks for the last {layers} of {n} blocks of {tower.name}"
            )
        return list(blocks[n - layers :])
    sequence = isinstance(layers, (list, tuple, range)) or hasattr(layers, "tolist")
    if not sequence or not all(_is_int(i) for i in layers):
        raise TypeError(f"layers must be None, an int or a sequence of int, got {layers!r}")
    indices = {int(i) % n for i in layers if -n <= i < n}
    if not indices or len(indices) < len(layers):
        raise ValueError(f"layers={layers!r} must be distinct block indices from 0 to {n - 1}")
    return [blocks[i] for i in sorted(indices)]


def _is_int(value) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def suits(recipe, tower: OpenTower) -> bool:
    """Tell whether a recipe suits a tower: its ``block_type`` is there, or it needs no blocks."""
    if recipe.block_type is None:
        return True
    return any(_has_place(recipe, block) for block in tower.blocks)


def _has_place(recipe, block) -> bool:
    has_place = getattr(recipe, "has_place", None)
    return isinstance(block, recipe.block_type) and (has_place is None or has_place(block))


def auto_rank(n_classes: int, n_blocks: int, *, per_block: int = 2) -> int:
    """Return ``2 ** max(0, floor(log2(K / (per_block * L))))`` for K classes and L blocks.

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
    """Return a rank (or the setting ``name``) as a number; ``"auto"`` by :func:`auto_rank`.

    Raises
    ------
    ValueError
        If it is neither ``"auto"`` nor an int of at least 1.
    """
    if isinstance(rank, str) and rank == "auto":
        return auto_rank(n_classes, n_blocks, per_block=per_block)
    if not _is_int(rank) or rank < 1:
        raise ValueError(f"{name} must be 'auto' or an int of at least 1, got {rank!r}")
    return int(rank)
