"""Bases of the estimators: common parameters, frozen features, and predictions from logits."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial, wraps
from importlib import import_module
from inspect import Parameter, Signature, signature
from numbers import Integral
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import validate_data

from ._classes._masked import masked_labels
from ._compute._isolation import isolated
from ._compute._progress import announce, progress
from ._core._lazy_rows import Batches
from ._core._names import did_you_mean
from ._core._recipes import check_settings, named_recipes
from ._core._sklearn import HasMethods, Interval, param_names, validate_params

_POSITIVE_INT = Interval(Integral, 1, None, closed="left")

# The rooms that resolve the recipes of parameters. They are imported when they are needed, since
# recipes may import torch, and the construction of an estimator must not.
_ROOMS = {
    "adapter": "adapters",
    "augmentation": "images",
    "backbone": "backbones",
    "checkpoint": "training",
    "compute": "training",
    "head": "heads",
    "loss": "losses",
    "optimizer": "training",
    "reader": "images",
    "regularizer": "regularizers",
    "sampler": "training",
    "tta": "images",
}


# What other libraries call a parameter, where that is not like its name here.
_ELSEWHERE = {
    "arch": "backbone",
    "class_weight": "loss",
    "learning_rate": "lr",
    "learning_rate_init": "lr",
    "max_iter": "max_epochs",
    "model": "backbone",
    "model_name": "backbone",
    "n_iter": "max_epochs",
    "n_jobs": "compute__num_workers",
    "seed": "random_state",
    "transform": "augmentation",
}


def resolve_recipe(parameter: str, value):
    """A new recipe object for the value of a parameter, which is a name or a recipe."""
    room = import_module(f"..{_ROOMS[parameter]}", __name__)
    return getattr(room, f"resolve_{parameter}")(value)


class ImageEstimator(BaseEstimator):
    """Base of all estimators: their common parameters and tags."""

    _parameter_constraints = {
        "backbone": [str, HasMethods("load"), callable],  # a name, a recipe, a module
        "pretrained": "no_validation",
        "tta": "no_validation",  # recipes: said better by their tables
        "batch_size": [_POSITIVE_INT],
        "reader": "no_validation",
        "compute": "no_validation",
        "device": "no_validation",
        "verbose": ["verbose"],
    }

    def _resolve(self, parameter: str, value):
        """A new recipe object for the value of a parameter."""
        return resolve_recipe(parameter, value)

    def _set_nested(self, settings: dict) -> None:
        """Set the settings of recipes that were given to ``__init__``, as ``set_params`` does."""
        if not settings:  # a subclass may not have set its own parameters yet
            return
        recipes = _ROOMS.keys() & self.get_params(deep=False)
        for name in settings:
            if name.partition("__")[0] not in recipes:
                raise TypeError(
                    f"{type(self).__name__}() got an unexpected keyword argument "
                    f"{name!r}{self._suggest(name, self.get_params(deep=False))}"
                )
        self.set_params(**settings)

    def _suggest(self, name: str, known: Iterable[str]) -> str:
        """The end of a message about an unknown parameter: the nearest one, also of a recipe."""
        recipes = sorted(_ROOMS.keys() & known)
        settings = [f"{recipe}__{s}" for recipe in recipes for s in self._settings_of(recipe)]
        same = [setting for setting in settings if setting.partition("__")[2] == name]
        meant = same[0] if same else _ELSEWHERE.get(name, name)
        return did_you_mean(meant, [*known, *settings])

    def _settings_of(self, parameter: str) -> dict:
        """The settings of the recipe of a parameter; empty if its value is wrong."""
        try:
            recipe = self._resolve(parameter, getattr(self, parameter))
        except (TypeError, ValueError):
            return {}
        return recipe.get_params(deep=False) if hasattr(recipe, "get_params") else {}

    def __init_subclass__(cls, **kwargs) -> None:
        """Leave ``**settings`` out of the signature, from which tools list the parameters."""
        super().__init_subclass__(**kwargs)
        given = signature(cls.__init__).parameters.values()
        plain = [p for p in given if p.name != "self" and p.kind is not Parameter.VAR_KEYWORD]
        cls.__signature__ = Signature(plain)

    def get_params(self, deep: bool = True) -> dict:
        """Return the parameters of the estimator by name.

        Parameters
        ----------
        deep : bool, default=True
            Whether to include the settings of recipes, such as ``adapter__rank``.

        Returns
        -------
        params : dict
        """
        params = {name: getattr(self, name) for name in param_names(type(self))}
        if deep:
            # The get_params of torchvision's transforms is another method.
            recipes = {n: v for n, v in params.items() if hasattr(v, "set_params")}
            for name, recipe in recipes.items():
                if not isinstance(recipe, type):
                    settings = recipe.get_params().items()
                    params.update({f"{name}__{setting}": value for setting, value in settings})
        return params

    def set_params(self, **params) -> Self:
        """Set parameters, also settings of recipes, even if a recipe is given by name.

        Parameters
        ----------
        **params : dict
            ``adapter__rank=4`` replaces ``adapter="adaptformer"`` by a recipe and sets its rank.
            A recipe that was given as an object is replaced by a copy of it, since another
            estimator may hold the object as well.

        Returns
        -------
        self : estimator

        Raises
        ------
        ValueError
            If a parameter or setting is not there; nothing is set then.
        """
        names = _ROOMS.keys() & self.get_params(deep=False)
        resolvers = {name: partial(self._resolve, name) for name in names}
        params = named_recipes(self, params, resolvers)
        check_settings(self, params, self._suggest)
        return super().set_params(**params)

    def _say_loading(self) -> None:
        """Say that the libraries and the backbone are loaded now, which may take seconds."""
        if self.backbone == "precomputed":
            return
        name = f" {self.backbone!r}" if isinstance(self.backbone, str) else ""
        announce(f"loading the backbone{name}", bool(self.verbose))

    def _check_params(self) -> None:
        """Check the parameters against their constraints, and ``tta`` against its recipes."""
        validate_params(self)
        resolve_recipe("tta", self.tta)

    def __sklearn_clone__(self):
        """A clone that shares the user's module, which may be large and never changes."""
        if isinstance(self.backbone, str) or hasattr(self.backbone, "get_params"):
            return super().__sklearn_clone__()
        plain: Any = object.__new__(type(self))
        vars(plain).update(vars(self), backbone="shared")
        twin = super(ImageEstimator, plain).__sklearn_clone__()
        twin.backbone = self.backbone
        return twin

    def _plan(self, width: int, device=None, dtype=None):
        """The plan of a computation, on ``device`` or else on the parameter's device.

        ``width``: that of the tower's blocks. A fitted estimator keeps to its precision.
        """
        from ._compute._device import kept_precision, resolve_device

        compute = resolve_recipe("compute", self.compute)
        device = resolve_device(self.device if device is None else device)
        if compute.precision == "auto" and hasattr(self, "precision_"):
            compute = clone(compute).set_params(precision=kept_precision(self.precision_, device))
        # "auto" is for training; predictions are the same with any size
        size = 128 if isinstance(self.batch_size, str) else self.batch_size
        return compute.build(device, size, dtype, width)

    def _cache(self):
        """The stores that ``compute__cache`` means."""
        from ._store._cache import resolve_cache

        return resolve_cache(resolve_recipe("compute", self.compute).cache)

    def _skips(self) -> bool:
        """Return whether pictures that can't be read are passed over."""
        return resolve_recipe("reader", self.reader).on_error == "skip"

    def _to_predict(self, data):
        """Pictures for a prediction: those that can't be read are passed over, or errors now."""
        if self._skips():
            return data.skipping()
        data.check_header()
        return data

    def _pictures(self, X, *, reset: bool = False, must_exist: bool = True):
        """The pictures of ``X``, validated."""
        from ._data._pictures import Pictures

        reader = resolve_recipe("reader", self.reader)
        source = reader.build(X, must_exist=must_exist)
        self._check_columns(X, reset=reset)
        return Pictures(source)

    def _check_columns(self, X, *, reset: bool) -> None:
        """Record or check the number of columns, if X is a table of flattened pictures."""
        if reset:
            for name in ("n_features_in_", "feature_names_in_"):
                self.__dict__.pop(name, None)
        if self._takes_tables() and getattr(X, "ndim", 0) == 2:
            validate_data(self, X, reset=reset, skip_check_array=True)

    def _takes_tables(self) -> bool:
        """Return whether pictures may be flattened rows."""
        return getattr(self.reader, "image_shape", None) is not None

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.two_d_array = self._takes_tables()
        tags.input_tags.one_d_array = True  # paths
        tags.input_tags.three_d_array = True
        tags.input_tags.string = True
        return tags


