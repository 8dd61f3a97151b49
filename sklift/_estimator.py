"""Bases of the estimators: common parameters, frozen features, and predictions from logits."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from numbers import Integral

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import validate_data

from ._core._sklearn import Interval, StrOptions, validate_params

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
        "cache": "no_validation",
        "num_workers": [Interval(Integral, 0, None, closed="left")],
        "verbose": ["verbose"],
    }

    def _pictures(self, X, *, reset: bool = False, must_exist: bool = True):
        """Validated pictures."""
        from ._data._pictures import Pictures
        from .images._as_source import as_image_source

        source = as_image_source(X, self.image_shape, must_exist=must_exist)
        self._check_columns(X, reset=reset)
        return Pictures(source, self.cache)

    def _check_columns(self, X, *, reset: bool) -> None:
        """Columns are known, and held to, where X is a table of flattened pictures."""
        if reset:
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
        if self.image_shape is not None and getattr(X, "ndim", 0) == 2:
            validate_data(self, X, reset=reset, skip_check_array=True)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self.image_shape is not None
        tags.input_tags.one_d_array = True  # paths
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


class FrozenEstimator(ImageEstimator):
    """Base of the estimators that look at pictures through a frozen backbone."""

    def _load_backbone(self):
        from .backbones import load_backbone

        return load_backbone(self.backbone, self.pretrained, self.backbone_params)

    def _features(self, X, finish=None) -> np.ndarray:
        """Features of pictures, after ``finish``, a method of the backbone by name."""
        from ._compute._device import resolve_device, resolve_precision
        from ._data._features import cached_features, frozen_features
        from ._store._features import resolve_cache

        validate_params(self)
        cache = resolve_cache(self.cache)
        device = resolve_device(self.device)
        backbone = self._load_backbone()
        precision = resolve_precision(self.precision, device)
        pictures = self._pictures(X)
        compute = partial(
            frozen_features,
            backbone,
            device=device,
            precision=precision,
            batch_size=self.batch_size,
            num_workers=self.num_workers,
            finish=None if finish is None else getattr(backbone, finish),
            progress=bool(self.verbose),
        )
        views = pictures.prediction(backbone, self.tta, self.tta_expand)
        if not (self.tta is None or isinstance(self.tta, str)):
            cache = None  # the random crops of a picture depend on where it stands
        view = ("test",) if self.tta is None else (self.tta, self.tta_expand)
        place = (device.type, precision)
        kind = (*backbone.identity, *place, *view, finish)
        return cached_features(compute, views, cache, kind)


class LogitClassifierMixin(ClassifierMixin):
    """Predictions of a classifier that has ``_logits(X)``, (n_samples, n_classes)."""

    def decision_function(self, X) -> np.ndarray:
        """Logits.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes the difference, positive for ``classes_[1]``.
        """
        logits = self._logits(X)
        return logits[:, 1] - logits[:, 0] if len(self.classes_) == 2 else logits

    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities, the softmax of the logits.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1.
        """
        from scipy.special import softmax

        return softmax(self._logits(X).astype(np.float64), axis=1)

    def predict(self, X) -> np.ndarray:
        """Most probable labels.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
        """
        best = self._logits(X).argmax(axis=1)
        return self.classes_[best]
