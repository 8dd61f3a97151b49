"""Vision-only towers of timm, each by a real load of a small checkpoint."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from timm.layers import QuickGELU
from timm.models.vision_transformer import VisionTransformer
from torch import nn

from sklift import ImageEmbedder
from sklift.backbones import BackboneSpec, Timm, load_backbone, resolve_spec
from sklift.backbones import _timm as module


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    """The state dict of "test_vit" with its classifier of 1000 classes, in both formats."""
    folder = tmp_path_factory.mktemp("timm")
    torch.manual_seed(0)
    model = timm.create_model("test_vit").eval()
    torch.save(model.state_dict(), folder / "weights.pt")
    save_file(model.state_dict(), folder / "weights.safetensors")
    return folder, model


@pytest.mark.parametrize("file", ["weights.pt", "weights.safetensors"])
def test_local_checkpoint(file, checkpoint):
    folder, model = checkpoint
    backbone = load_backbone("timm/test_vit", folder / file)
    x = torch.randn(2, 3, 160, 160, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = model.forward_head(model.forward_features(x), pre_logits=True)
    torch.testing.assert_close(backbone.tower(x), expected)
    assert backbone.n_features == 64
    assert len(backbone.open().blocks) == 6
    assert backbone.text is None and backbone.projection is None
    with pytest.raises(ValueError, match="has no text tower"):
        backbone.encode_texts(["a cat"])


def test_preprocessing_follows_the_configuration(checkpoint):
    preprocess = load_backbone("timm/test_vit", checkpoint[0] / "weights.pt").preprocess
    config = timm.get_pretrained_cfg("test_vit")
    assert (preprocess.size, preprocess.mean, preprocess.std, preprocess.interpolation) == (
        config.input_size[-1],
        config.mean,
        config.std,
        config.interpolation,
    )


def test_settings_of_the_user(checkpoint):
    params = {"mean": [0.1] * 3, "std": [0.2] * 3, "interpolation": "bilinear", "image_size": 64}
    backbone = load_backbone(Timm("test_vit", checkpoint[0] / "weights.pt", **params))
    assert backbone.preprocess.mean == (0.1, 0.1, 0.1)
    assert backbone.preprocess.std == (0.2, 0.2, 0.2)
    assert backbone.preprocess.interpolation == "bilinear"
    assert backbone.preprocess.size == 64
    assert backbone.tower(torch.zeros(1, 3, 64, 64)).shape == (1, 64)


def test_a_large_picture_is_not_computed_to_count_its_features(checkpoint, monkeypatch):
    """A short model file may name any size: its features would take hours and gigabytes."""
    used, real = [], nn.Module.__call__

    def counted(module, *given, **named):
        used.extend(g.device.type for g in given if torch.is_tensor(g) and g.shape[-1] == 2048)
        return real(module, *given, **named)

    monkeypatch.setattr(nn.Module, "__call__", counted)
    backbone = load_backbone(Timm("test_vit", checkpoint[0] / "weights.pt", image_size=2048))
    assert {*used} == {"meta"} and backbone.n_features == 64 and backbone.preprocess.size == 2048


def test_size_of_a_tower_of_convolutions(tmp_path):
    weights = timm.create_model("test_resnet").state_dict()
    torch.save(weights, tmp_path / "weights.pt")
    backbone = load_backbone(Timm("test_resnet", tmp_path / "weights.pt", image_size=64))
    loaded = backbone.tower.state_dict()  # the trial has left the running statistics alone
    assert loaded and all(torch.equal(loaded[name], weights[name]) for name in loaded)
    assert backbone.preprocess.size == 64
    assert backbone.tower(torch.zeros(1, 3, 64, 64)).shape == (1, backbone.n_features)
    assert backbone.open().blocks


def test_vit_tiny(tmp_path):
    torch.save(timm.create_model("vit_tiny_patch16_224").state_dict(), tmp_path / "weights.pt")
    backbone = load_backbone("timm/vit_tiny_patch16_224", tmp_path / "weights.pt")
    assert backbone.n_features == 192
    assert backbone.preprocess.mean == (0.5, 0.5, 0.5)
    assert len(backbone.open().blocks) == 12


@pytest.mark.parametrize("name", ["mobilenetv3_small_050", "inception_next_atto"])
def test_width_beyond_num_features(name, tmp_path):
    """A head that widens the features once more."""
    model = timm.create_model(name)
    torch.save(model.state_dict(), tmp_path / "weights.pt")
    embedder = ImageEmbedder(f"timm/{name}", pretrained=tmp_path / "weights.pt")
    X = np.zeros((2, 32, 32, 3), np.uint8)
    table = embedder.set_output(transform="pandas").fit_transform(X)
    assert table.shape == (2, embedder.n_features_out_)
    assert embedder.n_features_out_ == model.head_hidden_size != model.num_features


def test_a_tower_without_features(monkeypatch, checkpoint):
    monkeypatch.setattr(VisionTransformer, "forward_head", lambda self, x, pre_logits=False: x)
    with pytest.raises(ValueError, match=r"backbone 'timm/test_vit' gives \(1, 101, 64\)"):
        module.load_timm(BackboneSpec("timm/test_vit", str(checkpoint[0] / "weights.pt")))


@pytest.mark.parametrize(
    "name, tag, expected",
    [
        ("vit_base_patch16_clip_224", "openai", True),
        ("vit_base_patch16_clip_224", "openai_ft_in1k", False),
        ("vit_base_patch16_clip_224", "laion2b", False),
        ("vit_base_patch16_clip_quickgelu_224", "openai", False),
    ],
)
def test_activation_of_the_weights(name, tag, expected):
    """Tags that timm lists under a model with GELU, though they are of one with QuickGELU."""
    config = timm.get_pretrained_cfg(f"{name}.{tag}")
    assert config is not None
    assert module._wants_quick_gelu(name, config.notes) is expected


@pytest.mark.parametrize("notes", [None, ("natively QuickGELU, use quickgelu model variant",)])
def test_activation_follows_the_note(notes, checkpoint, monkeypatch):
    config = replace(timm.get_pretrained_cfg("test_vit.r160_in1k"), notes=notes)
    monkeypatch.setattr(timm, "get_pretrained_cfg", lambda name: config)
    monkeypatch.setattr(module, "cached_file", lambda *names: checkpoint[0] / "weights.pt")
    backbone = module.load_timm(BackboneSpec("timm/test_vit", "r160_in1k"))
    act = backbone.tower.blocks[0].mlp.act
    assert isinstance(act, nn.GELU if notes is None else QuickGELU)


def test_checkpoint_of_another_model(checkpoint, tmp_path):
    with pytest.raises(ValueError, match=r"'timm/test_vit3' can't take the weights"):
        load_backbone("timm/test_vit3", checkpoint[0] / "weights.pt")
    torch.save({"weight": torch.zeros(3)}, tmp_path / "other.pt")
    with pytest.raises(ValueError, match=r"missing .*cls_token.* unexpected .*weight"):
        load_backbone("timm/test_vit", tmp_path / "other.pt")


@pytest.mark.parametrize("file", ["weights.pt", "weights.safetensors"])
@pytest.mark.parametrize("keep", [0, 1000, 100_000])
def test_truncated_checkpoint(file, keep, checkpoint, tmp_path):
    (tmp_path / file).write_bytes((checkpoint[0] / file).read_bytes()[:keep])
    with pytest.raises(ValueError, match="'timm/test_vit' can't take the weights"):
        load_backbone("timm/test_vit", tmp_path / file)


def test_tensors_of_other_shapes(checkpoint, tmp_path):
    """timm looks for sides that a short tensor has not."""
    few = {name: tensor.reshape(-1)[:4] for name, tensor in checkpoint[1].state_dict().items()}
    torch.save(few, tmp_path / "few.pt")
    with pytest.raises(ValueError, match="'timm/test_vit' can't take the weights"):
        load_backbone("timm/test_vit", tmp_path / "few.pt")


@pytest.mark.parametrize("name", ["timm/test_vit", "ViT-B-32"])
def test_an_archive_that_torch_calls_an_invalid_argument(name, tmp_path):
    torch.save({"weight": torch.zeros(3)}, tmp_path / "weights.pt")
    content = bytearray((tmp_path / "weights.pt").read_bytes())
    place = content.rfind(b"PK\x06\x06") + 48  # where the directory of the archive begins
    content[place : place + 8] = b"\xff" * 8
    (tmp_path / "weights.pt").write_bytes(content)
    with pytest.raises(ValueError, match=f"'{name}' can't take the weights"):
        load_backbone(name, tmp_path / "weights.pt")


def test_unknown_model():
    with pytest.raises(
        ValueError, match=r"unknown timm model 'test_vt'. Did you mean .*'test_vit'"
    ):
        load_backbone("timm/test_vt")


def test_unknown_tag_lists_those_there_are():
    message = r"pretrained='nonsense' is neither a tag of 'test_vit' nor a file.*r160_in1k"
    with pytest.raises(ValueError, match=message):
        load_backbone("timm/test_vit", "nonsense")


@pytest.mark.parametrize("pretrained", ["auto", True, None])
def test_the_default_tag_is_written_down(pretrained):
    assert resolve_spec("timm/test_vit", pretrained).pretrained == "r160_in1k"
    other = resolve_spec("timm/vit_base_patch16_224", pretrained).pretrained
    assert (other == "augreg_in21k") or pretrained != "auto"


def test_models_without_weights():
    with pytest.raises(ValueError, match="no trained weights of 'vit_base_patch16_xp_224'"):
        resolve_spec("timm/vit_base_patch16_xp_224")


def test_unknown_params(checkpoint):
    spec = BackboneSpec("timm/test_vit", str(checkpoint[0] / "weights.pt"), (("quick_gelu", True),))
    with pytest.raises(ValueError, match=r"has no settings \['quick_gelu'\]; choose from"):
        load_backbone(spec)


@pytest.mark.parametrize(
    "name, pretrained", [("timm/test_vit", "r160_in1k"), ("timm/test_vit.r160_in1k", "auto")]
)
def test_a_tag_is_looked_up_where_it_lies(name, pretrained, monkeypatch):
    """Either way of naming it asks for the same repository."""

    def unreachable(model_id, filename, spec):
        raise ConnectionError(model_id)

    monkeypatch.setattr(module, "cached_file", lambda *names: None)
    monkeypatch.setattr(module, "require_reachable", unreachable)
    with pytest.raises(ConnectionError, match=r"^timm/test_vit.r160_in1k$"):
        load_backbone(name, pretrained)


@pytest.mark.parametrize("file", ["weights.pt", "weights.safetensors"])
def test_a_tag_in_the_cache(file, checkpoint, monkeypatch):
    folder, model = checkpoint
    monkeypatch.setattr(module, "cached_file", lambda *names: folder / file)
    backbone = module.load_timm(BackboneSpec("timm/test_vit", "r160_in1k"))
    for name, tensor in backbone.tower.state_dict().items():
        torch.testing.assert_close(tensor, model.state_dict()[name], rtol=0, atol=0)
    assert "state_dict" not in backbone.tower.pretrained_cfg


class Malicious:
    """Makes a folder when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def test_a_file_in_the_cache_runs_no_code(monkeypatch, tmp_path):
    torch.save({"a": Malicious(tmp_path / "made")}, tmp_path / "pytorch_model.bin")
    monkeypatch.setattr(module, "cached_file", lambda *names: tmp_path / "pytorch_model.bin")
    with pytest.raises(ValueError, match="can't take the weights"):
        module.load_timm(BackboneSpec("timm/test_vit", "r160_in1k"))
    assert not (tmp_path / "made").exists()


def test_spec():
    name = "timm/test_vit.r160_in1k"
    assert resolve_spec(name) == resolve_spec(name, True) == BackboneSpec(name, "r160_in1k")
    assert resolve_spec("timm/test_vit", "b") == BackboneSpec("timm/test_vit", "b")
