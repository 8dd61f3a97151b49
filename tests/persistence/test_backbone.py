"""The backbone a file asks for must be there, and be the same."""

from __future__ import annotations

import numpy as np
import pytest
import timm
from safetensors.torch import save_file

import sklift.backbones as backbones
from sklift import ImageEmbedder, LiftClassifier

MODEL = "test_vit"


@pytest.fixture
def checkpoint(tmp_path):
    path = tmp_path / "weights.safetensors"
    save_file(timm.create_model(MODEL, num_classes=0).state_dict(), path)
    return path


@pytest.fixture
def saved(checkpoint, shapes, tmp_path):
    est = LiftClassifier(f"timm/{MODEL}", pretrained=str(checkpoint), max_epochs=1, random_state=0)
    est.fit(*shapes).save(tmp_path / "model")
    return est, tmp_path / "model"


def test_a_checkpoint_is_found_where_it_was(saved, shapes, monkeypatch, tmp_path_factory):
    est, path = saved
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    loaded = LiftClassifier.load(path)
    assert np.array_equal(loaded.predict_proba(shapes[0]), est.predict_proba(shapes[0]))
    assert loaded.pretrained == est.pretrained


def test_a_relative_path_is_made_absolute(checkpoint, shapes, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(checkpoint.parent)
    est = ImageEmbedder(f"timm/{MODEL}", pretrained=checkpoint.name).fit()
    est.save(checkpoint.parent / "model")
    expected = est.transform(shapes[0])
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    loaded = ImageEmbedder.load(checkpoint.parent / "model")
    assert loaded.pretrained == str(checkpoint)
    assert np.array_equal(loaded.transform(shapes[0]), expected)


def test_a_checkpoint_that_was_moved(saved, checkpoint, shapes):
    est, path = saved
    expected = est.predict_proba(shapes[0])
    moved = checkpoint.rename(checkpoint.with_name("moved.safetensors"))
    with pytest.raises(ValueError, match=r"model'.*can't be loaded.*was moved.*pretrained=\.\.\."):
        LiftClassifier.load(path)
    loaded = LiftClassifier.load(path, pretrained=moved)
    assert loaded.pretrained == moved
    assert np.array_equal(loaded.predict_proba(shapes[0]), expected)


def test_other_weights_are_refused(saved, checkpoint):
    _, path = saved
    checkpoint.unlink()
    save_file(timm.create_model(MODEL, num_classes=0).state_dict(), checkpoint)
    with pytest.raises(ValueError, match=r"weights of backbone timm/test_vit.*differ.*checksum"):
        LiftClassifier.load(path)


def test_other_preprocessing_is_refused(saved, monkeypatch):
    _, path = saved
    load = backbones._load

    def changed(spec):
        backbone = load(spec)
        object.__setattr__(backbone.preprocess, "mean", (0.1, 0.2, 0.3))
        return backbone

    monkeypatch.setattr(backbones, "_load", changed)
    monkeypatch.setattr(backbones, "_loaded", {})
    with pytest.raises(ValueError, match=r"takes other pictures than it did: .*0\.1, 0\.2, 0\.3"):
        LiftClassifier.load(path)


def test_auto_means_other_weights_by_now(saved, checkpoint, tmp_path):
    """The tag that was used is written down, and put in the place of the word."""
    est, path = saved
    est.pretrained = "auto"
    est.save(path)
    assert LiftClassifier.load(path).pretrained == str(checkpoint)


def test_a_name_that_was_set_after_the_fit_is_not_looked_up(saved):
    est, path = saved
    est.set_params(backbone="convnext_base_w", pretrained="auto")  # has no recommended weights
    est.save(path)
    assert LiftClassifier.load(path).get_params()["backbone"] == "convnext_base_w"
