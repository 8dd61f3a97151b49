"""Description of a tower: its blocks, and what each adapter would train in them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import torch
from sklearn.utils import check_scalar
from torch import nn

from .._compute._device import resolve_device
from .._compute._seeding import drawing_alone
from .._core._recipes import check_real
from .._core._text import counted
from ..backbones import (
    AttentionBlock,
    Backbone,
    Block,
    ConvBlock,
    OpenTower,
    SequenceBlock,
    TransformerBlock,
    load_backbone,
)
from ._layers import suits

KINDS = {
    AttentionBlock: "transformer blocks with parts of known names, for more keys and any tokens",
    SequenceBlock: "transformer blocks with parts of known names, for any number of tokens",
    TransformerBlock: "transformer blocks with parts of known names",
    ConvBlock: "residual blocks of convolutions with parts of known names",
}
OTHER = "blocks or layers whose parts are known by their kinds alone"
LACKS = {"BitFit": "no block has a bias", "LayerNormTuning": "no block has a norm"}
LACKS |= {"SSF": LACKS["LayerNormTuning"]}  # in blocks of other kinds than transformers
PICTURES_AT_ONCE = 8


@dataclass(frozen=True)
class TowerDescription:
    """Description of a tower; printed, it is a short report.

    Attributes
    ----------
    name : str
    image_size, n_features, n_weights, n_bytes : int
        Side of the pictures, width of the feature, and the size of the frozen tower.
    blocks : dict of str to int
        Class of each kind of block -> how many there are, in order of depth.
    kind : str
        What is known of the blocks' parts.
    sites : dict of str to int
        Number of matrices, convolutions and norms in the blocks.
    keeps_tokens : bool
        Whether what comes before the first trained block is computed but once.
    n_classes : int
        Number of classes for which weights are counted.
    trained : dict of str to int
        Adapter that fits -> weights that it trains, without the head.
    ranks : dict of str to int
        Adapter -> what ``rank="auto"`` stands for.
    unfit : dict of str to str
        Adapter that has no place -> why.
    images_per_second : float or None
        Speed of the frozen tower on ``device``; None where it was not measured.
    device : str

    Examples
    --------
    >>> from sklift.adapters import describe
    >>> describe("emoji-tiny", seconds=0).unfit
    {'conv': 'its blocks are no residual blocks of convolutions with parts of known names'}
    """

    name: str
    image_size: int
    n_features: int
    n_weights: int
    n_bytes: int
    blocks: dict[str, int]
    kind: str
    sites: dict[str, int]
    keeps_tokens: bool
    n_classes: int
    trained: dict[str, int]
    ranks: dict[str, int]
    unfit: dict[str, str]
    images_per_second: float | None
    device: str

    def __str__(self) -> str:
        side, n_head = self.image_size, self.n_classes * self.n_features
        held = f"{self.n_weights:,} weights ({self.n_bytes / 1e6:.1f} MB)"
        rows = [
            ("tower", f"{self.name}: {side} x {side} pixels to {self.n_features} features, {held}")
        ]
        if self.images_per_second is not None:
            digits = ",.0f" if self.images_per_second >= 100 else ".3g"
            speed = format(self.images_per_second, digits)
            rows += [("speed", f"{speed} pictures a second, frozen, on {self.device}")]
        units = ", ".join(f"{n} {name}" for name, n in self.blocks.items())
        rows += [("blocks", f"{units}: {self.kind}" if units else self.kind)]
        if self.blocks:
            rows += [("sites", ", ".join(f"{n} {name}" for name, n in self.sites.items() if n))]
            often = "once" if self.keeps_tokens else "in each epoch"
            rows += [("stages", f"blocks before the first trained one are computed {often}")]
        rows += [
            ("trained", f"weights for {counted(self.n_classes, 'class')}; the head has {n_head:,}")
        ]
        for name, n in self.trained.items():
            rank = f" (rank {self.ranks[name]})" if name in self.ranks else ""
            rows += [(f"  {name}", f"{n:>12,}{rank}")]
        rows += [(f"  {name}", f"{'-':>12} {why}") for name, why in self.unfit.items()]
        return "\n".join(f"{name:<16}{value}" for name, value in rows)


def describe(
    backbone: Any,
    pretrained="auto",
    *,
    n_classes: int = 100,
    device: str = "auto",
    seconds: float = 0.5,
) -> TowerDescription:
    """Tell what a tower allows: its blocks, the adapters that fit, and what each would train.

    Parameters
    ----------
    backbone : str, recipe, nn.Module or Backbone
        As for :class:`sklift.LiftClassifier`.
    pretrained : str or path, default="auto"
        Tag or checkpoint file of a backbone by name.
    n_classes : int, default=100
        Number of classes; ranks and the head depend on it.
    device : str, default="auto"
        Where the speed is measured.
    seconds : float, default=0.5
        Time of the measurement, by the clock; 0 leaves it out.

    Returns
    -------
    description : TowerDescription

    Raises
    ------
    TypeError, ValueError, ConnectionError
        As :func:`sklift.backbones.load_backbone` does, or for a wrong parameter.

    Examples
    --------
    >>> from sklift.adapters import describe
    >>> print(describe("emoji-tiny", seconds=0))  # doctest: +ELLIPSIS
    tower           emoji-tiny: 40 x 40 pixels to 192 features, ...
    blocks          6 ResidualAttentionBlock: transformer blocks with parts of known names, ...
    sites           24 matrices, 12 norms
    stages          blocks before the first trained one are computed once
    trained         weights for 100 classes; the head has 19,200
      adapter       ...
    """
    from . import ADAPTERS

    check_scalar(n_classes, "n_classes", Integral, min_val=2)
    check_real(seconds, "seconds", minimum=0)
    place = resolve_device(device)
    if hasattr(backbone, "fit"):
        raise TypeError(
            f"backbone is a {type(backbone).__name__}: give its backbone, a name or a tower"
        )
    known = backbone if isinstance(backbone, Backbone) else load_backbone(backbone, pretrained)
    tower = known.open()
    tensors = {id(p): p for p in known.tower.parameters()}.values()
    trained, ranks, unfit = {}, {}, {}
    for name, recipe in sorted((n, r) for n, r in ADAPTERS.items() if r is not None):
        if suits(recipe, tower):
            trained[name], done = _injected(recipe(), known, n_classes)
            if (rank := getattr(done, "rank", None)) is not None:
                ranks[name] = rank
        else:
            unfit[name] = _reason(recipe, tower)
    return TowerDescription(
        name=str(known.spec),
        image_size=known.preprocess.size,
        n_features=known.n_features,
        n_weights=sum(p.numel() for p in tensors),
        n_bytes=sum(p.numel() * p.element_size() for p in tensors),
        blocks=dict(Counter(type(block.unit.get()).__name__ for block in tower.blocks)),
        kind=KINDS.get(type(tower.blocks[0]), OTHER) if tower.blocks else "none",
        sites=_sites(tower.blocks),
        keeps_tokens=known.has_stages,
        n_classes=n_classes,
        trained=trained,
        ranks=ranks,
        unfit=unfit,
        images_per_second=_speed(known, place, seconds) if seconds and not known.is_empty else None,
        device=str(place),
    )


def _injected(recipe, backbone: Backbone, n_classes: int) -> tuple[int, Any]:
    """Return the number of weights that a recipe trains, and the recipe with its values."""
    tower = backbone.open()
    with drawing_alone(0):
        done = recipe.inject(tower, n_classes)
    parts = nn.ModuleList([tower.module, tower.after])
    return sum(p.numel() for p in parts.parameters() if p.requires_grad), done


def _reason(recipe, tower: OpenTower) -> str:
    if not tower.blocks:
        return "the tower has no matrices, convolutions or norms that could be trained"
    if recipe.block_type in KINDS:
        return f"its blocks are no {KINDS[recipe.block_type]}"
    return LACKS.get(recipe.__name__, "no block has a matrix or convolution")


def _sites(blocks: list[Block]) -> dict[str, int]:
    shapes = [getattr(site.owner, site.weight).ndim for b in blocks for site in b.linears]
    n_norms = sum(len(block.norms) + len(block.inner_norms) for block in blocks)
    n_matrices = shapes.count(2)
    return {"matrices": n_matrices, "convolutions": len(shapes) - n_matrices, "norms": n_norms}


def _speed(backbone: Backbone, device: torch.device, seconds: float) -> float:
    """Pictures a second of the frozen tower, the best of several passes."""
    side, tower = backbone.preprocess.size, backbone.open(device).finished()
    draw = torch.Generator().manual_seed(0)
    pictures = torch.randn(PICTURES_AT_ONCE, 3, side, side, generator=draw).to(device)
    best = float("inf")
    with torch.inference_mode():
        _timed(tower, pictures)  # the first pass sets things up
        end = time.perf_counter() + seconds
        while True:
            best = min(best, _timed(tower, pictures))
            if time.perf_counter() >= end:
                return len(pictures) / best


def _timed(function: Callable, x: torch.Tensor) -> float:
    start = time.perf_counter()
    function(x).sum().item()  # waits for the result
    return time.perf_counter() - start
