"""Last block of a tower that computes the class token only, where the feature is that token."""

from __future__ import annotations

from torch import nn

from ..._compute._speed_up import change_class, optional
from .._towers import _open_clip, _timm

_SLOWER = "the tower's last block computes all tokens, of which its feature needs the first alone"


def compute_first_token_only(tower: nn.Module) -> None:
    """Let the last block leave out the tokens that the feature doesn't need.

    Adapters must have been injected before. Towers that pool in another way, and blocks that an
    adapter has wrapped, stay as they are.
    """
    trunk = getattr(tower, "trunk", tower)
    with optional(_SLOWER):
        if (found := _open_clip.last_block_of(trunk) or _timm.last_block_of(trunk)) is not None:
            block, instead = found
            change_class(block, instead, block, lambda x: block(x)[:, :1])
