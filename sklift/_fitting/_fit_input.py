"""What ``fit`` is given, validated: recipes, and samples with their labels and weights."""

from __future__ import annotations

from functools import wraps

import numpy as np
from sklearn.utils import check_random_state

from .._classes._labels import check_labels, encode_labels
from .._core._recipes import agrees
from .._core._sklearn import check_sample_weight, validate_params
from .._core._warn import warn
from .._store._features import resolve_cache

KINDS = ("adapter", "loss", "head")


def resolve_kind(kind: str, value):
    """The recipe of this kind. Imported here: recipes bring torch, constructing must not."""
    if kind == "adapter":
        from ..adapters import resolve_adapter as resolve
    elif kind == "loss":
        from ..losses import resolve_loss as resolve
    else:
        from ..heads import resolve_head as resolve
    return resolve(value)


def all_or_nothing(method):
    """Decorate a fit: where it fails before anything is recorded, all is as it was before."""

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


def fit_recipes(est) -> dict:
    """Validated parameters, and the recipes among them as objects."""
    validate_params(est)
    recipes = {kind: resolve_kind(kind, getattr(est, kind)) for kind in KINDS}
    resolve_cache(est.cache)
    if est.backbone == "precomputed":
        if isinstance(est.adapter, str) and est.adapter == "adaptformer":
            recipes["adapter"] = None  # the default has no blocks to work in
        from ..images._views import check_augmentation

        check_augmentation(est.augmentation)
        if est.tta is not None:
            raise ValueError("tta makes views of pictures: leave it out, X holds features")
    return recipes


def fit_sample(est, X, y, sample_weight, classes, *, reset: bool = True):
    """The class list, and what is to be learned from."""
    data = est._data(X, reset=reset)
    y = check_labels(data.labels if y is None else y)
    if len(y) != len(data):
        raise ValueError(f"X has {len(data)} samples and y has {len(y)} labels")
    if sample_weight is not None:
        sample_weight = check_sample_weight(sample_weight, y, ensure_non_negative=True)
        if not sample_weight.any():  # older versions of scikit-learn let it pass
            raise ValueError("Sample weights must contain at least one non-zero number.")
        if not 1e-30 < sample_weight[sample_weight > 0].min() <= sample_weight.sum() < 1e30:
            raise ValueError(
                "sample_weight has values, or a sum, beyond 1e-30 to 1e30: scale it, only the "
                "ratios matter to most losses"
            )
    skipped = np.array([], dtype=np.intp)
    if est.on_error == "skip":
        data, kept, wrong = data.readable()
        skipped = np.array(sorted(wrong), dtype=np.intp)
        if wrong:
            _tell(wrong, len(y))
        y = y[kept]
        sample_weight = None if sample_weight is None else sample_weight[kept]
    classes, codes = encode_labels(y, classes)
    if sample_weight is not None:
        total = np.bincount(codes, sample_weight, minlength=len(classes))
        lost = (np.bincount(codes, minlength=len(classes)) > 0) & ~(total > 0)
        if lost.any():
            raise ValueError(
                f"sample_weight is zero for all samples of class {classes[lost].tolist()[0]!r}: "
                "there is nothing to learn it from; leave the class out, or give it weight"
            )
    if est.on_error == "raise":
        data.glance()
    seed = int(check_random_state(est.random_state).randint(2**31 - 1))
    from ._training_data import Sample

    return classes, Sample(data, codes, sample_weight, seed, skipped)


def _tell(wrong: dict, n: int) -> None:
    """Warn of pictures that can't be read; an error where none can."""
    first = "; ".join(f"X[{i}]: {text}" for i, text in list(wrong.items())[:5])
    more = "; ..." if len(wrong) > 5 else ""
    if len(wrong) == n:
        raise ValueError(f"none of the {n} pictures in X can be read: {first}{more}")
    warn(f"{len(wrong)} of {n} pictures can't be read and are left out: {first}{more}")


def partial_classes(est, classes):
    """The class list of a ``partial_fit``: what is given, or else known from before.

    Raises
    ------
    ValueError
        If it is missing, or another than that of the calls before.
    """
    fitted = hasattr(est, "net_")
    if classes is None:
        classes = est.classes_ if fitted else est.classes
    if classes is None:
        raise ValueError("classes must be passed on the first call to partial_fit.")
    if fitted and not np.array_equal(np.unique(np.asarray(classes)), est.classes_):
        raise ValueError(
            f"classes={classes!r} is not the same as on last call to partial_fit, was: "
            f"{est.classes_!r}"
        )
    return classes


def check_same(est, classes, recipes: dict) -> None:
    """Training can go on only with the same model.

    Raises
    ------
    ValueError
        If the classes, the adapter or the head are others than those that were trained.
    """
    if not np.array_equal(classes, est.classes_):
        raise ValueError(
            f"training goes on with the same classes: {len(est.classes_)} before, now "
            f"{len(classes)} or others; give classes, or fit a clone, or with warm_start=False"
        )
    model = est.net_.module_
    for kind, trained in (("adapter", model.adapter), ("head", model.head_recipe)):
        if not agrees(recipes[kind], trained):
            raise ValueError(
                f"training goes on with the same {kind}: {trained!r} before, now "
                f"{recipes[kind]!r}; to start anew, fit a clone, or with warm_start=False"
            )
