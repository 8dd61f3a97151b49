"""What all estimators share: the parameters of backbone and computation."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils._param_validation import Interval, StrOptions

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")


class ImageEstimator(BaseEstimator):
    """Base of all estimators: their common parameters and tags."""

    _parameter_constraints = {
        "backbone": [str],
        "pretrained": "no_validation",
        "backbone_params": [Mapping, None],
        "tta": [StrOptions({"fivecrop", "tencrop"}), _POSITIVE_INT, None],
        "tta_expand": [Interval(Integral, 0, None, closed="left")],
        "batch_size": [_POSITIVE_INT],
        "image_shape": [tuple, list, None],
        "device": "no_validation",
        "precision": [StrOptions({"auto", "float32", "bfloat16", "float16"})],
        "num_workers": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
    }

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self.image_shape is not None
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


class FrozenEstimator(ImageEstimator):
    """Base of the estimators that look at pictures through a frozen backbone."""

    def _load_backbone(self):
        from .backbones import load_backbone

        return load_backbone(self.backbone, self.pretrained, self.backbone_params)

    def _features(self, X, finish=None) -> np.ndarray:
        from ._device import resolve_device, resolve_precision
        from ._features import frozen_features
        from .images._dataset import TestViews
        from .images._sources import as_image_source

        self._validate_params()
        device = resolve_device(self.device)
        backbone = self._load_backbone()
        return frozen_features(
            backbone,
            TestViews(
                as_image_source(X, self.image_shape),
                backbone.preprocess.size,
                backbone.preprocess.interpolation,
                self.tta,
                expand=self.tta_expand,
            ),
            device=device,
            precision=resolve_precision(self.precision, device),
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            finish=finish,
            progress=bool(self.verbose),
        )
