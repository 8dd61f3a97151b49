"""Base of the augmentations that mix pairs of pictures."""

from __future__ import annotations

from ..._core._recipes import check_real
from ._over_views import OverViews


class Mixture(OverViews):
    """Base of the augmentations of pairs: a share drawn from Beta(alpha, alpha)."""

    def __init__(self, alpha, views) -> None:
        self.alpha = alpha
        self.views = views

    def check(self) -> None:
        """Raise an error for settings that are not usable.

        Raises
        ------
        ValueError, TypeError
            Naming the setting.
        """
        check_real(self.alpha, "alpha", minimum=0, include_boundaries="neither")
        self.single_views()
