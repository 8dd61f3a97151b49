"""Checks of labels, predictions and weights catch estimators broken in just that way."""

from __future__ import annotations

import re

import numpy as np
import pytest
from sklearn import get_config

from sklift import LiftClassifier, ZeroShotClassifier
from sklift._core._lazy_rows import Batches
from sklift.testing import _predictions, _targets, _weights


def broken(base, **params):
    """From methods to an estimator of a subclass that has them."""
    return lambda **methods: type("Broken", (base,), methods)("emoji-tiny", **params)


def fit(before=None, after=None):
    """``fit`` with something done to (X, y) before, or to the estimator after."""

    def fit(self, X=None, y=None):
        X, y = before(X, y) if before else (X, y)
        ZeroShotClassifier.fit(self, X, y)
        if after:
            after(self)
        return self

    return fit


def fit_lift(change):
    """``fit`` of LiftClassifier with other arguments."""

    def fit(self, X, y=None, sample_weight=None):
        return LiftClassifier.fit(self, *change(X, y, sample_weight))

    return fit


def unsorted_classes(self):
    self.classes_ = self.classes_[::-1]
    self.text_features_ = self.text_features_[::-1]


def text_classes(self):
    self.classes_ = self.classes_.astype(str)


def quiet(X, y):
    return X, np.ravel(y)


def tolerant(self, X=None, y=None):
    return ZeroShotClassifier.fit(self, X, ["a", "b"] if y is None else y)


def need_two(self, X=None, y=None):
    if len(X) < 2:
        raise ValueError("no")
    return ZeroShotClassifier.fit(self, X, y)


def need_two_classes(self, X=None, y=None):
    if len(set(np.ravel(y).tolist())) < 2:
        raise ValueError("no")
    return ZeroShotClassifier.fit(self, X, y)


def negative_weights(X, y, w):
    return X, y, None if w is None else np.abs(w)


def without_weights_when_routed(X, y, w):
    return X, y, None if get_config()["enable_metadata_routing"] else w


def first_dropped_if_weighted(X, y, w):
    return (X, y) if w is None else (X[1:], y[1:], w[1:])


def plain_logits(est, X):
    """Logits of a zero-shot classifier that is not broken."""
    return np.concatenate(list(ZeroShotClassifier._logit_batches(est, X)))


def for_another_class(self, X):
    out = plain_logits(self, X)
    other = np.roll(out, 1, axis=1) if self.compute.precision == "bfloat16" else out
    return Batches(len(out), [other])


zero_shot = broken(ZeroShotClassifier)
lift = broken(LiftClassifier, max_epochs=1, batch_size=8)
# check -> an estimator that it must refuse, and what it says
BROKEN = {
    "check_classes": (zero_shot(fit=fit(after=unsorted_classes)), "red circle"),
    "check_kinds_of_labels": (
        zero_shot(fit=fit(after=text_classes)),
        "predicts .'0', '1', '2'.",
    ),
    "check_bool_labels": (
        zero_shot(fit=fit(before=lambda X, y: (X, y * 1 if y.dtype == bool else y))),
        "gives int64",
    ),
    "check_column_of_labels": (zero_shot(fit=fit(before=quiet)), "does not warn"),
    "check_wrong_labels": (zero_shot(fit=tolerant), "no labels: it is accepted"),
    "check_one_class": (zero_shot(fit=need_two_classes), "does not say 'class'"),
    "check_one_sample": (zero_shot(fit=need_two), "fit on one picture: no"),
    "check_probabilities": (
        zero_shot(predict_proba=lambda self, X: ZeroShotClassifier.predict_proba(self, X) / 2),
        "sum to 1",
    ),
    "check_decision_function": (
        zero_shot(decision_function=lambda self, X: -plain_logits(self, X)),
        "not the class of the highest score",
    ),
    "check_two_classes": (
        zero_shot(decision_function=lambda self, X: plain_logits(self, X)),
        r"gives \(10, 2\)",
    ),
    "check_score": (zero_shot(score=lambda self, X, y: 2.0), "not the accuracy"),
    "check_bfloat16": (zero_shot(_logit_batches=for_another_class), "predicts other classes for"),
    "check_weights_of_one": (
        lift(fit=fit_lift(first_dropped_if_weighted)),
        "weights of 1 in array",
    ),
    "check_weights_matter": (
        lift(fit=fit_lift(lambda X, y, w: (X, y))),
        "does not heed sample_weight",
    ),
    "check_wrong_weights": (
        lift(fit=fit_lift(negative_weights)),
        "a negative weight: it is accepted",
    ),
    "check_weights_are_routed": (
        lift(fit=fit_lift(without_weights_when_routed)),
        "with metadata routing",
    ),
}
CHECKS = {
    check.__name__: check for room in (_targets, _predictions, _weights) for check in room.CHECKS
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
