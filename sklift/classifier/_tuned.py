"""Base of the estimators that train a head, and an adapter inside the tower."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Integral, Real

from sklearn.utils.validation import check_is_fitted, validate_data

from .._core._lazy_rows import Batches
from .._core._sklearn import CallbackSupportMixin, Interval, StrOptions
from .._estimator import ImageEstimator
from .._persistence import Persistent

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")


class TunedEstimator(Persistent, CallbackSupportMixin, ImageEstimator):
    """Base of the estimators whose ``model_`` is trained on pictures, or on their features."""

    _parameter_constraints = {
        **ImageEstimator._parameter_constraints,
        "adapter": "no_validation",  # names and recipes: resolve() has better error messages
        "loss": "no_validation",
        "head": "no_validation",
        "class_names": "no_validation",
        "classes": ["array-like", None],
        "prompts": "no_validation",
        "augmentation": "no_validation",
        "max_epochs": [StrOptions({"auto"}), _POSITIVE_INT],
        "batch_size": [StrOptions({"auto"}), _POSITIVE_INT],
        "lr": [Interval(Real, 0, None, closed="neither")],
        "weight_decay": [Interval(Real, 0, None, closed="left")],
        "optimizer": "no_validation",
        "validation_fraction": [Interval(Real, 0, 1, closed="neither"), None],
        "early_stopping": ["boolean"],
        "n_iter_no_change": [_POSITIVE_INT],
        "checkpoint": "no_validation",
        "net_params": [Mapping, None],
        "random_state": ["random_state"],
    }

    def _data(self, X, *, reset: bool, must_exist: bool = True):
        """The pictures or features of ``X``, validated."""
        if self.backbone != "precomputed":
            pictures = self._pictures(X, reset=reset, must_exist=must_exist)
            # Pictures of one prediction must not replace training pictures in the cache.
            return pictures.cached(self._cache(), make_room=reset)
        from .._data._feature_rows import Rows, as_table, float_types

        X = as_table(X)
        try:
            return Rows(validate_data(self, X, reset=reset, dtype=float_types(X)))
        except (TypeError, ValueError) as error:
            if getattr(X, "ndim", 1) != 2:  # pictures or paths, more likely than features
                error.add_note(
                    "backbone='precomputed' takes features (n_samples, n_features): for pictures, "
                    "put an ImageEmbedder before it, or name another backbone"
                )
            raise

    def _mean_of_frames(self):
        """The function by which the logits of frames become those of their picture."""
        from .._data._of_frames import mean_probabilities

        return mean_probabilities

    def _trained_logits(self, X) -> Batches:
        """Logits of the model, as it was trained."""
        check_is_fitted(self)
        self._check_params()
        from .._compute._progress import with_progress
        from .._data._of_frames import joined
        from .._data._prediction import logits
        from .._data._unread import without_unread

        data = self._to_predict(self._data(X, reset=False, must_exist=not self._skips()))
        frames, counts = data.by_frame()
        model = self.model_
        plan = self._plan(model.backbone.width, model.mean.device, data.dtype)
        batches = logits(model, frames, self.tta, plan)
        batches = with_progress(batches, len(frames), "predict", bool(self.verbose))
        if counts is not None:
            batches = joined(batches, counts, self._mean_of_frames())
        return Batches(len(data), without_unread(batches, data.source))

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        if self.backbone == "precomputed":
            tags.input_tags.two_d_array = True
            tags.input_tags.one_d_array = tags.input_tags.three_d_array = False
            tags.input_tags.string = False
        return tags

    def __sklearn_is_fitted__(self):
        return hasattr(self, "model_")
