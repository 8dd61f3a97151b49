"""The link between skorch and the recipes of optimizers."""

from __future__ import annotations

from typing import Any

from torch.optim import Optimizer


class OptimizerFactory:
    """Callable that skorch uses in place of an optimizer class.

    Parameters
    ----------
    recipe : object
        The recipe, with a method ``build(groups, lr, weight_decay)``.
    """

    def __init__(self, recipe):
        self.recipe = recipe

    def __call__(
        self, groups: list[dict[str, Any]], *, lr: float, weight_decay: float, **settings: Any
    ) -> Optimizer:
        """Build the optimizer of groups of weights.

        A group may have an ``"lr_factor"``. ``settings`` (skorch's ``optimizer__...``) apply to all
        groups that do not have their own.

        Raises
        ------
        TypeError
            If the recipe builds something else.
        ValueError
            If the optimizer lacks one of the settings.
        """
        lr, weight_decay = float(lr), float(weight_decay)  # checkpoints can't hold NumPy numbers
        groups = [{**settings, **group} for group in groups]
        for group in groups:
            if "lr_factor" in group:
                group["lr"] = lr * group.pop("lr_factor")
        optimizer = self.recipe.build(groups, lr=lr, weight_decay=weight_decay)
        if not isinstance(optimizer, Optimizer):
            raise TypeError(
                f"{type(self.recipe).__name__}.build must return a torch.optim.Optimizer, got "
                f"{optimizer!r}"
            )
        given = {name for group in groups for name in group} - {"params", "lr"}
        if unknown := sorted(given - optimizer.defaults.keys()):
            raise ValueError(
                f"net_params sets {unknown} of the optimizer, but {type(optimizer).__name__} has "
                f"only {sorted(optimizer.defaults)}"
            )
        return optimizer
