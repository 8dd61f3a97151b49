"""Repeated views, which are the same in each epoch or scoring."""

from __future__ import annotations

from functools import partial

from ..images import AUGMENTATIONS, TTA, RandomCrops, StoredViews, resolve_augmentation, resolve_tta
from ..images._dataset import FixedViews, PlainViews, TestViews

# A view is a pair: a function that makes a dataset of it, and a unique name.
PLAIN = (PlainViews, ("plain",))
TEST = (TestViews, ("test",))

_KNOWN = {*AUGMENTATIONS.values(), *TTA.values()} - {RandomCrops}


def repeated_views(augmentation, n_epochs: int) -> list | None:
    """Views of each picture that training repeats; None if each epoch draws new ones.

    Each view is a pair: a function that makes a dataset of it, and its name. The name is None if a
    user's own recipe draws the view: its code may change.
    """
    recipe = resolve_augmentation(augmentation)
    if recipe is None:
        return [TEST]
    if not isinstance(recipe, StoredViews):
        return None
    name = _name(recipe)
    return [
        (partial(FixedViews, view=v, recipe=recipe), None if name is None else ("fixed", v, name))
        for v in range(min(recipe.n_views, n_epochs))
    ]


def view_name(tta) -> tuple | None:
    """Unique name of the test views; None if they are random or come from user code."""
    recipe = resolve_tta(tta)
    return TEST[1] if recipe is None else _name(recipe)


def _name(recipe) -> tuple | None:
    """Class and settings of a recipe of this package, with those of nested recipes, or None."""
    settings = []
    if type(recipe) not in _KNOWN:
        return None
    for key, value in sorted(recipe.get_params(deep=False).items()):
        if hasattr(value, "view"):
            value = _name(value)
            if value is None:
                return None
        settings.append((key, value))
    return (type(recipe).__name__, *settings)
