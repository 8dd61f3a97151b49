"""Checks of X, and of what predictions depend on, catch estimators broken in just that way."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._core._lazy_rows import Batches
from sklift.testing import _inputs, _outputs

COUNTER = itertools.count(1)


def broken(base, **params):
    """From methods to an estimator of a subclass that has them."""
    return lambda **methods: type("Broken", (base,), methods)("emoji-tiny", **params)


def plain_logits(est, X):
    """Logits of a zero-shot classifier that is not broken."""
    return np.concatenate(list(ZeroShotClassifier._logit_batches(est, X)))


def changed(change):
    """``_logit_batches`` in one, with ``change(logits, X, estimator)`` added."""

    def _logit_batches(self, X):
        out = plain_logits(self, X)
        return Batches(len(out), [out + change(out, X, self)])

    return _logit_batches


def bump(amount):
    """Something to add to the scores of three classes, the first of which gains."""
    return 20.0 * float(amount) * np.array([1, 0, 0])


def fit(before=None, after=None):
    """``fit`` with something done to (X, y) before, or to the estimator after."""

    def fit(self, X=None, y=None):
        X, y = before(X, y) if before else (X, y)
        ZeroShotClassifier.fit(self, X, y)
        if after:
            after(self)
        return self

    return fit


def embed(change):
    def transform(self, X):
        return change(ImageEmbedder.transform(self, X), self)

    return transform


def in_place(X, y):
    if isinstance(X, np.ndarray):
        X[:] = X[::-1].copy()
    return X, y


def writing(X, y):
    if isinstance(X, np.ndarray):
        X[0, 0, 0] = X[0, 0, 0]
    return X, y


def as_floats(X):
    return np.nan_to_num(np.asarray(X, np.float64), nan=0, posinf=1, neginf=0)


def filled(self, X):
    if len(X) and np.asarray(X).dtype.kind == "f":
        X = np.clip(as_floats(X), 0, 1) if np.nanmax(X) <= 1 or not np.isfinite(X).all() else X
    return ZeroShotClassifier._logit_batches(self, X)


def rescaled(self, X):
    X = X / X.max() if isinstance(X, np.ndarray) else X
    return ZeroShotClassifier._logit_batches(self, X)


def as_cropped(self, X):
    side = min(len(image) for image in X)
    return ZeroShotClassifier._logit_batches(self, [image[:side, :side] for image in X])


def fit_and_look_at_kind(self, X=None, y=None):
    self.shift_ = isinstance(X, list)
    return ZeroShotClassifier.fit(self, X, y)


def fit_as_many(self, X, y=None, sample_weight=None):
    return LiftClassifier.fit(self, X[: len(y)], y, sample_weight)


def none_of_none(self, X):
    return np.empty((0, 192)) if len(X) == 0 else ImageEmbedder.transform(self, X)


zero_shot, embedder = broken(ZeroShotClassifier), broken(ImageEmbedder)
lift = broken(LiftClassifier, max_epochs=1, batch_size=8)
# check -> an estimator that it must refuse, and what it says
BROKEN = {
    "check_kinds_of_pictures": (
        zero_shot(_logit_batches=changed(lambda out, X, est: bump(isinstance(X, list)))),
        "on PIL images",
    ),
    "check_training_kinds": (
        zero_shot(
            fit=fit_and_look_at_kind, _logit_batches=changed(lambda out, X, est: bump(est.shift_))
        ),
        "fit to PIL images",
    ),
    "check_files": (
        zero_shot(_logit_batches=changed(lambda out, X, est: bump(np.shape(X)[1:] == (1,)))),
        "a column of str",
    ),
    "check_inputs_not_changed": (zero_shot(fit=fit(before=in_place)), "changes X or y: bytes"),
    "check_readonly_memmap": (zero_shot(fit=fit(before=writing)), "read-only"),
    "check_nan_and_inf": (zero_shot(_logit_batches=filled), "nan in an array: it is accepted"),
    "check_range": (zero_shot(_logit_batches=rescaled), "floats up to 255: it is accepted"),
    "check_no_pictures": (embedder(transform=none_of_none), "an empty array: it is accepted"),
    "check_lengths": (lift(fit=fit_as_many), "y shorter than X: it is accepted"),
    "check_different_sizes": (zero_shot(_logit_batches=as_cropped), "different sizes"),
    "check_order_invariance": (
        zero_shot(
            _logit_batches=changed(lambda out, X, est: np.arange(len(out))[:, None] * bump(1))
        ),
        "another order",
    ),
    "check_subset_invariance": (
        zero_shot(_logit_batches=changed(lambda out, X, est: -out.mean(0))),
        "1 at a time",
    ),
    "check_batch_size_invariance": (
        zero_shot(_logit_batches=changed(lambda out, X, est: bump(est.batch_size))),
        "batch_size=5",
    ),
    "check_repeated_pictures": (
        zero_shot(_logit_batches=changed(lambda out, X, est: bump(next(COUNTER)))),
        "each picture twice",
    ),
    "check_one_picture": (
        embedder(transform=embed(lambda out, est: out[0] if len(out) == 1 else out)),
        "gives 192 rows for one picture",
    ),
    "check_transform": (
        embedder(transform=embed(lambda out, est: out * np.nan)),
        "NaN or infinite",
    ),
    "check_feature_names_out": (
        embedder(get_feature_names_out=lambda self, names=None: np.array(["a"] * 192)),
        "1 name for 192 features",
    ),
    "check_pandas_output": (
        embedder(set_output=lambda self, transform=None: self),
        "set_output gives a ndarray",
    ),
    "check_bfloat16_features": (
        embedder(
            transform=embed(
                lambda out, est: out[:, ::-1] if est.compute.precision == "bfloat16" else out
            )
        ),
        "features of cosine",
    ),
}
CHECKS = {
    check.__name__: check
    for check in (*_inputs.CHECKS, *_outputs.CHECKS, *_outputs.TRANSFORMER_CHECKS)
}


def test_every_check_has_a_case():
    assert set(BROKEN) == set(CHECKS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BROKEN)
def test_it_is_caught(name):
    estimator, message = BROKEN[name]
    with pytest.raises(Exception) as caught:
        CHECKS[name](type(estimator).__name__, estimator)
    assert re.search(message, str(caught.value), re.DOTALL), repr(caught.value)
