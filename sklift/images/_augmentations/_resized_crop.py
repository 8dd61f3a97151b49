"""The random resized crop and flip of LIFT."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from sklearn.base import BaseEstimator

from ..._core._recipes import check_real

if TYPE_CHECKING:
    import torch

_TRIES = 10


class ResizedCrop(BaseEstimator):
    """Crops of any area and of several ratios, resized to a square and sometimes mirrored.

    The crop is drawn as by torchvision's ``RandomResizedCrop``: ten tries, else the centre.

    Parameters
    ----------
    least_area : float in (0, 1], default=0.08
        The smallest share of the picture; areas are uniform from it to 1.
    ratio : (float, float), default=(3 / 4, 4 / 3)
        Smallest and largest width over height, log-uniform between them.
    flip : float in [0, 1], default=0.5
        Probability that the view is mirrored. 0 where left and right matter, as in text.

    References
    ----------
    Szegedy et al., "Going Deeper with Convolutions", 2014, arXiv 1409.4842; as used in Shi, Wei,
    Zhou, Shao, Han, Li, "Long-Tail Learning with Foundation Model", 2024, arXiv 2309.10019.

    Examples
    --------
    >>> from sklift import LiftClassifier
    >>> LiftClassifier(augmentation="lift").set_params(augmentation__flip=0.0).augmentation
    ResizedCrop(flip=0.0)
    """

    def __init__(self, least_area=0.08, ratio=(3 / 4, 4 / 3), flip=0.5) -> None:
        self.least_area = least_area
        self.ratio = ratio
        self.flip = flip

    def check(self) -> None:
        """Raise an error for settings that are not usable.

        Raises
        ------
        ValueError, TypeError
            Naming the setting.
        """
        check_real(self.least_area, "least_area", minimum=0, maximum=1, include_boundaries="right")
        check_real(self.flip, "flip", minimum=0, maximum=1)
        if np.shape(self.ratio) != (2,):
            raise ValueError(f"ratio must be two numbers, got {self.ratio!r}")
        for value in self.ratio:
            check_real(value, "ratio", minimum=0, include_boundaries="neither")
        if self.ratio[0] > self.ratio[1]:
            raise ValueError(f"ratio must be the smaller number, then the larger; got {self.ratio}")

    def box(self, height: int, width: int, rng: np.random.Generator) -> tuple[int, int, int, int]:
        """Draw a crop of a picture: top, left, height and width."""
        narrowest, widest = self.ratio
        for _ in range(_TRIES):
            area = height * width * rng.uniform(self.least_area, 1.0)
            ratio = math.exp(rng.uniform(math.log(narrowest), math.log(widest)))
            w, h = int(round(math.sqrt(area * ratio))), int(round(math.sqrt(area / ratio)))
            if 0 < w <= width and 0 < h <= height:
                top, left = rng.integers(0, [height - h + 1, width - w + 1])
                return int(top), int(left), h, w
        h = min(height, max(1, int(round(width / narrowest))))
        w = min(width, max(1, int(round(height * widest))))
        return (height - h) // 2, (width - w) // 2, h, w

    def view(
        self,
        image: np.ndarray,
        size: int,
        interpolation: str,
        progress: float,
        rng: np.random.Generator,
    ) -> torch.Tensor:
        """Draw a view of a picture, at any progress alike; see :meth:`MinimalistCrop.view`."""
        from .._views import crop  # here: it brings torch

        height, width = image.shape[:2]
        view = crop(image, self.box(height, width, rng), size, interpolation)
        return view.flip(-1) if rng.random() < self.flip else view
