"""Towers of open_clip, each by a real load of a small checkpoint."""

from __future__ import annotations

import json
import logging
import re
import shutil
from pathlib import Path

import open_clip
import pytest
import torch
from open_clip.transformer import QuickGELU
from torch import nn

import sklift.backbones as backbones
from sklift.backbones import BackboneSpec, OpenClip, load_backbone, resolve_spec
from sklift.backbones import _openclip as module

IMAGES = torch.randn(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


def activation(backbone):
    return type(backbone.tower.transformer.resblocks[0].mlp.gelu)


@pytest.mark.parametrize("file", ["plain.pt", "epoch_3.pt", "plain.safetensors"])
def test_local_checkpoint(file, checkpoint, tiny_model):
    backbone = load_backbone("Test-16", checkpoint / file)
    assert backbone.n_features == 64
    assert backbone.preprocess.size == 32
    assert backbone.preprocess.mean == open_clip.OPENAI_DATASET_MEAN
    assert backbone.preprocess.std == open_clip.OPENAI_DATASET_STD
    assert backbone.preprocess.interpolation == "bicubic"
    features = backbone.tower(IMAGES)
    assert features.shape == (2, 64)
    with torch.no_grad():
        expected = tiny_model.encode_image(IMAGES)
        texts = open_clip.get_tokenizer("Test-16")(["a cat", "two dogs"])
        text_features = tiny_model.encode_text(texts, normalize=True)
    torch.testing.assert_close(features @ backbone.projection, expected)
    torch.testing.assert_close(backbone.encode_texts(["a cat", "two dogs"]), text_features)
    assert backbone.logit_scale == pytest.approx(1 / 0.07)
    assert not backbone.tower.training
    assert not any(p.requires_grad for p in backbone.tower.parameters())
    assert not any(p.requires_grad for p in backbone.text.model.parameters())


def test_size_of_the_picture(checkpoint):
    backbone = load_backbone(OpenClip("Test-16", checkpoint / "plain.pt", image_size=48))
    assert backbone.preprocess.size == 48
    assert backbone.tower(torch.zeros(1, 3, 48, 48)).shape == (1, 64)


def test_statistics_and_filter_of_the_user(checkpoint):
    params = {"mean": [0.5] * 3, "std": (0.25, 0.5, 0.5), "interpolation": "bilinear"}
    preprocess = load_backbone(OpenClip("Test-16", checkpoint / "plain.pt", **params)).preprocess
    assert preprocess.mean == (0.5, 0.5, 0.5)
    assert preprocess.std == (0.25, 0.5, 0.5)
    assert preprocess.interpolation == "bilinear"


@pytest.mark.parametrize(
    "name, params, expected",
    [
        ("Test-16", {}, nn.GELU),
        ("Test-16-quickgelu", {}, QuickGELU),
        ("Test-16", {"quick_gelu": True}, QuickGELU),
        ("Test-16-quickgelu", {"quick_gelu": False}, nn.GELU),
    ],
)
def test_activation(name, params, expected, checkpoint):
    assert activation(load_backbone(OpenClip(name, checkpoint / "plain.pt", **params))) is expected


def test_wrong_architecture(checkpoint):
    message = r"backbone 'Test-8' can't take the weights .*plain.pt.*belongs to this model"
    with pytest.raises(ValueError, match=message):
        load_backbone("Test-8", checkpoint / "plain.pt")


@pytest.mark.parametrize("file", ["plain.pt", "plain.safetensors"])
@pytest.mark.parametrize("keep", [0, 5, 1000, 100_000])
def test_truncated_checkpoint(file, keep, checkpoint, tmp_path):
    broken = tmp_path / file
    broken.write_bytes((checkpoint / file).read_bytes()[:keep])
    with pytest.raises(ValueError, match=rf"'Test-16' can't take the weights .*{re.escape(file)}"):
        load_backbone("Test-16", broken)


def test_not_a_checkpoint(tmp_path):
    for name in ("notes.pt", "notes.safetensors"):
        (tmp_path / name).write_text("not weights at all\n" * 100)
        with pytest.raises(ValueError, match="can't take the weights"):
            load_backbone("Test-16", tmp_path / name)


def test_checkpoint_of_something_else(tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match="can't take the weights"):
        load_backbone("Test-16", tmp_path / "other.pt")


def test_a_new_file_is_not_taken_for_the_old_one(checkpoint, tiny_model, tmp_path):
    shutil.copy(checkpoint / "plain.pt", tmp_path / "weights.pt")
    first = load_backbone("Test-16", tmp_path / "weights.pt")
    assert load_backbone("Test-16", tmp_path / "weights.pt") is first
    state = {
        k: v + 0.01 if k == "visual.ln_post.bias" else v for k, v in tiny_model.state_dict().items()
    }
    torch.save({"state_dict": state}, tmp_path / "weights.pt")
    second = load_backbone("Test-16", tmp_path / "weights.pt")
    assert second is not first
    assert second.checksum != first.checksum


@pytest.fixture
def folder(tiny_config, checkpoint, tmp_path):
    preprocess = {"mean": [0.1, 0.2, 0.3], "std": [0.4, 0.5, 0.6], "interpolation": "bilinear"}
    config = {"model_cfg": tiny_config, "preprocess_cfg": preprocess}
    (tmp_path / "open_clip_config.json").write_text(json.dumps(config))
    shutil.copy(checkpoint / "plain.safetensors", tmp_path / "open_clip_model.safetensors")
    return tmp_path


def test_local_folder(folder, tiny_model):
    backbone = load_backbone(f"local-dir:{folder}")
    assert backbone.preprocess.mean == (0.1, 0.2, 0.3)
    assert backbone.preprocess.std == (0.4, 0.5, 0.6)
    assert backbone.preprocess.interpolation == "bilinear"
    with torch.no_grad():
        expected = tiny_model.encode_image(IMAGES)
    torch.testing.assert_close(backbone.tower(IMAGES) @ backbone.projection, expected)
    assert backbone.encode_texts(["a cat"]).norm(dim=1) == pytest.approx(1, abs=1e-6)


def test_local_folder_with_the_users_settings(folder):
    params = {"mean": [0.5] * 3, "quick_gelu": True}
    backbone = load_backbone(OpenClip(f"local-dir:{folder}", **params))
    assert backbone.preprocess.mean == (0.5, 0.5, 0.5)
    assert activation(backbone) is QuickGELU


def test_local_folder_that_lacks_something(folder, tmp_path):
    (folder / "open_clip_model.safetensors").unlink()
    with pytest.raises(ValueError, match="local-dir:"):
        load_backbone(f"local-dir:{folder}")
    with pytest.raises(ValueError, match="local-dir:"):
        load_backbone(f"local-dir:{tmp_path / 'nowhere'}")


def test_unknown_model():
    with pytest.raises(ValueError, match=r"unknown backbone 'ViT-B-61'. Did you mean .*'ViT-B-16'"):
        load_backbone("ViT-B-61")


@pytest.mark.parametrize("name", ["resnet50", "vit_tiny_patch16_224", "resnet50.a1_in1k"])
def test_a_model_of_timm_without_its_prefix(name):
    with pytest.raises(ValueError, match=rf"unknown backbone '{name}'. Did you mean 'timm/{name}'"):
        load_backbone(name)


def test_unknown_tag_lists_those_there_are():
    with pytest.raises(
        ValueError, match="'nonsense' is neither a tag of 'ViT-B-16' nor a file"
    ) as e:
        load_backbone("ViT-B-16", "nonsense")
    assert "'laion2b_s34b_b88k'" in str(e.value)


def test_missing_file():
    with pytest.raises(ValueError, match=r"'/nowhere/weights.pt' is neither a tag .* nor a file"):
        load_backbone("Test-16", "/nowhere/weights.pt")


def test_unknown_params(checkpoint):
    spec = BackboneSpec("Test-16", str(checkpoint / "plain.pt"), (("quickgelu", True),))
    with pytest.raises(ValueError, match=r"has no settings \['quickgelu'\]; choose from"):
        load_backbone(spec)


@pytest.mark.parametrize("pretrained", [None, False, True, 3, ""])
def test_weights_must_be_named(pretrained):
    with pytest.raises(ValueError, match="give a tag or a checkpoint file"):
        load_backbone("ViT-B-16", pretrained)


def test_auto_is_a_fixed_tag():
    for name, tag in module.RECOMMENDED.items():
        assert resolve_spec(name) == BackboneSpec(name, tag)
        assert tag in open_clip.list_pretrained_tags_by_model(name)
    assert resolve_spec("ViT-B-16-SigLIP").pretrained == "webli"  # the only tag there is
    with pytest.raises(ValueError, match=r"no recommended weights; choose pretrained from \["):
        resolve_spec("convnext_base_w")


@pytest.mark.parametrize(
    "name, tag, loaded, quick",
    [
        ("ViT-B-16", "openai", "ViT-B-16", True),
        ("ViT-B-16-quickgelu", "openai", "ViT-B-16-quickgelu", True),
        ("ViT-B-16", "laion2b_s34b_b88k", "ViT-B-16", False),
        ("ViT-B-32", "laion400m_e32", "ViT-B-32", True),
        ("ViT-H-14", "laion2b_s32b_b79k", "ViT-H-14", False),
    ],
)
def test_activation_follows_the_tag(name, tag, loaded, quick, monkeypatch, tmp_path):
    monkeypatch.setattr(module, "cached_file", lambda *names: tmp_path)
    got_name, file, settings, _ = module._resolve_tag(open_clip, BackboneSpec(name, tag))
    assert (got_name, file) == (loaded, str(tmp_path))
    assert settings.get("quick_gelu", False) is quick


@pytest.mark.slow
def test_a_model_that_comes_with_open_clip(tmp_path):
    torch.manual_seed(0)
    model = open_clip.create_model("ViT-S-32-alt").eval()
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    backbone = load_backbone("ViT-S-32-alt", tmp_path / "weights.pt")
    x = torch.randn(1, 3, 224, 224)
    assert backbone.n_features == 384
    with torch.no_grad():
        expected = model.encode_image(x)
    torch.testing.assert_close(backbone.tower(x) @ backbone.projection, expected)


def test_only_open_clip_is_quiet(checkpoint, caplog, monkeypatch):
    """What others log in the meantime is heard, in the root logger as well."""
    create, path = open_clip.create_model, str(checkpoint / "plain.pt")

    def talkative(*args, **kwargs):
        logging.getLogger("others").info("from a logger of its own")
        logging.warning("from the root logger")
        return create(*args, **kwargs)

    caplog.set_level(logging.INFO)
    create("Test-16", path)
    assert any(Path(record.pathname).parent.name == "open_clip" for record in caplog.records)
    caplog.clear()
    monkeypatch.setattr(open_clip, "create_model", talkative)
    monkeypatch.setattr(backbones, "_loaded", {})
    load_backbone("Test-16", path)
    assert caplog.messages == ["from a logger of its own", "from the root logger"]
    assert logging.getLogger().filters == []
    create("Test-16", path)
    assert len(caplog.messages) > 2
