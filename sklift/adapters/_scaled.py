"""Scaled adapters: a tower between the frozen one and the tuned one."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from sklearn.base import BaseEstimator
from torch import nn
from torch.nn.utils import parametrize

from .._core._recipes import check_real
from ..backbones import OpenTower
from ._bottleneck import Branched


class Scaled(BaseEstimator):
    r"""An adapter of which a share counts: ``W = W_frozen + scale * (W_tuned - W_frozen)``.

    Branches beside the frozen weights (AdaptFormer, Adapter, ConvAdapter, FeatureAdapter) are
    multiplied with ``scale``. Prompts and prefixes have no scale that leads to the frozen tower:
    :class:`VPT` and :class:`Prefix` are refused. :meth:`sklift.LiftClassifier.scaled` makes this
    recipe the ``adapter_`` of what it returns.

    Parameters
    ----------
    recipe : recipe
        The adapter.
    scale : float, default=0.5
        From 0, the frozen tower, to 1, the tuned one.

    References
    ----------
    Wortsman et al., "Robust fine-tuning of zero-shot models", CVPR 2022, arXiv 2109.01903
    ("WiSE-FT").

    Examples
    --------
    >>> from sklift.adapters import LoRA, Scaled
    >>> Scaled(LoRA(rank=8), 0.7)
    Scaled(recipe=LoRA(rank=8), scale=0.7)
    """

    def __init__(self, recipe, scale: float = 0.5) -> None:
        self.recipe = recipe
        self.scale = scale

    def inject(self, tower: OpenTower, n_classes: int) -> Scaled:
        """Inject the adapter and scale what it does; return this recipe with its values."""
        scale = check_real(self.scale, "scale", minimum=0, maximum=1)
        frozen = {
            module: dict(module.named_parameters(recurse=False, remove_duplicate=False))
            for module in tower.module.modules()
        }
        done = self.recipe.inject(tower, n_classes)
        if scale < 1:  # else all stays as it is, the classes of modules too
            for module in list(_outside(nn.ModuleList([tower.module, tower.after]))):
                _scale(module, frozen.get(module), scale)
        return Scaled(done, self.scale)


def _outside(module: nn.Module) -> Iterator[nn.Module]:
    """A module and those inside of it, without branches and what re-parametrises weights."""
    yield module
    for name, child in module.named_children():
        inside = (name == "branch" and isinstance(module, Branched)) or (
            name == "parametrizations" and parametrize.is_parametrized(module)
        )
        if not inside:
            yield from _outside(child)


def _scale(module: nn.Module, frozen: dict[str, nn.Parameter] | None, scale: float) -> None:
    """Scale what has become of a module; ``frozen``: its parameters before, None if it is new."""
    if isinstance(module, Branched):
        module.share = scale
        return
    now = dict(module.named_parameters(recurse=False, remove_duplicate=False))
    if frozen is None:
        if now:
            raise ValueError(
                f"the adapter adds a {type(module).__name__}, of which no share leads to the "
                "frozen tower; scaled takes adapters that change its weights, and branches beside "
                "them"
            )
        return
    made = module.parametrizations if parametrize.is_parametrized(module) else {}
    for name in (*now, *made):
        # a shift where nothing was is an update of zeros, which do not count as trained
        start = frozen[name] if name in frozen else made[name].original
        if name in made or now[name] is not start:
            parametrize.register_parametrization(module, name, Share(start.detach(), scale))


class Share(nn.Module):
    """Weight between a frozen and a tuned one: ``frozen + scale * (tuned - frozen)``."""

    frozen: torch.Tensor

    def __init__(self, frozen: torch.Tensor, scale: float):
        super().__init__()
        self.register_buffer("frozen", frozen, persistent=False)
        self.scale = scale

    def forward(self, tuned: torch.Tensor) -> torch.Tensor:
        """Return the weight, in the shape of the tuned one."""
        return torch.lerp(self.frozen, tuned, self.scale)
