"""What a fit is told by: each part under its own name, and nothing else."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift._compute._plan import ComputePlan
from sklift._fitting import _code
from sklift._fitting._identity import identify
from sklift._fitting._sample import Sample
from sklift._fitting._settings import fit_settings

PLAN = ComputePlan(torch.device("cpu"), torch.float32, 128)


class Counts(Callback):
    """Has counted, after a fit, what it has not before."""

    seen = 0

    def __init__(self, every=1):
        self.every = every


def identity(
    plan=PLAN, weights="abc", X="pictures", classes=(0, 1), codes=(0, 1), weight=None, **p
):
    params = {"backbone": "emoji-tiny", "random_state": 0, **p}
    settings = fit_settings(LiftClassifier(**params).get_params(deep=False))
    sample = Sample(SimpleNamespace(identity=lambda: X), np.array(codes), weight, 3, np.array([]))
    backbone = SimpleNamespace(checksum=weights)
    return identify(settings, sample, np.array(classes), backbone, plan)


def differences(**changed) -> set[str]:
    one, other = identity(), identity(**changed)
    return {name for name in one.keys() | other.keys() if one.get(name) != other.get(name)}


def without_address(value) -> str:
    """Text of a case that is the same in all processes."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", str(value))


@pytest.mark.parametrize(
    ("changed", "name"),
    [
        ({"plan": replace(PLAN, accumulate=2)}, "compute"),
        ({"plan": replace(PLAN, compile=True)}, "compute"),
        ({"plan": replace(PLAN, precision=torch.bfloat16)}, "precision"),
        ({"plan": replace(PLAN, device=torch.device("cuda"))}, "device"),
        ({"weights": "abd"}, "backbone weights"),
        ({"X": "others"}, "X"),
        ({"classes": ("0", "1")}, "y"),
        ({"classes": (0, 2)}, "y"),
        ({"codes": (1, 0)}, "y"),
        ({"weight": np.ones(2)}, "sample_weight"),
        ({"random_state": None}, "random_state"),
        ({"lr": 0.1}, "lr"),
        ({"batch_size": 64}, "batch_size"),
        ({"backbone": "ViT-B-16"}, "backbone"),
        ({"pretrained": "laion2b"}, "pretrained"),
        ({"adapter__rank": 3}, "adapter"),
        ({"loss__tau": 0.5}, "loss"),
        ({"regularizer": "distillation"}, "regularizer"),
        ({"head__scale": 3}, "head"),
        ({"init": "random"}, "init"),
        ({"class_names": ["ant", "bee"]}, "class_names"),
        ({"prompts": "{}"}, "prompts"),
        ({"augmentation__least_area": 0.5}, "augmentation"),
        ({"reader__channels": "gray"}, "reader"),
        ({"optimizer__momentum": 0.5}, "optimizer"),
        ({"sampler": "balanced"}, "sampler"),
        ({"validation_fraction": 0.2}, "validation_fraction"),
        ({"net_params": {"drop_last": True}}, "net_params"),
        ({"net_params": {"callbacks": [Counts()]}}, "callbacks"),
        ({"net_params": {"callbacks": [("mine", Counts())]}}, "callbacks"),
    ],
    ids=without_address,
)
def test_what_counts(changed, name):
    assert differences(**changed) == {name}


@pytest.mark.parametrize(
    "changed",
    [
        {"tta": "fivecrop"},
        {"verbose": 1},
        {"warm_start": True},
        {"target_prior": "train"},
        {"checkpoint": "folder"},
        {"device": "cpu"},
        {"compute__num_workers": 2},
        {"compute__cache": False},
        {"plan": replace(PLAN, num_workers=2, recompute=True, cache=object())},
        {"net_params": {}},
        {"net_params": {"callbacks": []}},
        {"random_state": np.random.RandomState(5)},  # which has drawn the same seed
    ],
    ids=without_address,
)
def test_what_does_not_count(changed):
    assert not differences(**changed)


def test_versions_count(monkeypatch):
    before = identity()
    monkeypatch.setattr(_code, "_version", lambda name: "9.9")
    assert identity()["versions"] != before["versions"]


@pytest.mark.parametrize("named", [False, True])
def test_what_a_callback_has_counted_does_not_count(named, monkeypatch):
    def with_callback(callback):
        return {"net_params": {"callbacks": [("mine", callback) if named else callback]}}

    used = Counts()
    before = identity(**with_callback(used))
    used.seen_ = [1]
    monkeypatch.setattr(Counts, "seen", 7)
    assert identity(**with_callback(used)) == before == identity(**with_callback(Counts()))
    one, other = (identity(**with_callback(Counts(n))) for n in (1, 2))
    assert {name for name in one if one[name] != other[name]} == {"callbacks"}


def test_one_object_in_two_places_is_two_equal_ones():
    names = ["ant", "bee"]
    one = identity(class_names=names, classes=(0, 1), prompts=names)
    assert one == identity(class_names=names, classes=(0, 1), prompts=[*names])


def test_what_cannot_be_seen_is_named_and_never_the_same():
    unseen = {"class_names": (name for name in "ab")}
    with pytest.warns(UserWarning, match=r"class_names \(holds a generator\)") as record:
        one, other = identity(**unseen), identity(**unseen)
    assert len(record) == 2 and one["class_names"] != other["class_names"]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        identity()
