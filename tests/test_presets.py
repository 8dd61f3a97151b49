"""The papers' recipes."""

from __future__ import annotations

from sklift import LiftClassifier
from sklift.presets import LIFT, LIFT_PLUS
from sklift.training import resolve_optimizer


def test_the_default_is_lift_plus_but_for_what_depends_on_the_data():
    default = LiftClassifier().get_params()
    auto = dict.fromkeys(["head", "max_epochs", "batch_size"], "auto")
    assert {name: default[name] for name in LIFT_PLUS} == LIFT_PLUS | auto


def test_lift_differs_where_the_papers_do(quick, shapes):
    assert {k for k in LIFT if LIFT[k] != LIFT_PLUS[k]} == {"max_epochs", "lr", "augmentation"}
    clf = quick(**{**LIFT, "max_epochs": 1, "batch_size": 8}).fit(*shapes)
    assert clf.history_[0]["lr"] == LIFT["lr"]


def test_the_optimizer_is_that_of_the_papers():
    for preset in (LIFT, LIFT_PLUS):
        assert resolve_optimizer(preset["optimizer"]).get_params() == {
            "momentum": 0.9,
            "nesterov": False,
            "schedule": "cosine",
            "warmup_epochs": 0.0,
            "head_lr_factor": 1.0,
            "clip_grad_norm": None,
        }
