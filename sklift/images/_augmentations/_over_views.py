"""Base of the augmentations that work on the views of another one."""

from __future__ import annotations

from typing import Any, Self

from sklearn.base import BaseEstimator

from ..._core._recipes import named_recipes


class OverViews(BaseEstimator):
    """An augmentation with a parameter ``views``, another augmentation."""

    views: Any  # set by each subclass

    def set_params(self, **params) -> Self:
        """Set parameters; nested ones reach into ``views``, also where it is given by name.

        Parameters
        ----------
        **params : dict
            ``views__least_area=0.2`` makes a recipe of ``views="minimal"`` and sets its area.

        Returns
        -------
        self : object
        """
        from . import resolve_augmentation  # here: the table names the classes of this base

        return super().set_params(**named_recipes(self, params, {"views": resolve_augmentation}))

    def single_views(self):
        """Return the recipe of ``views``; None for the test view.

        Raises
        ------
        ValueError
            If it mixes, or stores, views itself.
        """
        from . import resolve_augmentation

        recipe = resolve_augmentation(self.views)
        if hasattr(recipe, "mix"):
            raise ValueError(
                f"views of {type(self).__name__} must be an augmentation of single pictures, got "
                f"{self.views!r}, which mixes them"
            )
        return recipe