class FrozenEstimator(ImageEstimator):
    """Base of the estimators that use features of a frozen backbone."""

    def _load_backbone(self):
        from .backbones import load_backbone

        return load_backbone(self.backbone, self.pretrained)

    def _choose_precision(self, backbone) -> None:
        """Set ``precision_``, which features are computed in from now on."""
        self.__dict__.pop("precision_", None)
        self.precision_ = self._plan(backbone.width).precision_name

    def _feature_batches(self, X, finish=None, logits_of=None) -> Batches:
        """Arrays of features, each of several batches of pictures, in their order.

        ``finish``: name of a method of the backbone, which is applied to the features;
        ``logits_of``: a function of them, whose outcomes are wanted instead.
        """
        from ._data._of_frames import joined, mean_probabilities, mean_row
        from ._data._unread import without_unread

        self._check_params()
        pictures = self._to_predict(self._pictures(X, must_exist=not self._skips()))
        frames, counts = pictures.by_frame()
        rows = self._rows(frames, finish)
        if logits_of is not None:
            rows = map(logits_of, rows)
        if counts is not None:
            rows = joined(rows, counts, mean_row if logits_of is None else mean_probabilities)
        return Batches(len(pictures), without_unread(rows, pictures.source))

    def _rows(self, pictures, finish) -> Iterator[np.ndarray]:
        """Features of pictures, one row for each."""
        from torch.utils.data import Subset

        from ._data._features import cached_features, frozen_features
        from ._data._prediction import index_groups
        from ._data._repeated_views import view_name

        backbone = self._load_backbone()
        plan = self._plan(backbone.width)
        after = None if finish is None else getattr(backbone, finish)
        compute = partial(frozen_features, backbone, plan=plan, finish=after)
        views = pictures.prediction(backbone, self.tta)
        view = view_name(self.tta)
        # Random crops depend on the picture's position in X, and user code may change: no cache.
        known = None if view is None else plan.cache.features
        context = (*backbone.identity, plan.device.type, plan.precision, view, finish)
        projected = finish is not None and backbone.projection is not None
        width = backbone.projection.shape[1] if projected else backbone.n_features
        like = np.empty(width, np.float32)

        with progress(len(pictures), "features", bool(self.verbose)) as advance:
            for chosen in index_groups(len(pictures), plan):
                yield cached_features(compute, Subset(views, chosen), known, context, like)
                advance(len(chosen))


