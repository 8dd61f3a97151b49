"""Combinations of adapters in one tower."""

from __future__ import annotations

from .._core._sklearn import Composition
from ..backbones import OpenTower


class Combination(Composition):
    """Combination of several adapters, each under a name.

    They are injected in a fixed order, not that of the list: weights of the tower, LoRA, SSF,
    Adapter, AdaptFormer, Prefix, VPT, feature. This is the order of computation in the authors'
    code.

    Parameters
    ----------
    recipes : list of (str, recipe)
        Named adapters; ``LiftClassifier(adapter=["lora", LayerNormTuning()])`` builds it.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> clf = LiftClassifier(adapter=["adaptformer", "layer_norm"])
    >>> clf.set_params(adapter__adaptformer__rank=8).adapter
    Combination(recipes=[('adaptformer', AdaptFormer(rank=8)),
                         ('layer_norm', LayerNormTuning())])
    """

    def __init__(self, recipes: list) -> None:
        self.recipes = recipes

    def inject(self, tower: OpenTower, n_classes: int) -> Combination:
        """Inject every recipe; return this one with all "auto" values filled in."""
        done = {}
        for name, recipe in sorted(self.recipes, key=lambda pair: getattr(pair[1], "order", 100)):
            done[name] = recipe.inject(tower, n_classes)
        return Combination([(name, done[name]) for name, _ in self.recipes])
