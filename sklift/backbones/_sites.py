"""Attachment sites of a tower: the places where adapters attach parts, or train its weights.

A transformer block computes ``x1 = x + attn(norm1(x))`` and ``x2 = x1 + scale2(mlp(norm2(x1)))``;
a residual block of convolutions ``relu(convs(x) + shortcut(x))``. Of other blocks, and of layers in
a plain chain, it is only known which matrices, convolutions and norms they have. Adapters see their
parts as slots (a module that can be read and replaced) and weights (a weight and bias pair that can
be re-parametrised), whatever library the tower comes from.
"""

from __future__ import annotations

from dataclasses import dataclass

from torch import nn


@dataclass(frozen=True)
class Slot:
    """Named slot of a parent module, that holds a module.

    Examples
    --------
    >>> from torch import nn
    >>> from sklift.backbones import Slot
    >>> parent = nn.ModuleDict({"mlp": nn.Linear(4, 4)})
    >>> Slot(parent, "mlp").set(nn.Identity())
    >>> Slot(parent, "mlp").get()
    Identity()
    """

    parent: nn.Module
    name: str

    def get(self) -> nn.Module:
        """Return the module in this slot."""
        return getattr(self.parent, self.name)

    def set(self, module: nn.Module) -> None:
        """Put a module into this slot."""
        setattr(self.parent, self.name, module)


@dataclass(frozen=True)
class Weight:
    """A weight and its bias, by name in the module that owns them; rows are outputs.

    ``bias`` is None where the module knows no bias, as a norm by the root mean square alone.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> block = load_backbone("emoji-tiny").open().blocks[0]
    >>> [weight.weight for weight in block.linears]
    ['in_proj_weight', 'weight', 'weight', 'weight']
    """

    owner: nn.Module
    weight: str = "weight"
    bias: str | None = "bias"


@dataclass(frozen=True)
class Block:
    """Sites that every block has; those of a kind that it lacks are empty.

    Attributes
    ----------
    width : int
        Channels of the block's output.
    unit : Slot
        The whole block.
    linears : tuple of Weight
        Its matrices or convolutions, in order of depth.
    norms : tuple of Weight
        The scale and shift of its norms, in order of depth.
    inner_norms : tuple of Weight
        Scale and shift of further norms: of queries and keys, inside the feed-forward part, or of a
        shortcut.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> block = load_backbone("emoji-tiny").open().blocks[0]
    >>> block.width, len(block.linears), len(block.norms)
    (192, 4, 2)
    """

    width: int
    unit: Slot
    linears: tuple[Weight, ...]
    norms: tuple[Weight, ...]
    inner_norms: tuple[Weight, ...]


@dataclass(frozen=True)
class TransformerBlock(Block):
    """Sites of a transformer block, ``(n, tokens, width)`` -> the same.

    ``linears`` are (qkv, out, fc1, fc2); qkv holds query, key and value stacked along the rows.

    Attributes
    ----------
    norm2, mlp, scale2 : Slot
        The second norm, the feed-forward part, and the scaling between it and the residual sum.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> block = load_backbone("emoji-tiny").open().blocks[0]
    >>> type(block.norm2.get()).__name__
    'LayerNorm'
    """

    norm2: Slot
    mlp: Slot
    scale2: Slot


@dataclass(frozen=True)
class SequenceBlock(TransformerBlock):
    """Sites of a transformer block that takes any number of tokens, as prompts need.

    Examples
    --------
    >>> from sklift.backbones import SequenceBlock, load_backbone
    >>> isinstance(load_backbone("emoji-tiny").open().blocks[0], SequenceBlock)
    True
    """


@dataclass(frozen=True)
class AttentionBlock(SequenceBlock):
    """Sites of a transformer block whose attention takes keys and values from elsewhere too.

    Attributes
    ----------
    attention : nn.Module
        Where it has a module ``prefix``, that one is called with keys and values, each
        ``(n, heads, tokens, d)``, and returns those to attend to.

    Examples
    --------
    >>> from sklift.backbones import load_backbone
    >>> type(load_backbone("emoji-tiny").open().blocks[0]).__name__
    'AttentionBlock'
    """

    attention: nn.Module


@dataclass(frozen=True)
class ConvBlock(Block):
    """Sites of a residual block of convolutions, ``(n, c, h, w)`` -> ``(n, width, h', w')``.

    Attributes
    ----------
    in_width : int
        Channels of its input.
    stride : int
        Side of its input over that of its output.

    Examples
    --------
    >>> from timm import create_model
    >>> from sklift.backbones._blocks import find_blocks
    >>> block = find_blocks(create_model("resnet18", pretrained=False))[2]
    >>> block.in_width, block.width, block.stride
    (64, 128, 2)
    """

    in_width: int
    stride: int
