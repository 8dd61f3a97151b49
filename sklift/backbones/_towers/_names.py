"""Names of the parts of a transformer block."""

from __future__ import annotations

from dataclasses import dataclass
from operator import attrgetter

from torch import nn


@dataclass(frozen=True)
class BlockNames:
    """Names of the parts of a block, as dotted paths.

    Attributes
    ----------
    norm1, norm2 : str
        The norms before the attention and before the feed-forward part.
    mlp, scale2 : str
        The feed-forward part, and the scaling between it and the residual sum.
    attention : str
        The attention.
    qkv : tuple of str
        The module that owns the weight of queries, keys and values, that weight, and its bias.
    linears : tuple of str
        The other products in order of depth: output of the attention, and the feed-forward part.
    """

    norm1: str
    norm2: str
    mlp: str
    scale2: str
    attention: str
    qkv: tuple[str, str, str]
    linears: tuple[str, str, str]

    def all_in(self, block: nn.Module) -> bool:
        """Tell whether a block has all of the parts, and computes with matrices, on tokens."""
        owner, weight, _ = self.qkv
        paths = (
            self.norm1,
            self.norm2,
            self.mlp,
            self.scale2,
            self.attention,
            f"{owner}.{weight}",
            *self.linears,
        )
        try:
            attrgetter(*paths)(block)
        except AttributeError:
            return False
        return attrgetter(f"{owner}.{weight}")(block).ndim == 2
