"""Compilation of the tower's blocks by torch, during training."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache

import torch

from .._compute._speed_up import optional
from .._compute._torch import keeping_programs, require_undoable_compile, undo_compile
from ..backbones import find_stages
from ._tuned_model import TunedModel

# Programs of one function that torch keeps. Blocks differ in their adapters, batches in their size,
# and the fits of a search in both. With torch's limit of 8, most would run without compilation.
_MOST_GRAPHS = 64


@contextmanager
def compiled(model: TunedModel, enabled: bool) -> Iterator[None]:
    """Context in which torch compiles the blocks of the tower, or a tower without known blocks.

    Blocks are alike, so one compiled program serves all of them. This takes seconds; the whole
    tower would take minutes.

    Parameters
    ----------
    model : TunedModel
        The model, which is not compiled any more at the end.
    enabled : bool
        False: the context does nothing.

    Raises
    ------
    ValueError
        If there is nothing to compile, or torch can't compile on this machine.
    """
    if not enabled:
        yield
        return
    if model.backbone.is_empty:
        raise ValueError(
            f"compile=True: backbone={model.backbone.spec.name!r} has no tower that could be "
            "compiled; set it to False"
        )
    _check_compiler(model.mean.device.type)
    stages = find_stages(model.tower)
    parts = [model.tower] if stages is None else list(stages.blocks)
    with optional("the training is not compiled, and takes longer than compile=True lets expect"):
        require_undoable_compile()
        for part in parts:
            part.compile()
    keeping: AbstractContextManager = nullcontext()
    with optional("some blocks are not compiled, of which torch has compiled several forms"):
        keeping = keeping_programs(_MOST_GRAPHS)
    try:
        with keeping:
            yield
    finally:
        for part in parts:
            undo_compile(part)


@cache
def _check_compiler(device: str) -> None:
    """Compile a small function, to see whether the compiler works on this machine."""
    try:
        torch.compile(torch.sin)(torch.zeros(8, device=device))
    except Exception as error:
        reason = str(error).strip().partition("\n")[0]
        raise ValueError(
            f"compile=True: torch.compile does not work here ({reason}). It needs a C++ compiler "
            "on a CPU, triton on a GPU; without, set compile=False"
        ) from error
