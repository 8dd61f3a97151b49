"""Checks of parameters, tags, clones, and of use before fit."""

from __future__ import annotations

import joblib
import numpy as np
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.utils import estimator_html_repr, get_tags
from sklearn.utils.validation import check_is_fitted

from .._core._sklearn import SKIPPING_TAGS
from ._common import METHODS, SIZE, fitted, pictures, prepared, refused


def check_clone(name, estimator_orig):
    """A clone of a fitted estimator has its parameters, and is not fitted."""
    estimator = fitted(estimator_orig)
    copy = clone(estimator)
    assert joblib.hash(copy.get_params()) == joblib.hash(estimator.get_params()), (
        f"a clone of {name} has other parameters"
    )
    _assert_not_fitted(copy, f"a clone of a fitted {name}")


def check_not_fitted(name, estimator_orig):
    """Every method raises NotFittedError before fit, and none after."""
    estimator = prepared(estimator_orig)
    X, y = pictures()
    _assert_not_fitted(estimator, f"{name} before fit")
    for method in (m for m in METHODS if hasattr(estimator, m)):
        with refused(f"{name}.{method} before fit", "fit", errors=NotFittedError):
            getattr(estimator, method)(X)
    check_is_fitted(estimator.fit(X, y))


def check_parameter_validation(name, estimator_orig):
    """Fit names a parameter whose type is wrong."""
    X, y = pictures()
    constraints = getattr(estimator_orig, "_parameter_constraints", {})
    known = estimator_orig.get_params(deep=False)
    for key in (k for k, c in constraints.items() if k in known and c != "no_validation"):
        estimator = prepared(estimator_orig).set_params(**{key: type("Wrong", (), {})()})
        with refused(f"{name}({key}=<object>).fit", key, errors=(ValueError, TypeError)):
            estimator.fit(X, y)


def check_html_repr(name, estimator_orig):
    """The HTML for notebooks has the class's name, before and after fit."""
    estimator = prepared(estimator_orig)
    for _ in range(2):
        assert name in estimator._repr_html_(), f"the HTML of {name} lacks its name"
        assert name in estimator_html_repr(estimator)
        estimator.fit(*pictures())


def check_image_tags(name, estimator_orig):
    """Tags tell the kinds of X that are taken, and skip no checks."""
    tags = get_tags(estimator_orig)
    for tag in SKIPPING_TAGS:
        assert not getattr(tags, tag), f"{name} has the tag {tag}"
    assert not tags.input_tags.allow_nan, f"{name} claims to take NaN"
    if tags.classifier_tags is not None:
        assert not tags.classifier_tags.poor_score, f"{name} has the tag poor_score"
        assert tags.classifier_tags.multi_class, f"{name} claims to take two classes only"
    estimator = fitted(estimator_orig)
    X, y = pictures()
    grey = X[..., 0]
    _assert_tag(name, estimator, tags.input_tags.three_d_array, grey, "three_d_array")
    rows = grey.reshape(len(X), -1)
    _assert_tag(name, estimator, tags.input_tags.two_d_array, rows, "two_d_array")
    if "reader" in estimator.get_params():
        flat = prepared(estimator_orig, reader__image_shape=(SIZE, SIZE))
        claims = get_tags(flat).input_tags.two_d_array
        _assert_tag(name, flat.fit(rows, y), claims, rows, "two_d_array")
    if tags.target_tags.required:
        with refused(f"{name}.fit(X)", "y"):
            prepared(estimator_orig).fit(X)
    if tags.transformer_tags is not None:
        for dtype in tags.transformer_tags.preserves_dtype:
            found = estimator.transform((X / 255).astype(dtype)).dtype
            assert found == dtype, f"{name} claims to preserve {dtype}, and gives {found}"


def check_n_features_in(name, estimator_orig):
    """Flattened pictures, and no others, have a number of columns, which is checked."""
    X, y = pictures()
    estimator = fitted(estimator_orig)
    for attribute in ("n_features_in_", "feature_names_in_"):
        assert not hasattr(estimator, attribute), f"{name} has {attribute} without columns"
    if "reader" not in estimator.get_params():
        return
    flat = X.reshape(len(X), -1)
    estimator = prepared(estimator_orig, reader__image_shape=X.shape[1:]).fit(flat, y)
    found = getattr(estimator, "n_features_in_", None)
    assert found == flat.shape[1], f"{name}.n_features_in_ is {found} for {flat.shape[1]} columns"
    for method in (m for m in METHODS if hasattr(estimator, m)):
        with refused(f"{name}.{method} on fewer columns", str(flat.shape[1])):
            getattr(estimator, method)(flat[:, :-3])
    assert not hasattr(estimator.fit(X, y), "n_features_in_"), (
        f"{name} fitted on pictures (n, height, width, 3) keeps n_features_in_ of an earlier fit"
    )


def _assert_not_fitted(estimator, what: str) -> None:
    with refused(f"check_is_fitted({what})", errors=NotFittedError):
        check_is_fitted(estimator)


def _assert_tag(name: str, estimator, claimed: bool, X: np.ndarray, tag: str) -> None:
    method = next(m for m in METHODS if hasattr(estimator, m))
    if not claimed:
        with refused(f"{name}, without the tag {tag}, and X of shape {X.shape}"):
            getattr(estimator, method)(X)
        return
    try:
        getattr(estimator, method)(X)
    except (ValueError, TypeError) as error:
        raise AssertionError(f"{name}: the tag {tag} is not true") from error


CHECKS = (
    check_clone,
    check_not_fitted,
    check_parameter_validation,
    check_html_repr,
    check_image_tags,
    check_n_features_in,
)
