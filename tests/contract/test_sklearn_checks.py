"""scikit-learn's own battery, on features that were computed before."""

from __future__ import annotations

import pytest
from sklearn.exceptions import SkipTestWarning
from sklearn.utils import get_tags
from sklearn.utils.estimator_checks import check_estimator, parametrize_with_checks

from sklift import ImageEmbedder, LiftClassifier, MultilabelClassifier, ZeroShotClassifier
from sklift.losses import LOSSES
from sklift.testing import EXPECTED_FAILED_CHECKS

# What draws or holds out samples can't treat a weight of two like a sample given twice.
DRAWN = {"check_sample_weight_equivalence_on_dense_data": "samples are drawn at random"}
# Settings that have nothing to do with each other share a variant: the battery takes its time.
VARIANTS = {
    "feature": ({"adapter": "feature", "batch_size": 128, "max_epochs": 5}, {}),
    "linear, class-balanced": ({"head": "linear", "loss": "class_balanced"}, {}),
    "l2norm, balanced softmax": ({"head": "l2norm", "loss": "balanced_softmax"}, {}),
    "adamw, cross-entropy": ({"optimizer": "adamw", "loss": "cross_entropy"}, {}),
    "in parts, clipped, focal": (
        {"compute__accumulate": 3, "optimizer__clip_grad_norm": 1.0, "loss": "focal"},
        {},
    ),
    "target prior, LADE": ({"target_prior": "train", "loss": "lade"}, {}),
    "bfloat16, reweighted": (
        {"compute__precision": "bfloat16", "loss": "generalized_reweight"},
        {},
    ),
    "LDAM": ({"loss": "ldam"}, {}),
    "balanced, held out": (
        {"sampler": "balanced", "head": "cosine", "validation_fraction": 0.3},
        DRAWN,
    ),
    "sqrt, stopped early": ({"sampler": "sqrt", "head": "cosine", "early_stopping": True}, DRAWN),
}


def test_every_loss_has_a_variant():
    chosen = {params["loss"] for params, _ in VARIANTS.values() if "loss" in params}
    assert chosen | {LiftClassifier().loss} == set(LOSSES)


@parametrize_with_checks(
    [LiftClassifier("precomputed")], expected_failed_checks=lambda _: EXPECTED_FAILED_CHECKS
)
def test_the_battery(estimator, check):
    check(estimator)


def test_nothing_is_expected_to_fail():
    assert EXPECTED_FAILED_CHECKS == {}


def run(estimator, expected=None):
    results = check_estimator(
        estimator, expected_failed_checks=expected, on_fail=None, on_skip=None
    )
    by_status = {}
    for result in results:
        by_status.setdefault(result["status"], set()).add(result["check_name"])
    return results, by_status


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(("params", "expected"), VARIANTS.values(), ids=VARIANTS)
def test_variants(params, expected):
    results, by_status = run(LiftClassifier("precomputed", **params), expected)
    assert len(results) >= 61
    assert by_status.get("failed", set()) == set()
    assert by_status.get("xfail", set()) == set(expected)
    assert by_status.get("skipped", set()) <= {"check_array_api_input"}


@pytest.mark.parametrize("cls", [LiftClassifier, ImageEmbedder, ZeroShotClassifier])
def test_what_it_runs_on_estimators_of_pictures(cls):
    with pytest.warns(SkipTestWarning, match="Can't test estimator"):
        results, by_status = run(cls("emoji-tiny"))
    assert results and set(by_status) == {"passed"}


# They give y as a column that holds other numbers than 0 and 1, or texts, or no column: one label a
# picture, which is no input of an estimator of several.
ONE_LABEL = {
    "check_classifier_data_not_an_array",
    "check_classifier_not_supporting_multiclass",
    "check_classifiers_classes",
    "check_classifiers_one_label",
    "check_classifiers_one_label_sample_weights",
    "check_classifiers_regression_target",
    "check_classifiers_train",
    "check_decision_proba_consistency",
    "check_estimators_dtypes",
    "check_fit2d_1feature",
    "check_sample_weights_not_an_array",
    "check_sample_weights_not_overwritten",
    "check_sample_weights_pandas_series",
    "check_sample_weights_shape",
}


@pytest.mark.filterwarnings("ignore")
def test_several_labels():
    results, by_status = run(MultilabelClassifier("precomputed", max_epochs=1, random_state=0))
    wrong = [r for r in results if r["status"] == "failed"]
    assert {r["check_name"] for r in wrong} <= ONE_LABEL
    assert len(by_status["passed"]) >= 40
    multilabel = {name for name in by_status["passed"] if "multilabel" in name}
    assert len(multilabel) == 4


def test_no_tag_gets_round_a_check():
    tags = get_tags(LiftClassifier("precomputed"))
    assert not (tags.no_validation or tags.non_deterministic or tags._skip_test)
    assert not tags.classifier_tags.poor_score
    assert tags.input_tags.two_d_array and not tags.input_tags.three_d_array
    assert not tags.input_tags.string and not tags.input_tags.allow_nan
