"""A transformer tower in three stages: tokens from pixels, blocks, a feature from tokens."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from open_clip.timm_model import TimmModel
from open_clip.transformer import VisionTransformer
from timm.models import vision_transformer as timm_vit
from torch import nn
from torch.utils.checkpoint import checkpoint


@dataclass(frozen=True)
class Stages:
    """``finish(blocks(embed(x)))`` is what the tower makes of ``x``.

    Attributes
    ----------
    embed : callable
        Normalised pixels -> tokens ``(n, tokens, width)``.
    blocks : nn.ModuleList or nn.Sequential
        Tokens -> tokens, each.
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
        """Normalised pixels -> tokens after the first ``n`` blocks."""
        x = self.embed(x)
        for block in self.blocks[:n]:
            x = block(x)
        return x

    def after(self, tokens: torch.Tensor, n: int) -> torch.Tensor:
        """Tokens after the first ``n`` blocks -> features."""
        for block in self.blocks[n:]:
            if self.recomputes and torch.is_grad_enabled():
                tokens = checkpoint(block, tokens, use_reentrant=False)
            else:
                tokens = block(tokens)
        return self.finish(tokens)


def find_stages(tower: nn.Module) -> Stages | None:
    """The stages of a tower; None where it isn't known to have them.

    Examples
    --------
    >>> from sklift.backbones import find_stages, load_backbone
    >>> len(find_stages(load_backbone("emoji-tiny").tower).blocks)
    6
    """
    if type(tower) is TimmModel:
        inner = find_stages(tower.trunk)
        if inner is None:
            return None
        finish = inner.finish
        return replace(inner, finish=lambda tokens: tower.head(finish(tokens)))
    if type(tower) is VisionTransformer:
        inner = tower.transformer
        if tower.output_tokens or tower.proj is not None or not inner.batch_first:
            return None
        return Stages(
            tower._embeds,
            inner.resblocks,
            lambda tokens: tower._pool(tokens)[0],
            inner.grad_checkpointing,
        )
    if type(tower) is timm_vit.VisionTransformer:
        return Stages(
            lambda x: tower.norm_pre(tower.patch_drop(tower._pos_embed(tower.patch_embed(x)))),
            tower.blocks,
            lambda tokens: tower.forward_head(tower.norm(tokens)),
            tower.grad_checkpointing,
        )
    return None
