"""Our own battery, on every estimator of pictures."""

from __future__ import annotations

from unittest import SkipTest

import numpy as np
import pytest
from sklearn.exceptions import EstimatorCheckFailedWarning

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift.testing import _fitting, _outputs, _suite, check_image_estimator, yield_image_checks

FAST = {"max_epochs": 2, "batch_size": 8}
ESTIMATORS = [
    LiftClassifier("emoji-tiny", **FAST),
    ImageEmbedder("emoji-tiny"),
    ZeroShotClassifier("emoji-tiny"),
]
# Settings that have nothing to do with each other share a variant: the battery takes its time.
LORA = {"adapter": "lora", "early_stopping": True, "loss": "lade"}
VPT = {"adapter": "vpt", "sampler": "balanced", "target_prior": "train"}
HEAD = {"head": "linear", "init": "class_mean"}
FROZEN = {"adapter": None, **HEAD, "tta": "fivecrop", "compute__accumulate": 3}
VARIANTS = [
    *(LiftClassifier("emoji-tiny", **FAST, **settings) for settings in (LORA, VPT, FROZEN)),
    ImageEmbedder("emoji-tiny", tta="tencrop", projected=True),
]


class Softer(ZeroShotClassifier):
    """A subclass as a user may write it, with a parameter of its own."""

    _parameter_constraints = {**ZeroShotClassifier._parameter_constraints, "softness": [float]}

    def __init__(self, backbone="emoji-tiny", *, class_names=None, compute="auto", softness=2.0):
        super().__init__(backbone, class_names=class_names, compute=compute)
        self.softness = softness

    def _logit_batches(self, X):
        return super()._logit_batches(X).map(lambda logits: logits / self.softness)


CASES = [
    pytest.param(estimator, check, id=f"{type(estimator).__name__}-{check.__name__}")
    for estimator in ESTIMATORS
    for check in yield_image_checks(estimator)
]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("estimator", "check"), CASES)
def test_the_battery(estimator, check):
    check(type(estimator).__name__, estimator)


@pytest.mark.slow
@pytest.mark.parametrize("estimator", VARIANTS, ids=repr)
def test_variants(estimator):
    results = check_image_estimator(estimator)
    assert {result["status"] for result in results} == {"passed"}


def test_it_is_as_broad_as_that_of_scikit_learn():
    names = [check.__name__ for check in yield_image_checks(LiftClassifier("emoji-tiny"))]
    assert len(names) == len(set(names)) >= 55
    assert not set(names) & {"check_pandas_output", "check_transform"}


def test_a_subclass_of_a_user():
    estimator = Softer(softness=3.0)
    before = dict(vars(estimator))
    results = check_image_estimator(estimator)
    assert vars(estimator) == before  # the one that is given is left alone
    assert {result["status"] for result in results} == {"passed"}
    assert {result["check_name"] for result in results} == {
        check.__name__ for check in yield_image_checks(ZeroShotClassifier("emoji-tiny"))
    }


class Nameless(ImageEmbedder):
    """One check fails."""

    def get_feature_names_out(self, input_features=None):
        return ["same"] * self.n_features_out_


@pytest.fixture
def few(monkeypatch):
    """Three checks, the second of which fails."""
    chosen = [_fitting.check_copies, _outputs.check_feature_names_out, _outputs.check_transform]
    monkeypatch.setattr(_suite, "yield_image_checks", lambda estimator: iter(chosen))


def test_a_failure_is_raised_or_reported(few):
    estimator = Nameless("emoji-tiny")
    with pytest.raises(AssertionError, match="Nameless has 1 name for 192 features"):
        check_image_estimator(estimator)
    assert len(check_image_estimator(estimator, on_fail=None)) == 3
    with pytest.warns(EstimatorCheckFailedWarning, match="check_feature_names_out"):
        results = check_image_estimator(estimator, on_fail="warn")
    assert [result["status"] for result in results] == ["passed", "failed", "passed"]
    failed = results[1]
    assert failed["check_name"] == "check_feature_names_out"
    assert failed["estimator"] is estimator and not failed["expected_to_fail"]
    assert "1 name for 192 features" in str(failed["exception"])


def test_a_failure_may_be_expected(few):
    expected = {"check_feature_names_out": "all features are alike"}
    results = check_image_estimator(Nameless("emoji-tiny"), expected_failed_checks=expected)
    assert [result["status"] for result in results] == ["passed", "xfail", "passed"]
    assert [result["expected_to_fail_reason"] for result in results] == [
        None,
        "all features are alike",
        None,
    ]


def test_a_check_may_be_skipped(monkeypatch):
    def check_that_lacks_something(name, estimator):
        raise SkipTest("not installed")

    monkeypatch.setattr(_suite, "yield_image_checks", lambda _: [check_that_lacks_something])
    (result,) = check_image_estimator(ImageEmbedder("emoji-tiny"))
    assert result["status"] == "skipped" and str(result["exception"]) == "not installed"


def test_wrong_arguments():
    with pytest.raises(TypeError, match=r"give an instance: ImageEmbedder\(\)"):
        check_image_estimator(ImageEmbedder)
    with pytest.raises(ValueError, match="on_fail must be 'raise', 'warn' or None"):
        check_image_estimator(ImageEmbedder("emoji-tiny"), on_fail="stop")


def test_columns_of_flattened_pictures_are_not_those_of_another_fit():
    X = np.random.default_rng(0).integers(0, 256, (4, 8, 8), dtype=np.uint8)
    embedder = ImageEmbedder("emoji-tiny", reader__image_shape=(8, 8)).fit(X.reshape(4, 64))
    assert embedder.n_features_in_ == 64
    assert not hasattr(embedder.fit(X), "n_features_in_")
