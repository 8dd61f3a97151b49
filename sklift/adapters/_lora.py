"""LoRA: low-rank updates of frozen matrices and convolutions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import torch
from sklearn.base import BaseEstimator
from torch.nn.utils import parametrize

from ..backbones import Block, OpenTower, TransformerBlock, Weight
from ._layers import choose_blocks, resolve_rank
from ._low_rank import LowRank

TARGETS = ("q", "k", "v", "out", "mlp")


class LoRA(BaseEstimator):
    r"""Low-rank updates: ``y = W x + (x A) B / rank``.

    ``A`` is drawn kaiming-uniform with a = sqrt(5), ``B`` starts at zero, so that training starts
    from the frozen tower. A convolution is updated in its kernel: ``A`` is a convolution of the
    same size to ``rank`` channels, and ``B`` one of 1x1. In one with groups (depthwise) the rows of
    all groups share ``A``. The updates are added to the frozen weights for prediction.

    Parameters
    ----------
    rank : int or "auto", default="auto"
        Columns of A. A matrix with a smaller side has as many as that; at least one must have all.
        ``"auto"``: the largest power of two with which the updates hold no more weights than the
        head, and at least 1. For queries and values of a transformer
        :math:`2^{\max(0, \lfloor\log_2 K / 4L\rfloor)}`, for K classes and L adapted blocks.
    layers : int, sequence of int or None, default=None
        The last k blocks, the blocks of these indices, or all.
    targets : "auto" or sequence of {"q", "k", "v", "out", "mlp"}, default="auto"
        The maps that are updated; ``"mlp"`` stands for both matrices of the feed-forward part.
        ``"auto"``: queries and values of a transformer block whose parts are known, all matrices
        and convolutions of another block.

    References
    ----------
    Hu et al., "LoRA: Low-Rank Adaptation of Large Language Models", 2021, arXiv 2106.09685. For
    convolutions: Yeh et al., "Navigating Text-To-Image Customization: From LyCORIS Fine-Tuning to
    Model Evaluation", 2023, arXiv 2309.14859 ("LoCon").

    Examples
    --------
    >>> from sklift.adapters import LoRA
    >>> LoRA(rank=8, targets=("q", "v", "mlp"))
    LoRA(rank=8, targets=('q', 'v', 'mlp'))
    """

    order = 10
    block_type = Block

    def __init__(
        self, rank: int | str = "auto", layers=None, targets: str | Sequence[str] = "auto"
    ) -> None:
        self.rank = rank
        self.layers = layers
        self.targets = targets

    @staticmethod
    def has_place(block: Block) -> bool:
        """Tell whether a block has something to update."""
        return bool(block.linears)

    def inject(self, tower: OpenTower, n_classes: int) -> LoRA:
        """Update the chosen blocks' weights; return this recipe with its rank filled in."""
        targets = _checked(self.targets)
        blocks = choose_blocks(tower, self)
        if targets is not None and not isinstance(blocks[0], TransformerBlock):
            raise ValueError(
                f"targets={self.targets!r} are parts of a transformer block, and the parts of "
                f"{tower.name} are not known as such: leave targets at 'auto', for all its "
                "matrices and convolutions"
            )
        updates = [u for block in blocks for u in _updates(block, targets)]
        sides = [
            (weight.shape[0] // n_bands, weight[0].numel(), len(bands))
            for _, weight, bands, n_bands in updates
        ]
        # with rank 1, all A and B hold `n_at_rank_1` weights, and the head K times `n_features`
        n_at_rank_1 = sum((height + width) * n for height, width, n in sides)
        n_of_head = n_classes * tower.n_features
        rank = resolve_rank(self.rank, n_of_head, n_at_rank_1, per_block=1)
        most = max(min(height, width) for height, width, _ in sides)
        if self.rank == "auto":
            rank = min(rank, most)
        if rank > most:
            raise ValueError(
                f"rank={rank} is more than an update of any of these matrices of {tower.name} can "
                f"have: at most {most}"
            )
        for (site, weight, bands, n_bands), (height, width, _) in zip(updates, sides, strict=True):
            update = self._update(weight, min(rank, height, width), bands, n_bands)
            update.to(weight.device)
            parametrize.register_parametrization(site.owner, site.weight, update)
        return type(self)(rank, self.layers, self.targets)

    def _update(
        self, weight: torch.Tensor, rank: int, bands: dict[str, int], n_bands: int
    ) -> LowRank:
        return LowRank(weight, rank, bands, n_bands, divisor=rank)


class RsLoRA(LoRA):
    r"""Low-rank updates of a scale that suits large ranks: ``y = W x + (x A) B / sqrt(rank)``.

    With LoRA's division by the rank, gradients shrink as the rank grows; with this one updates of
    any rank learn alike. The rest is as in :class:`LoRA`, the parameters too.

    References
    ----------
    Kalajdzievski, "A Rank Stabilization Scaling Factor for Fine-Tuning with LoRA", 2023,
    arXiv 2312.03732.

    Examples
    --------
    >>> from sklift.adapters import RsLoRA
    >>> RsLoRA(rank=64)
    RsLoRA(rank=64)
    """

    def _update(
        self, weight: torch.Tensor, rank: int, bands: dict[str, int], n_bands: int
    ) -> LowRank:
        return LowRank(weight, rank, bands, n_bands, divisor=math.sqrt(rank))


def _checked(targets) -> tuple[str, ...] | None:
    """Return the targets, None for "auto"."""
    if hasattr(targets, "tolist"):  # an array
        targets = targets.tolist()
    if isinstance(targets, str) and targets == "auto":
        return None
    ok = isinstance(targets, Sequence) and not isinstance(targets, str) and len(targets)
    if not ok or any(t not in TARGETS for t in targets) or len(set(targets)) < len(targets):
        raise ValueError(
            f"targets must be 'auto' or distinct names out of {TARGETS}, got {targets!r}"
        )
    return tuple(targets)


def _updates(
    block: Block, targets: tuple[str, ...] | None
) -> Iterator[tuple[Weight, torch.Tensor, dict[str, int], int]]:
    """Yield what is updated in a block: site, weight, names of its bands, and how many it has."""
    if not isinstance(block, TransformerBlock):
        yield from ((site, _weight(site), {"all": 0}, 1) for site in block.linears)
        return
    targets = ("q", "v") if targets is None else targets
    qkv, out, fc1, fc2 = block.linears
    if parts := {part: i for i, part in enumerate("qkv") if part in targets}:
        yield qkv, _weight(qkv), parts, 3
    if "out" in targets:
        yield out, _weight(out), {"out": 0}, 1
    if "mlp" in targets:
        yield fc1, _weight(fc1), {"fc1": 0}, 1
        yield fc2, _weight(fc2), {"fc2": 0}, 1


def _weight(site: Weight) -> torch.Tensor:
    return getattr(site.owner, site.weight)
