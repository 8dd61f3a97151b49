"""Checks of the interface and of fit catch estimators that are broken in just that way."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils import estimator_checks

from sklift import ImageEmbedder, ZeroShotClassifier
from sklift._core._lazy_rows import Batches
from sklift.testing import _fitting, _interface, _suite

COUNTER = itertools.count(1)


def broken(base, **params):
    """From methods to an estimator of a subclass that has them."""
    return lambda **methods: type("Broken", (base,), methods)("emoji-tiny", **params)


def plain_logits(est, X):
    """Logits of a zero-shot classifier that is not broken."""
    return np.concatenate(list(ZeroShotClassifier._logit_batches(est, X)))


def logits(change):
    """``_logit_batches`` in one, with ``change(logits, X, estimator)`` added."""

    def _logit_batches(self, X):
        out = plain_logits(self, X)
        return Batches(len(out), [out + change(out, X, self)])

    return _logit_batches


def fit(before=None, after=None):
    """``fit`` with something done to (X, y) before, or to the estimator after."""

    def fit(self, X=None, y=None):
        X, y = before(X, y) if before else (X, y)
        ZeroShotClassifier.fit(self, X, y)
        if after:
            after(self)
        return self

    return fit


class PoorPickle(ZeroShotClassifier):
    """At the top of the module, where pickle finds it."""

    def __getstate__(self):
        state = dict(super().__getstate__())
        if "text_features_" in state:
            state["text_features_"] = state["text_features_"][::-1]
        return state


class Copying(BaseEstimator):
    """Its constructor replaces a parameter."""

    def __init__(self, prompts=("a",)):
        self.prompts = list(prompts)

    fit = ZeroShotClassifier.fit


class Busy(BaseEstimator):
    """Its constructor does more than to set parameters."""

    def __init__(self, prompts=None):
        self.prompts = prompts
        self.ready = True

    fit = ZeroShotClassifier.fit


class Mutable(BaseEstimator):
    """A default that all share."""

    def __init__(self, prompts=[]):  # noqa: B006 -- the fault that is to be found
        self.prompts = prompts

    fit = ZeroShotClassifier.fit


class Strict(BaseEstimator):
    """Its constructor looks at what it is given."""

    def __init__(self, prompts="a"):
        if not isinstance(prompts, str):
            raise TypeError("prompts must be a str")
        self.prompts = prompts

    fit = ZeroShotClassifier.fit


class Misordered(BaseEstimator, ClassifierMixin):
    """The mixin must come first."""

    fit = ZeroShotClassifier.fit


def tagged(change):
    def __sklearn_tags__(self):
        tags = ZeroShotClassifier.__sklearn_tags__(self)
        change(tags)
        return tags

    return __sklearn_tags__


def two_d(tags):
    tags.input_tags.two_d_array = True


def no_bool(tags):
    tags.input_tags.two_d_array = "yes"


def setting(**attributes):
    return lambda self: vars(self).update(attributes)


def draw_one(X, y):
    np.random.random()
    return X, y


def predict_and_keep(self, X):
    self.last_ = X
    return ZeroShotClassifier.predict(self, X)


def noisy(self):
    self.text_features_ = np.random.normal(size=self.text_features_.shape)


def numbered(self):
    self.shift_ = next(COUNTER)


def remembering(self):
    self.shift_ = getattr(self, "shift_", 0) + len(self.classes_)


def shifted(out, X, est):
    return est.shift_ * 20.0 * (np.arange(out.shape[1]) == 0)


zero_shot, embedder = broken(ZeroShotClassifier), broken(ImageEmbedder)
# check -> an estimator that it must refuse, and what it says
BROKEN = {
    "check_estimator_cloneable": (Copying(), "Cannot clone|prompts"),
    "check_estimator_repr": (zero_shot(__repr__=lambda self: 1 / 0), "Repr of Broken failed"),
    "check_no_attributes_set_in_init": (Busy(), "ready"),
    "check_parameters_default_constructible": (Mutable(), "is of type list"),
    "check_get_params_invariance": (
        zero_shot(get_params=lambda self, deep=True: {} if deep else {"tta": None}),
        "^$",  # it says nothing
    ),
    "check_set_params": (zero_shot(set_params=lambda self, **params: self), "get_params"),
    "check_do_not_raise_errors_in_init_or_set_params": (Strict(), "prompts"),
    "check_valid_tag_types": (zero_shot(__sklearn_tags__=tagged(no_bool)), "Tag values"),
    "check_estimator_tags_renamed": (zero_shot(_more_tags=lambda self: {}), "_more_tags"),
    "check_mixin_order": (Misordered(), "Misordered"),
    "check_clone": (
        zero_shot(__sklearn_is_fitted__=lambda self: True),
        "a clone of a fitted Broken.*it is accepted",
    ),
    "check_not_fitted": (
        embedder(transform=lambda self, X: np.ones((len(X), 3))),
        "Broken.transform before fit: it is accepted",
    ),
    "check_parameter_validation": (
        zero_shot(fit=lambda self, X=None, y=None: self),
        r"Broken\(backbone=<object>\).fit: it is accepted",
    ),
    "check_html_repr": (zero_shot(_repr_html_=lambda self: ""), "lacks its name"),
    "check_image_tags": (
        zero_shot(__sklearn_tags__=tagged(two_d)),
        "the tag two_d_array is not true",
    ),
    "check_n_features_in": (
        zero_shot(fit=fit(after=setting(n_features_in_=3))),
        "has n_features_in_ without columns",
    ),
    "check_fit_returns_self": (
        zero_shot(fit=lambda self, X=None, y=None: None),
        "does not return self",
    ),
    "check_fit_keeps_parameters": (
        zero_shot(fit=fit(after=setting(batch_size=1))),
        r"changes the parameters \['batch_size'\]",
    ),
    "check_fit_adds_fitted_attributes_only": (
        zero_shot(fit=fit(after=setting(extra=1))),
        r"adds \['extra'\]",
    ),
    "check_fit_idempotent": (
        zero_shot(fit=fit(after=remembering), _logit_batches=logits(shifted)),
        "fitted twice: .* is off|fitted twice: predict",
    ),
    "check_refit_forgets": (
        zero_shot(fit=fit(after=remembering), _logit_batches=logits(shifted)),
        "fitted to other classes before",
    ),
    "check_random_state": (zero_shot(fit=fit(after=noisy)), "another global seed"),
    "check_global_random_state": (
        zero_shot(fit=fit(before=draw_one)),
        "fit draws from a global random state",
    ),
    "check_predictions_keep_state": (
        zero_shot(predict=predict_and_keep),
        r"change \['last_'\]",
    ),
    "check_copies": (PoorPickle("emoji-tiny"), "unpickled"),
    "check_pipeline": (
        zero_shot(fit=fit(after=numbered), _logit_batches=logits(shifted)),
        "in a pipeline",
    ),
}
CHECKS = {check.__name__: check for room in (_interface, _fitting) for check in room.CHECKS}
CHECKS |= {name: getattr(estimator_checks, name) for name in _suite._WITHOUT_DATA}


def test_every_check_has_a_case():
    assert set(BROKEN) == set(CHECKS)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", BROKEN)
def test_it_is_caught(name):
    estimator, message = BROKEN[name]
    with pytest.raises(Exception) as caught:
        CHECKS[name](type(estimator).__name__, estimator)
    assert re.search(message, str(caught.value), re.DOTALL), repr(caught.value)
