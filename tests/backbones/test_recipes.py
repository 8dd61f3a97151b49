"""Recipes of towers that are known by name."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift.backbones import (
    BACKBONES,
    OpenClip,
    OwnTower,
    Timm,
    load_backbone,
    resolve_backbone,
    resolve_spec,
)

SETTINGS = {"max_epochs": 1, "batch_size": 8, "random_state": 0, "compute__precision": "float32"}


@pytest.fixture(params=["Test-16", "timm/test_vit"])
def named(request, checkpoint, tmp_path):
    """A name, its weights, and the recipe of both."""
    if request.param == "Test-16":
        weights = str(checkpoint / "plain.pt")
        return request.param, weights, OpenClip("Test-16", weights)
    import timm

    torch.manual_seed(0)
    weights = str(tmp_path / "weights.pt")
    torch.save(timm.create_model("test_vit").state_dict(), weights)
    return request.param, weights, Timm("test_vit", weights)


def test_a_recipe_equals_the_name(named, shapes):
    name, weights, recipe = named
    assert load_backbone(recipe) is load_backbone(name, weights)  # one tower in the process
    anew = recipe.load()
    assert anew is not load_backbone(recipe) and anew.checksum == load_backbone(recipe).checksum
    one = LiftClassifier(name, pretrained=weights, **SETTINGS).fit(*shapes)
    other = LiftClassifier(recipe, **SETTINGS).fit(*shapes)
    assert np.array_equal(one.predict_proba(shapes[0]), other.predict_proba(shapes[0]))


def test_a_recipe_in_a_file(named, shapes, tmp_path):
    _, weights, recipe = named
    est = LiftClassifier(clone(recipe).set_params(mean=[0.1, 0.2, 0.3]), **SETTINGS).fit(*shapes)
    expected = est.predict_proba(shapes[0])
    est.save(tmp_path / "model")
    loaded = LiftClassifier.load(tmp_path / "model")
    assert repr(loaded.backbone) == repr(est.backbone)
    assert np.array_equal(loaded.predict_proba(shapes[0]), expected)
    moved = tmp_path / "moved.pt"
    moved.write_bytes(Path(weights).read_bytes())
    for given in ({"pretrained": moved}, {"backbone": clone(est.backbone)}):
        loaded = LiftClassifier.load(tmp_path / "model", **given)
        assert loaded.pretrained == "auto"
        assert loaded.backbone.pretrained == given.get("pretrained", weights)
        assert np.array_equal(loaded.predict_proba(shapes[0]), expected)
    with pytest.raises(ValueError, match="takes other pictures than it did"):
        LiftClassifier.load(tmp_path / "model", backbone=recipe)


def test_auto_in_a_recipe_means_other_weights_by_now(named, shapes, tmp_path):
    """The tag that was used is written down, and put in the place of the word."""
    _, weights, recipe = named
    est = ImageEmbedder(recipe).fit()
    fitted = LiftClassifier(recipe, **SETTINGS).fit(*shapes)
    est.save(tmp_path / "embedder")
    fitted.backbone = clone(recipe).set_params(pretrained="auto")
    if isinstance(recipe, Timm):
        fitted.save(tmp_path / "model")
        assert LiftClassifier.load(tmp_path / "model").backbone.pretrained == weights
    assert ImageEmbedder.load(tmp_path / "embedder").backbone.pretrained == weights


@pytest.mark.parametrize("cls", [LiftClassifier, ImageEmbedder, ZeroShotClassifier])
def test_settings_of_a_name(cls):
    est = cls("ViT-B-16").set_params(backbone__image_size=336)
    assert est.get_params()["backbone__image_size"] == 336
    assert repr(est.backbone) == "OpenClip(image_size=336, name='ViT-B-16')"
    est = cls().set_params(backbone="timm/test_vit", backbone__pretrained="r160_in1k")
    assert repr(est.backbone) == "Timm(name='test_vit', pretrained='r160_in1k')"
    with pytest.raises(ValueError, match="backbone='emoji-tiny' has no settings"):
        cls("emoji-tiny").set_params(backbone__image_size=64)
    with pytest.raises(ValueError, match="'size'"):
        cls().set_params(backbone__size=64)


def test_the_table_holds_what_names_mean():
    assert {type(resolve_backbone(n)) for n in ("ViT-B-16", "timm/test_vit")} == {
        *BACKBONES.values()
    }
    assert resolve_spec(Timm("timm/test_vit")) == resolve_spec("timm/test_vit")


@pytest.mark.parametrize(
    ("backbone", "error", "message"),
    [
        (OpenClip("emoji-tiny"), ValueError, "no model of open_clip: give backbone='emoji-tiny'"),
        (OpenClip("timm/resnet18"), ValueError, r"no model of open_clip: give Timm\('resnet18'\)"),
        (OpenClip(3), TypeError, "backbone must be a name, got 3"),
        (Timm(None), TypeError, "Timm: name must be that of a model, got None"),
        (Timm("resnet81"), ValueError, "unknown timm model 'resnet81'. Did you mean"),
        (OpenClip, TypeError, r"must be an instance, not a class: pass OpenClip\(\.\.\.\)"),
        (nn.Identity(), ValueError, r"does not say what pictures it takes.*OwnTower\(module"),
    ],
)
def test_what_is_no_backbone(backbone, error, message):
    with pytest.raises(error, match=message):
        resolve_spec(backbone)


@pytest.mark.parametrize("pretrained", ["openai", None])
def test_weights_belong_in_the_recipe(pretrained):
    message = rf"put it there: OpenClip\(\.\.\., pretrained={pretrained!r}\)"
    with pytest.raises(ValueError, match=message):
        load_backbone(OpenClip("ViT-B-16"), pretrained)
    with pytest.raises(ValueError, match=r"leave pretrained at 'auto'$"):
        load_backbone(OwnTower(nn.Flatten(), 4, [0] * 3, [1] * 3), pretrained)
