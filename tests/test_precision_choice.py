"""The precision that "auto" takes: by measurement in a fit, and as in the fit afterwards."""

from __future__ import annotations

import copy

import numpy as np
import pytest
import torch

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift._compute import _device, _product_speed
from sklift._compute._product_speed import ProductSpeeds
from sklift._fitting import _start

GAINS = {"float32": 0.6, "bfloat16": 2.0}


@pytest.fixture
def machine(monkeypatch):
    """A function that makes this another processor; it returns the widths that are measured."""

    def become(gain, way="instructions"):
        widths = []

        def fake(width):
            widths.append(width)
            return ProductSpeeds(1e11, gain * 1e11)

        monkeypatch.setattr(_device, "bfloat16_of_processor", lambda: way)
        monkeypatch.setattr(_product_speed, "measure", fake)
        monkeypatch.setattr(_product_speed, "_measured", {})
        return widths

    return become


@pytest.mark.parametrize("faster", ["float32", "bfloat16"])
def test_a_fit_takes_the_faster_one(quick, shapes, machine, faster, tmp_path):
    X, y = shapes
    widths = machine(GAINS[faster])
    clf = quick(compute__precision="auto").fit(X, y)
    assert clf.precision_ == faster and clf.net_.precision is getattr(torch, faster)
    assert widths == [192]  # once for the fit, and at the width of the blocks
    proba = clf.predict_proba(X)
    named = quick(compute__precision=faster).fit(X, y)
    np.testing.assert_array_equal(proba, named.predict_proba(X))
    # on a machine that would choose otherwise
    clf.save(tmp_path / "model.safetensors")
    other = machine(2.6 - GAINS[faster])
    loaded = LiftClassifier.load(tmp_path / "model.safetensors")
    assert loaded.precision_ == faster
    for same in (clf, loaded, copy.deepcopy(clf)):
        np.testing.assert_array_equal(same.predict_proba(X), proba)
    assert other == []
    assert loaded.fit(X, y).precision_ != faster and other == [192]


def test_a_setting_overrides_the_precision_of_the_fit(quick, shapes, machine):
    X, y = shapes
    machine(2.0)
    clf = quick(compute__precision="auto").fit(X, y)
    half = clf.predict_proba(X)
    full = clf.set_params(compute__precision="float32").predict_proba(X)
    assert not np.array_equal(half, full)
    np.testing.assert_allclose(half, full, atol=0.1)
    assert clf.precision_ == "bfloat16"


def test_without_instructions_a_model_of_bfloat16_predicts_in_float32(quick, shapes, machine):
    X, y = shapes
    machine(2.0)
    clf = quick(compute__precision="auto").fit(X, y)
    machine(2.0, way="none")
    proba = clf.predict_proba(X)
    clf.set_params(compute__precision="float32")
    np.testing.assert_array_equal(clf.predict_proba(X), proba)


def test_a_folder_makes_all_processes_choose_alike(quick, shapes, machine, tmp_path):
    X, y = shapes
    machine(2.0)
    settings = {"compute__precision": "auto", "compute__cache": tmp_path, "max_epochs": 1}
    first = quick(**settings).fit(X, y)
    widths = machine(0.6)  # as if measured again under load
    second = quick(**settings).fit(X, y)
    assert first.precision_ == second.precision_ == "bfloat16" and widths == []
    np.testing.assert_array_equal(first.predict_proba(X), second.predict_proba(X))


def test_more_training_may_choose_anew(quick, shapes, machine):
    X, y = shapes
    machine(2.0)
    clf = quick(compute__precision="auto", max_epochs=1, warm_start=True).fit(X, y)
    machine(0.6)
    assert clf.partial_fit(X, y).precision_ == "float32"
    machine(2.0)
    assert clf.fit(X, y).precision_ == "bfloat16"


@pytest.mark.parametrize("faster", ["float32", "bfloat16"])
def test_frozen_towers(shapes, machine, faster):
    X = shapes[0][:8]
    widths = machine(GAINS[faster])
    embedder = ImageEmbedder("emoji-tiny", compute__cache=False).fit()
    zero_shot = ZeroShotClassifier("emoji-tiny", compute__cache=False).fit(None, ["a", "b"])
    assert embedder.precision_ == zero_shot.precision_ == faster and widths == [192]
    features, proba = embedder.transform(X), zero_shot.predict_proba(X)
    machine(2.6 - GAINS[faster])
    np.testing.assert_array_equal(embedder.transform(X), features)
    np.testing.assert_array_equal(zero_shot.predict_proba(X), proba)
    named = embedder.set_params(compute__precision=faster)
    np.testing.assert_array_equal(named.transform(X), features)
    assert embedder.set_params(compute__precision="auto").fit().precision_ != faster


def test_precomputed_features_keep_their_own(machine):
    X, y = np.random.default_rng(0).normal(size=(12, 4)), np.repeat(["a", "b"], 6)
    widths = machine(2.0)
    for dtype in ("float32", "float64"):
        clf = LiftClassifier("precomputed", max_epochs=1, random_state=0).fit(X.astype(dtype), y)
        assert clf.precision_ == dtype
        clf.predict(X.astype("float32"))
    assert widths == []


def test_processes_of_a_fit_take_the_precision_of_the_first(quick, shapes, machine, monkeypatch):
    machine(2.0)
    monkeypatch.setattr(_start, "agreed", lambda net_params, value: torch.float32)
    clf = quick(compute__precision="auto", max_epochs=1).fit(*shapes)
    assert clf.precision_ == "float32" and clf.net_.precision is torch.float32


def test_the_width_is_that_of_the_blocks():
    from timm import create_model

    from sklift.backbones import Backbone, Preprocess, load_backbone

    assert load_backbone("emoji-tiny").width == 192
    look = Preprocess(32, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    resnet = create_model("resnet18", pretrained=False, num_classes=0)
    assert Backbone(resnet, look).width == 256  # of the block in the middle: 64, 128, 256, 512
    plain = torch.nn.Sequential(torch.nn.AvgPool2d(8), torch.nn.Flatten())
    assert Backbone(plain, look).width == 48
