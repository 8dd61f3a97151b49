"""Recipe of views that are drawn once, and seen in turn."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from numbers import Integral
from typing import TYPE_CHECKING

import numpy as np

from ._callable_view import CallableView
from ._over_views import OverViews

if TYPE_CHECKING:
    import torch


def progress_of(epoch: int, n_epochs: int) -> float:
    """Return where an epoch, counted from 0, stands in a training: 0 for the first, 1 for the last.

    Examples
    --------
    >>> from sklift.images._augmentations._stored_views import progress_of
    >>> [progress_of(epoch, 3) for epoch in range(4)], progress_of(0, 1)
    ([0.0, 0.5, 1.0, 1.0], 1.0)
    """
    return min(1.0, epoch / (n_epochs - 1)) if n_epochs > 1 else 1.0


class StoredViews(OverViews):
    """A few views of each picture, drawn once and for all, and seen in turn over the epochs.

    The content of the picture is the seed of its views: they are the same in every fit, fold and
    process. The output of the frozen layers before the first trained weight is therefore computed
    once for each view, and kept (for views of your own recipe: within a fit only).

    Parameters
    ----------
    n_views : int, default=4
        Views of each picture.
    views : str, recipe or None, default="minimal"
        The augmentation that draws them, as in a training of ``n_views`` epochs.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> clf = LiftClassifier(augmentation="fixed")
    >>> clf.set_params(augmentation__n_views=8, augmentation__views__schedule="linear").augmentation
    StoredViews(n_views=8, views=MinimalistCrop(schedule='linear'))
    """

    def __init__(self, n_views=4, views="minimal") -> None:
        self.n_views = n_views
        self.views = views

    def check(self) -> None:
        """Raise an error for settings that are not usable.

        Raises
        ------
        ValueError, TypeError
            Naming the setting.
        """
        if isinstance(self.n_views, bool) or not isinstance(self.n_views, Integral):
            raise TypeError(f"n_views must be an int, got {self.n_views!r}")
        if self.n_views < 1:
            raise ValueError(f"n_views must be at least 1, got {self.n_views}")
        recipe = self.single_views()
        if isinstance(recipe, (CallableView, StoredViews)):
            raise ValueError(
                "views of StoredViews must be a recipe that draws from the generator it is given, "
                f"got {self.views!r}"
            )

    def stored(self) -> Callable[[np.ndarray, int, int, str], torch.Tensor]:
        """Return a function of a picture, the index of a view, its side and interpolation.

        It gives that view of the picture, ``(3, size, size)`` uint8.
        """
        return partial(_stored_view, self.single_views(), self.n_views)


def _stored_view(
    recipe, n_views: int, image: np.ndarray, index: int, size: int, interpolation: str
) -> torch.Tensor:
    from .._views import draw_view  # here: it brings torch

    # a hash of the pixels: equal for a file (unless it is reduced), an array and a PIL image
    content = blake2b(np.ascontiguousarray(image), digest_size=16).digest()
    rng = np.random.default_rng([index, *content])
    return draw_view(recipe, image, size, interpolation, progress_of(index, n_views), rng)
