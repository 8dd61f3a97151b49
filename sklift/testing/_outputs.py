"""Checks that predictions depend on nothing but the picture, and of a transformer's output."""

from __future__ import annotations

import numpy as np
from sklearn import config_context

from .._core._text import counted
from ._common import assert_same, fitted, outputs, pandas, pictures, prepared


def check_order_invariance(name, estimator_orig):
    """Predictions do not depend on the order of the pictures."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    order = np.random.default_rng(0).permutation(len(X))
    expected = {method: values[order] for method, values in outputs(estimator, X).items()}
    assert_same(outputs(estimator, X[order]), expected, f"{name}, pictures in another order")


def check_subset_invariance(name, estimator_orig):
    """Predictions of a picture are the same alone as among others."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    expected = outputs(estimator, X)
    for size in (1, 4):
        parts = [outputs(estimator, X[i : i + size]) for i in range(0, len(X), size)]
        found = {method: np.concatenate([part[method] for part in parts]) for method in expected}
        assert_same(found, expected, f"{name}, pictures {size} at a time")


def check_batch_size_invariance(name, estimator_orig):
    """Predictions do not depend on the batch size."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    expected = outputs(estimator, X)
    if "batch_size" in estimator.get_params():
        found = outputs(estimator.set_params(batch_size=5), X)
        assert_same(found, expected, f"{name} with batch_size=5")


def check_repeated_pictures(name, estimator_orig):
    """Predictions can be repeated, and equal pictures get equal ones."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    expected = {method: np.repeat(v, 2, axis=0) for method, v in outputs(estimator, X).items()}
    found = outputs(estimator, np.repeat(X, 2, axis=0))
    assert_same(found, expected, f"{name}, each picture twice")


def check_one_picture(name, estimator_orig):
    """A single picture gives a single row."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    for method, values in outputs(estimator, X[:1]).items():
        assert len(values) == 1, f"{name}.{method} gives {len(values)} rows for one picture"


def check_transform(name, estimator_orig):
    """Features are a finite table (n, n_features), the same from fit_transform."""
    X, y = pictures()
    estimator = fitted(estimator_orig)
    features = estimator.transform(X)
    assert features.ndim == 2 and len(features) == len(X), f"{name} gives {features.shape}"
    assert np.isfinite(features).all(), f"{name} gives NaN or infinite features"
    both = prepared(estimator_orig).fit_transform(X, y)
    assert_same({"transform": both}, {"transform": features}, f"{name}.fit_transform")
    assert np.ptp(features, axis=0).max() > 0, f"{name} gives all pictures the same features"


def check_feature_names_out(name, estimator_orig):
    """Each feature has a name of its own."""
    X, _ = pictures()
    estimator = fitted(estimator_orig)
    names = estimator.get_feature_names_out()
    n_features = estimator.transform(X[:1]).shape[1]
    assert len(set(names)) == len(names) == n_features, (
        f"{name} has {counted(len(set(names)), 'name')} for {n_features} features"
    )
    assert all(isinstance(value, str) for value in names), f"{name}: names must be str"


def check_pandas_output(name, estimator_orig):
    """set_output and set_config make a DataFrame of the features."""
    pd = pandas()

    X, y = pictures()
    estimator = fitted(estimator_orig)
    expected = estimator.transform(X)
    local = prepared(estimator_orig).set_output(transform="pandas").fit(X, y)
    frames = {"set_output": local.transform(X), "fit_transform": local.fit_transform(X, y)}
    with config_context(transform_output="pandas"):
        frames["set_config"] = estimator.transform(list(X))
    for how, frame in frames.items():
        assert isinstance(frame, pd.DataFrame), f"{name}: {how} gives a {type(frame).__name__}"
        assert list(frame.columns) == list(estimator.get_feature_names_out()), (
            f"{name}: the columns from {how} are not get_feature_names_out()"
        )
        values = {"transform": frame.to_numpy()}
        assert_same(values, {"transform": expected}, f"{name} with {how}")


def check_bfloat16_features(name, estimator_orig):
    """Features in bfloat16 have a cosine above 0.999 with those in float32."""
    if "compute" not in estimator_orig.get_params():
        return
    X, _ = pictures()
    full = fitted(estimator_orig).transform(X)
    half = fitted(estimator_orig, compute__precision="bfloat16").transform(X)
    norms = np.linalg.norm(full, axis=1) * np.linalg.norm(half, axis=1)
    cosine = float(((full * half).sum(1) / norms).min())
    assert cosine > 0.999, f"{name} in bfloat16 gives features of cosine {cosine:.4f}"


CHECKS = (
    check_order_invariance,
    check_subset_invariance,
    check_batch_size_invariance,
    check_repeated_pictures,
    check_one_picture,
)
TRANSFORMER_CHECKS = (
    check_transform,
    check_feature_names_out,
    check_pandas_output,
    check_bfloat16_features,
)
