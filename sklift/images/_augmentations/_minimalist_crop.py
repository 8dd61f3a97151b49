"""The square crop of LIFT+."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

from ..._core._recipes import check_real

if TYPE_CHECKING:
    import torch

# s(t) grows from 0 to 1 over the training.
SCHEDULES = {
    "convex": lambda t: 1 - math.sqrt(1 - t**2),
    "linear": lambda t: t,
    "concave": lambda t: math.sqrt(1 - (1 - t) ** 2),
    "min": lambda t: 0.0,
    "max": lambda t: 1.0,
}


class MinimalistCrop(BaseEstimator):
    r"""Square crops that grow over the training, from a small part of a picture to all of it.

    The area of a crop is uniform between :math:`a_t = a + (1 - a) s(t)` and that of the largest
    square, as shares of the picture, where s grows from 0 in the first epoch to 1 in the last.

    Parameters
    ----------
    schedule : {"convex", "linear", "concave", "min", "max"}, default="convex"
        The curve s. ``"min"``: 0 throughout; ``"max"``: 1 throughout, the largest square.
    least_area : float in (0, 1], default=0.08
        The share a.

    References
    ----------
    Shi, Wei, Li, "LIFT+: Lightweight Fine-Tuning for Long-Tail Learning", 2025, arXiv 2504.13282.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> LiftClassifier().set_params(augmentation__schedule="linear").augmentation
    MinimalistCrop(schedule='linear')
    """

    def __init__(self, schedule="convex", least_area=0.08) -> None:
        self.schedule = schedule
        self.least_area = least_area

    def check(self) -> None:
        """Raise an error for settings that are not usable.

        Raises
        ------
        ValueError, TypeError
            Naming the setting.
        """
        if not isinstance(self.schedule, str) or self.schedule not in SCHEDULES:
            raise ValueError(f"schedule must be one of {list(SCHEDULES)}, got {self.schedule!r}")
        check_real(self.least_area, "least_area", minimum=0, maximum=1, include_boundaries="right")

    def area(self, progress: float) -> float:
        """Return the smallest share of a picture that a crop has, at a progress of 0 to 1."""
        return self.least_area + (1 - self.least_area) * SCHEDULES[self.schedule](progress)

    def box(
        self, height: int, width: int, progress: float, rng: np.random.Generator
    ) -> tuple[int, int, int, int]:
        """Draw a crop of a picture: top, left, height and width."""
        side_max = min(height, width)
        cap = side_max**2 / (height * width)
        area = rng.uniform(min(self.area(progress), cap), cap) * height * width
        side = min(max(1, int(round(math.sqrt(area)))), side_max)
        top, left = rng.integers(0, [height - side + 1, width - side + 1])
        return int(top), int(left), side, side

    def view(
        self,
        image: np.ndarray,
        size: int,
        interpolation: str,
        progress: float,
        rng: np.random.Generator,
    ) -> torch.Tensor:
        """Draw a view of a picture.

        Parameters
        ----------
        image : ndarray of shape (h, w, 3), uint8
            The picture; not to be changed. From a large file it is reduced, to a shorter side of at
            least four views.
        size : int
            Side of a view.
        interpolation : {"bicubic", "bilinear", "nearest"}
            How the backbone wants pixels to be interpolated.
        progress : float
            Of the training: 0 in the first epoch, 1 in the last.
        rng : numpy.random.Generator
            Source of all draws: views are made by several threads at once, and the same seed must
            give the same view.

        Returns
        -------
        view : tensor of shape (3, size, size), uint8
        """
        from .._views import crop  # here: it brings torch

        height, width = image.shape[:2]
        return crop(image, self.box(height, width, progress, rng), size, interpolation)
