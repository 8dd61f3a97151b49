"""A plain function as an augmentation."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    import torch


class CallableView(BaseEstimator):
    """Recipe around a transform, such as those of ``torchvision.transforms.v2``.

    Parameters
    ----------
    function : callable
        From a uint8 tensor (3, h, w) to a view (3, size, size), uint8 or float in [0, 1].
    """

    def __init__(self, function: Callable) -> None:
        self.function = function

    def view(
        self,
        image: np.ndarray,
        size: int,
        interpolation: str,
        progress: float,
        rng: np.random.Generator,
    ) -> torch.Tensor:
        """Return the view of the function; torch's CPU generator is seeded, then restored."""
        from ..._compute._seeding import drawing_alone  # here: it brings torch
        from .._views import to_tensor

        with drawing_alone(int(rng.integers(2**63))):
            return self.function(to_tensor(image).contiguous())
