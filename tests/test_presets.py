"""The papers' recipes."""

from __future__ import annotations

from sklift import LiftClassifier
from sklift.presets import LIFT, LIFT_PLUS


def test_the_default_is_lift_plus():
    default = LiftClassifier().get_params()
    assert {name: default[name] for name in LIFT_PLUS} == LIFT_PLUS


def test_lift_differs_where_the_papers_do(quick, shapes):
    assert {k for k in LIFT if LIFT[k] != LIFT_PLUS[k]} == {"max_epochs", "lr", "augmentation"}
    clf = quick(**{**LIFT, "max_epochs": 1, "batch_size": 8}).fit(*shapes)
    assert clf.history_[0]["lr"] == LIFT["lr"]
