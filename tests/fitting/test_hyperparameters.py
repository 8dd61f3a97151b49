"""Hyperparameters of a fit as plain values."""

from __future__ import annotations

import json

import numpy as np
import pytest

from sklift import LiftClassifier
from sklift._fitting._hyperparameters import hyperparameters
from sklift._fitting._settings import fit_settings


def found(**params):
    clf = LiftClassifier(**params)
    return hyperparameters(fit_settings(clf.get_params(deep=False)).with_length(1000))


def test_recipes_have_their_settings_and_auto_what_was_chosen():
    values = found(adapter__rank=8, loss="focal", lr=0.1)
    assert values["adapter"] == "AdaptFormer" and values["adapter__rank"] == 8
    assert values["loss"] == "Focal" and values["loss__gamma"] == 2.0 and values["lr"] == 0.1
    assert (values["max_epochs"], values["batch_size"]) == (5, 16)
    assert values["backbone"] == "ViT-B-16" and values["regularizer"] is None
    assert not {"net_params", "verbose", "device", "compute"} & set(values)


def test_all_are_plain_and_short():
    values = found(
        prompts=["a photo of {}"] * 500,
        class_names={"a": "b" * 999},
        classes=np.arange(2000),
        loss=pytest.raises,
        backbone=json.dumps(["x"] * 99),
    )
    assert all(v is None or isinstance(v, (bool, int, float, str)) for v in values.values())
    assert max(len(v) for v in values.values() if isinstance(v, str)) == 250
    assert values["classes"] == "ndarray" and values["loss__function"] == "raises"
