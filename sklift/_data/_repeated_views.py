"""Views that training and scoring repeat: one of each picture, or a stored few."""

from __future__ import annotations

from functools import partial

from ..images import AUGMENTATIONS, TTA, RandomCrops, StoredViews, resolve_augmentation, resolve_tta
from ..images._dataset import FixedViews, PlainViews, TestViews

# Of each: what makes a dataset of it, and a name that tells it from all others.
PLAIN = (PlainViews, ("plain",))
TEST = (TestViews, ("test",))

_KNOWN = {*AUGMENTATIONS.values(), *TTA.values()} - {RandomCrops}


def repeated_views(augmentation, n_epochs: int) -> list | None:
    """The views of each picture that training repeats; None where each epoch draws new ones.

    Each is a pair of what makes a dataset and a name. The name is None where a recipe of the user's
    own draws them, whose code may change.
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
    """What tells test views from others; None where they are random or of the user's own code."""
    recipe = resolve_tta(tta)
    return TEST[1] if recipe is None else _name(recipe)


def _name(recipe) -> tuple | None:
    """Class and settings of a recipe of this package, and of those inside of it."""
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
