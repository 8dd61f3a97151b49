"""Stages of a transformer tower: tokens from pixels, blocks, a feature from tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint

from .._compute._speed_up import optional
from ._towers import _open_clip, _timm

SLOWER = (
    "frozen blocks before the first trained one are computed anew in each epoch, and compile=True "
    "compiles the whole tower"
)


@dataclass(frozen=True)
class Stages:
    """Stages of a tower: its output for ``x`` is ``finish(blocks(embed(x)))``.

    Attributes
    ----------
    embed : callable
        Normalised pixels -> tokens ``(n, tokens, width)``.
    blocks : nn.ModuleList or nn.Sequential
        The blocks, each from tokens to tokens.
    finish : callable
        Tokens -> features.
    recomputes : bool
        Whether blocks keep no activations for the backward pass.

    Examples
    --------
    >>> import torch
    >>> from sklift.backbones import find_stages, load_backbone
    >>> stages = find_stages(load_backbone("emoji-tiny").tower)
    >>> with torch.no_grad():
    ...     stages.before(torch.zeros(1, 3, 40, 40), 2).shape
    torch.Size([1, 26, 192])
    """

    embed: Callable[[torch.Tensor], torch.Tensor]
    blocks: nn.Module
    finish: Callable[[torch.Tensor], torch.Tensor]
    recomputes: bool = False

    def before(self, x: torch.Tensor, n: int) -> torch.Tensor:
        """Compute the tokens after the first ``n`` blocks from normalised pixels."""
        x = self.embed(x)
        for block in self.blocks[:n]:
            x = block(x)
        return x

    def after(self, tokens: torch.Tensor, n: int) -> torch.Tensor:
        """Compute the features from the tokens after the first ``n`` blocks."""
        for block in self.blocks[n:]:
            if self.recomputes and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return self.finish(tokens)


def find_stages(tower: nn.Module) -> Stages | None:
    """Return the stages of a tower; None where it isn't known to have any.

    Examples
    --------
    >>> from sklift.backbones import find_stages, load_backbone
    >>> len(find_stages(load_backbone("emoji-tiny").tower).blocks)
    6
    """
    if _open_clip.is_timm_model(tower):
        inner = find_stages(tower.trunk)
        if inner is None:
            return None
        finish = inner.finish
        return replace(inner, finish=lambda tokens: tower.head(finish(tokens)))
    with optional(SLOWER):
        parts = _open_clip.stages_of(tower) or _timm.stages_of(tower)
        return None if parts is None else Stages(*parts)
    return None
