"""A model between the frozen and the tuned one."""

from __future__ import annotations

from .._compute._seeding import drawing_alone
from ..adapters import Scaled
from ._tuned_model import TunedModel


def scaled_model(model: TunedModel, scale: float) -> TunedModel:
    """Return a model whose adapter counts as much as ``scale``, from 0 to 1; the head is the same.

    Raises
    ------
    ValueError
        If there is no adapter, or one that can't be scaled.
    """
    recipe = model.adapter
    if recipe is None:
        raise ValueError("adapter=None leaves the tower as it is: there is nothing to scale")
    if isinstance(recipe, Scaled):
        recipe, scale = recipe.recipe, scale * recipe.scale
    with drawing_alone(0):  # all weights drawn here are overwritten
        made = TunedModel(
            model.backbone,
            Scaled(recipe, scale),
            model.head_recipe,
            model.n_classes,
            model.mean.device,
        )
    if model.backbone.is_empty:
        made.to(model.mean.dtype)
    # a plain weight is the original of a scaled one, or the reverse
    state = {_plain(name): tensor for name, tensor in model.trained_state().items()}
    made.load_trained_state({name: state[_plain(name)] for name in made.trained_state()})
    return made


def _plain(name: str) -> str:
    """Name of a weight without that of its re-parametrisation."""
    if name.endswith(".original"):
        name = name.removesuffix(".original").replace(".parametrizations.", ".")
    return name
