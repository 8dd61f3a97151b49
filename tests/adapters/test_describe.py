"""Descriptions of towers: what they say is what a model then trains."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sklift import LiftClassifier
from sklift._model import TunedModel
from sklift.adapters import ADAPTERS, describe, suitable
from sklift.backbones import Backbone, OwnTower, Preprocess
from sklift.heads import Cosine

HALF = (0.5, 0.5, 0.5)
KINDS = {
    "timm_vit": ("VisionTransformer", {"Block": 3}, "for more keys and any tokens"),
    "clip_resnet": ("residual blocks of convolutions", {"Bottleneck": 4}, "of known names"),
    "timm_swin": ("known by their kinds alone", {"SwinTransformerBlock": 3}, "blocks or layers"),
}


@pytest.mark.parametrize("family", KINDS)
def test_numbers_are_those_of_a_model(family, make_backbone):
    backbone = make_backbone(family)
    told = describe(backbone, n_classes=40, seconds=0)
    assert {*told.trained, "none"} == set(suitable(backbone.open()))
    assert {*told.trained, *told.unfit, "none"} == set(ADAPTERS)
    for kind in ("lora", "bitfit", "ssf", "feature"):
        model = TunedModel(backbone, ADAPTERS[kind](), Cosine(), 40)
        assert told.trained[kind] == model.n_trainable_params - 40 * backbone.n_features
        assert told.ranks.get(kind) == getattr(model.adapter, "rank", None)
    assert told.n_weights == sum(p.numel() for p in backbone.tower.parameters())
    assert told.n_bytes == 4 * told.n_weights and told.n_features == backbone.n_features
    assert told.blocks == KINDS[family][1] and KINDS[family][2] in told.kind
    assert told.keeps_tokens == (family == "timm_vit")
    assert not any(p.requires_grad for p in backbone.tower.parameters())


def test_sites(make_backbone):
    assert describe(make_backbone("timm_vit"), seconds=0).sites == {
        "matrices": 12,
        "convolutions": 0,
        "norms": 6,
    }
    told = describe(make_backbone("timm_convnext"), seconds=0)
    assert told.sites == {"matrices": 8, "convolutions": 4, "norms": 4}


def test_a_tower_that_is_not_known():
    """What fits and what does not, and why."""
    chain = nn.Sequential(nn.Conv2d(3, 4, 8, 8, bias=False), nn.Flatten(), nn.Linear(16, 5, False))
    told = describe(OwnTower(chain, 16, HALF, HALF), seconds=0)
    assert set(told.trained) == {"lora", "rslora", "dora", "sparse", "full", "half", "feature"}
    assert told.unfit["bitfit"] == "no block has a bias"
    assert told.unfit["ssf"] == told.unfit["layer_norm"] == "no block has a norm"
    assert told.unfit["vpt"].startswith("its blocks are no transformer blocks with parts of known")
    text = str(told)
    assert "1 Conv2d, 1 Linear: blocks or layers whose parts are known" in text
    assert "1 matrices, 1 convolutions\n" in text and "computed in each epoch" in text
    assert "speed" not in text


def test_a_tower_without_layers():
    pool = nn.Sequential(nn.AdaptiveAvgPool2d(2), nn.Flatten())
    told = describe(Backbone(pool, Preprocess(16, HALF, HALF)), seconds=0)
    assert set(told.trained) == {"feature"} and told.kind == "none"
    assert set(told.unfit.values()) == {
        "the tower has no matrices, convolutions or norms that could be trained"
    }
    assert "sites" not in str(told)


def test_speed(monkeypatch, make_backbone):
    """The best pass counts, and they go on until the time is over."""
    from sklift.adapters import _describe

    times, now = iter([9.0, 4.0, 0.5, 2.0, 1.0]), [0.0]

    def timed(function, x):
        assert tuple(x.shape) == (8, 3, 32, 32)
        assert function(x).shape == (8, 8 * 4)
        now[0] += (took := next(times))
        return took

    monkeypatch.setattr(_describe, "_timed", timed)
    monkeypatch.setattr(_describe.time, "perf_counter", lambda: now[0])
    told = describe(make_backbone("timm_vit"), seconds=6, device="cpu")
    assert told.images_per_second == 16.0 and next(times) == 1.0
    assert "speed           16 pictures a second, frozen, on cpu\n" in str(told)


@pytest.mark.parametrize(
    ("settings", "error", "message"),
    [
        ({"n_classes": 1}, ValueError, "n_classes == 1, must be >= 2"),
        ({"n_classes": 2.5}, TypeError, "n_classes must be an instance of int"),
        ({"seconds": -1}, ValueError, "seconds == -1"),
        ({"device": "abacus"}, ValueError, "device='abacus' is not a device"),
    ],
)
def test_wrong_settings(settings, error, message):
    with pytest.raises(error, match=message):
        describe("emoji-tiny", **settings)
    with pytest.raises(ValueError, match="'ViT-B-61'"):
        describe("ViT-B-61")


def test_it_draws_nothing_and_takes_no_estimator():
    before = torch.get_rng_state()
    describe("emoji-tiny", seconds=0.001)
    assert torch.equal(before, torch.get_rng_state())
    with pytest.raises(TypeError, match="backbone is a LiftClassifier: give its backbone"):
        describe(LiftClassifier("emoji-tiny"))
