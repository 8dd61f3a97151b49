"""Checks of labels."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.exceptions import DataConversionWarning

from ._common import assert_same, fitted, outputs, pandas, pictures, prepared, refused


def check_classes(name, estimator_orig):
    """classes_ holds the sorted labels."""
    X, y = pictures()
    order = np.random.default_rng(0).permutation(len(X))
    estimator = fitted(estimator_orig, X[order], y[order])
    assert np.array_equal(estimator.classes_, np.unique(y)), f"{name}: {estimator.classes_}"


def check_kinds_of_labels(name, estimator_orig):
    """Text, whole numbers, objects and categories are labels, and are predicted as such."""
    pd = pandas()

    X, y = pictures()
    named, codes = np.unique(y, return_inverse=True)
    kinds = {
        "text": y,
        "a list of text": y.tolist(),
        "text as objects": y.astype(object),
        "a Series with an index": pd.Series(y, index=range(7, 7 + len(y))),
        "a categorical": pd.Categorical(y),
        "int64": codes,
        "int8 with gaps, from below 0": np.array([-5, 0, 7], np.int8)[codes],
        "a list of int": codes.tolist(),
        "whole floats": codes.astype(float),
        "numbers as objects": codes.astype(object),
    }
    expected = None
    for kind, labels in kinds.items():
        estimator, found = _fit_labels(estimator_orig, X, labels, named, codes)
        values = np.asarray(labels)
        assert np.array_equal(estimator.classes_, np.unique(values)), f"{name}, labels of {kind}"
        expected = expected or found
        assert_same(found, expected, f"{name}, labels of {kind}")


def check_bool_labels(name, estimator_orig):
    """True and False are labels, and are predicted as such."""
    X, y = pictures(2)
    named, codes = np.unique(y, return_inverse=True)
    _, expected = _fit_labels(estimator_orig, X, y, named, codes)
    estimator, found = _fit_labels(estimator_orig, X, codes == 1, named, codes)
    assert estimator.predict(X).dtype == bool, f"{name} gives {estimator.predict(X).dtype}"
    assert_same(found, expected, f"{name}, bool labels")


def check_column_of_labels(name, estimator_orig):
    """Labels in a column are taken as a row of them, with a warning."""
    X, y = pictures()
    expected = outputs(fitted(estimator_orig), X)
    estimator = prepared(estimator_orig)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        estimator.fit(X, y[:, None])
    said = [w for w in caught if issubclass(w.category, DataConversionWarning)]
    assert said, f"{name}.fit does not warn of a column of labels"
    assert_same(outputs(estimator, X), expected, f"{name}, labels in a column")


def check_wrong_labels(name, estimator_orig):
    """Labels that are absent, several per picture, continuous or missing are refused."""
    X, y = pictures()
    numbers = np.unique(y, return_inverse=True)[1].astype(float)
    missing = y.astype(object)
    missing[1] = None
    for what, labels, words in (
        ("no labels", None, ("y",)),
        ("several labels for each", np.eye(len(y))[:, :3].astype(int), ("y", "1d", "1-d", "label")),
        ("measurements", np.linspace(0, 1, len(y)), ("label", "continuous")),
        ("NaN", np.where(np.arange(len(y)) == 1, np.nan, numbers), ("nan", "missing")),
        ("None among text", missing, ("none", "missing")),
        ("no pictures' worth", y[:0], ("y", "empty", "sample")),
    ):
        with refused(f"{name}.fit, {what}", *words):
            prepared(estimator_orig).fit(X, labels)


def check_one_class(name, estimator_orig):
    """Labels of a single class are refused with a clear message, or that class is predicted."""
    X, y = pictures()
    X, y = X[y == y[0]], y[y == y[0]]
    estimator = prepared(estimator_orig)
    try:
        estimator.fit(X, y)
    except ValueError as error:
        assert "class" in str(error).lower(), f"{name}.fit does not say 'class': {error}"
    else:
        assert (estimator.predict(X) == y[0]).all(), f"{name} knows one class, predicts another"


def check_one_sample(name, estimator_orig):
    """A fit to a single picture works, or the message tells what is missing."""
    X, y = pictures()
    try:
        fitted(estimator_orig, X[:1], y[:1])
    except ValueError as error:
        told = any(word in str(error).lower() for word in ("class", "sample", "picture"))
        assert told, f"{name}.fit on one picture: {error}"


def _fit_labels(estimator_orig, X, labels, named, codes):
    """Return the outputs after a fit to labels of some kind, with labels as codes."""
    values = np.asarray(labels)
    names = {values[codes == i][0]: str(label) for i, label in enumerate(named)}
    estimator = fitted(estimator_orig, X, labels, class_names=names)
    found = outputs(estimator, X)
    predicted = found["predict"]
    strange = set(predicted.tolist()) - set(values.tolist())
    assert not strange, f"fitted to labels {values}, it predicts {sorted(strange)}"
    found["predict"] = np.searchsorted(estimator.classes_, predicted)
    return estimator, found


CHECKS = (
    check_classes,
    check_kinds_of_labels,
    check_bool_labels,
    check_column_of_labels,
    check_wrong_labels,
    check_one_class,
    check_one_sample,
)