class LogitClassifierMixin(ClassifierMixin):
    """Mixin of predictions, for classifiers whose ``_logit_batches(X)`` gives `Batches`."""

    @isolated
    def decision_function(self, X) -> np.ndarray:
        """Logits of pictures.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        logits : ndarray of shape (n_samples, n_classes), or (n_samples,) for two classes
            For two classes, the difference of the logits, which is positive for ``classes_[1]``.
            NaN for pictures that can't be read, with ``reader__on_error="skip"``.
        """
        batches = self._logit_batches(X)
        if len(self.classes_) == 2:
            batches = batches.map(lambda z: z[:, 1] - z[:, 0])
        return batches.join()

    @isolated
    def predict_proba(self, X) -> np.ndarray:
        """Class probabilities of pictures, the softmax of the logits.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        proba : ndarray of shape (n_samples, n_classes)
            In the order of ``classes_``; rows sum to 1. With ``reader__on_error="skip"``, rows of
            pictures that can't be read are NaN.
        """
        from scipy.special import softmax

        batches = self._logit_batches(X)
        return batches.map(lambda z: softmax(z.astype(np.float64), axis=1)).join()

    @isolated
    def predict(self, X) -> np.ndarray:
        """Most probable labels of pictures.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.

        Returns
        -------
        labels : ndarray of shape (n_samples,)
            With ``reader__on_error="skip"``, a masked array: labels of pictures that can't be read
            are masked, and the mask covers a value that is no class.
        """
        batches = self._logit_batches(X)
        if not self._skips():
            return batches.map(lambda z: self.classes_[z.argmax(axis=1)]).join()
        codes = batches.map(lambda z: np.where(np.isnan(z).all(axis=1), -1, z.argmax(axis=1)))
        codes = codes.join()
        return masked_labels(self.classes_, codes, codes < 0)

    @isolated
    def score(self, X, y, sample_weight=None) -> float:
        """Accuracy; a picture that can't be read counts as wrong, with ``reader__on_error="skip"``.

        Parameters
        ----------
        X : pictures
            Of any kind that :meth:`LiftClassifier.fit` takes.
        y : array-like of shape (n_samples,)
            True labels.
        sample_weight : array-like of shape (n_samples,), optional
            Weights of the pictures.

        Returns
        -------
        score : float in [0, 1]
        """
        from ._classes._labels import check_labels

        return super().score(X, check_labels(y), sample_weight)


def all_or_nothing(method):
    """Decorator of a fit that fails before training: it restores the old fitted attributes."""

    @wraps(method)
    def fit(est, *args, **kwargs):
        before = _fitted_attributes(est)
        try:
            return method(est, *args, **kwargs)
        except BaseException:
            now = _fitted_attributes(est)
            if now.get("net_") in (None, before.get("net_")):
                for name in now:
                    delattr(est, name)
                vars(est).update(before)
            raise

    return fit


def _fitted_attributes(est) -> dict:
    return {name: value for name, value in vars(est).items() if name.endswith("_")}
