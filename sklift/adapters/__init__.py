"""Adapters: small trained parts inside of a frozen tower.

A recipe holds hyperparameters and has a method ``inject(tower, n_classes)``, which changes an
opened tower in place and returns the recipe with its "auto" values filled in. A class of your own
needs nothing more to be passed as ``LiftClassifier(adapter=...)``; a class attribute ``order``
gives its rank among several adapters. The recipes of the package also have a class attribute
``block_type``: the class of the blocks that they can sit in, or None where they need no blocks; and
``has_place(block)`` where such a block may lack what they train.
"""

from __future__ import annotations

from collections import Counter

from .._core._recipes import resolve
from ..backbones import OpenTower
from ._adapter import Adapter
from ._adaptformer import AdaptFormer
from ._combination import Combination
from ._conv import ConvAdapter
from ._describe import TowerDescription, describe
from ._dora import DoRA
from ._feature import FeatureAdapter
from ._half import HalfTuning
from ._layers import suits
from ._lora import LoRA, RsLoRA
from ._prefix import Prefix
from ._scaled import Scaled
from ._sparse import SparseTuning
from ._ssf import SSF
from ._tower_weights import BitFit, FullTuning, LayerNormTuning
from ._vpt import VPT

__all__ = [
    "ADAPTERS",
    "SSF",
    "VPT",
    "AdaptFormer",
    "Adapter",
    "BitFit",
    "Combination",
    "ConvAdapter",
    "DoRA",
    "FeatureAdapter",
    "FullTuning",
    "HalfTuning",
    "LayerNormTuning",
    "LoRA",
    "Prefix",
    "RsLoRA",
    "Scaled",
    "SparseTuning",
    "TowerDescription",
    "describe",
    "resolve_adapter",
    "suitable",
]

ADAPTERS = {
    "adaptformer": AdaptFormer,
    "adapter": Adapter,
    "lora": LoRA,
    "rslora": RsLoRA,
    "dora": DoRA,
    "vpt": VPT,
    "prefix": Prefix,
    "ssf": SSF,
    "bitfit": BitFit,
    "layer_norm": LayerNormTuning,
    "sparse": SparseTuning,
    "full": FullTuning,
    "half": HalfTuning,
    "conv": ConvAdapter,
    "feature": FeatureAdapter,
    "none": None,
}


def resolve_adapter(value):
    """Return the recipe for a name, a recipe, a list of these, or None (train the head alone).

    Raises
    ------
    ValueError, TypeError
        If it is none of these; the message lists the names.

    Examples
    --------
    >>> from sklift.adapters import resolve_adapter
    >>> resolve_adapter("lora")
    LoRA()
    >>> resolve_adapter(["adaptformer", "layer_norm"])
    Combination(recipes=[('adaptformer', AdaptFormer()),
                         ('layer_norm', LayerNormTuning())])
    """
    if not isinstance(value, (list, tuple)):
        return resolve(value, ADAPTERS, "adapter", method="inject")
    recipes = [resolve(v, ADAPTERS, "adapter", method="inject") for v in value]
    if not recipes or None in recipes:
        raise ValueError(f"adapter={value!r}: a list must hold one or more adapters, and no 'none'")
    names = {cls: name for name, cls in ADAPTERS.items()}
    stems = [names.get(type(r), type(r).__name__.lower()) for r in recipes]
    count, named = Counter(stems), []
    seen: Counter[str] = Counter()
    for stem, recipe in zip(stems, recipes, strict=True):
        seen[stem] += 1
        named.append((f"{stem}-{seen[stem]}" if count[stem] > 1 else stem, recipe))
    return Combination(named)


def suitable(tower: OpenTower) -> list[str]:
    """Return the names of the adapters that a tower can take.

    Examples
    --------
    >>> from sklift.adapters import suitable
    >>> from sklift.backbones import load_backbone
    >>> "conv" in suitable(load_backbone("emoji-tiny").open())
    False
    """
    return sorted(n for n, recipe in ADAPTERS.items() if recipe is None or suits(recipe, tower))
