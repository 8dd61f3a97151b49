"""Pictures and comparisons that the checks have in common."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from inspect import Parameter, signature
from unittest import SkipTest

import numpy as np
from sklearn.base import clone

NAMES = np.array(["blue triangle", "green square", "red circle"])
METHODS = ("predict", "predict_proba", "decision_function", "transform")
TOLERANCE = 1e-5  # of the largest number, in float32
SIZE = 40
_COLOURS = np.array([[40, 80, 230], [40, 170, 60], [230, 30, 40]])


def pictures(n_classes: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Pictures (n, 40, 40, 3) uint8 of coloured shapes, 6 + 4 (+ 3) in all, and their names."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [6, 4, 3])
    codes = codes[codes < n_classes]
    rows, columns = np.mgrid[:SIZE, :SIZE]
    X = np.full((len(codes), SIZE, SIZE, 3), 255, np.uint8)
    for image, code in zip(X, codes, strict=True):
        top, left = rng.integers(16, 25, 2)
        dy, dx = rows - top, columns - left
        inside = [
            (dy < 10) & (dy > 2 * abs(dx) - 12),
            np.maximum(abs(dy), abs(dx)) < 12,
            dy**2 + dx**2 < 12**2,
        ][code]
        image[inside] = np.clip(_COLOURS[code] + rng.integers(-20, 21, 3), 0, 255)
    return X, NAMES[codes]


def prepared(estimator, **params):
    """Return a clone with settings for exact, repeatable results, and ``params`` that it has."""
    wanted = {"random_state": 0, "compute__precision": "float32", "compute__cache": False, **params}
    known = estimator.get_params(deep=False)
    wanted = {k: v for k, v in wanted.items() if k.partition("__")[0] in known}
    return clone(estimator).set_params(**wanted)


def fitted(estimator, X=None, y=None, **params):
    """Return a prepared clone, fitted on the usual pictures or on others."""
    if X is None:
        X, y = pictures()
    return prepared(estimator, **params).fit(X, y)


def outputs(estimator, X) -> dict[str, np.ndarray]:
    """Return the output of each method for X."""
    return {m: np.asarray(getattr(estimator, m)(X)) for m in METHODS if hasattr(estimator, m)}


def assert_same(actual: dict, expected: dict, what: str) -> None:
    """Assert that labels are equal, and numbers equal up to the tolerance."""
    for method, wanted in expected.items():
        found = actual[method]
        assert found.shape == wanted.shape, f"{what}: {method} has shape {found.shape}"
        if wanted.dtype.kind != "f":
            assert np.array_equal(found, wanted), f"{what}: {method} gives other labels"
            continue
        off = float(np.abs(found - wanted).max())
        bound = TOLERANCE * max(1.0, float(np.abs(wanted).max()))
        assert off <= bound, f"{what}: {method} is off by {off:.3g}, more than {bound:.3g}"


@contextmanager
def refused(what: str, *words: str, errors=ValueError) -> Iterator[None]:
    """Context whose block must raise one of ``errors``, with one of ``words`` in its message."""
    try:
        yield
    except errors as error:
        text = str(error).lower()
        said = not words or any(word.lower() in text for word in words)
        assert said, f"{what}: the message says none of {words}: {error}"
    else:
        raise AssertionError(f"{what}: it is accepted")


def learns_from_pictures(estimator) -> bool:
    """Tell whether fit learns from X; otherwise X may be left out."""
    return signature(estimator.fit).parameters["X"].default is Parameter.empty


def pandas():
    """Import pandas; without it, the check is skipped."""
    try:
        import pandas
    except ImportError as error:
        raise SkipTest("pandas is not installed") from error
    return pandas
