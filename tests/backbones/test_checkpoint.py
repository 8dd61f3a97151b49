"""Checkpoint files of timm and open_clip, under the names that trainers write."""

from __future__ import annotations

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file
from torch import nn

from sklift.backbones import load_backbone
from sklift.backbones._checkpoint import name_as

MODELS = {"timm/test_vit": "cls_token", "Test-16": "visual.class_embedding"}
RENAMED = {
    "DataParallel": lambda k: f"module.{k}",
    "torch.compile": lambda k: f"_orig_mod.{k}",
    "both": lambda k: f"_orig_mod.module.{k}",
    "compiled blocks": lambda k: k.replace("blocks.", "blocks._orig_mod."),
    "part of a trainer": lambda k: f"model.{k}",
    "part of a wrapped trainer": lambda k: f"module.model.{k}",
    "part of a model of one's own": lambda k: f"net.visual.{k}",
}


@pytest.fixture(scope="module")
def states(tiny_model):
    torch.manual_seed(0)
    vit = timm.create_model("test_vit").state_dict()
    return {"timm/test_vit": vit, "Test-16": tiny_model.state_dict()}


def require_loaded(backbone, state, prefix=""):
    for name, tensor in backbone.tower.state_dict().items():
        torch.testing.assert_close(tensor, state[prefix + name], rtol=0, atol=0)


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("how", RENAMED)
def test_names_behind_others(name, how, states, tmp_path):
    state = {RENAMED[how](k): v for k, v in states[name].items()}
    save_file(state, tmp_path / "weights.safetensors")
    torch.save({"epoch": 3, "state_dict": state}, tmp_path / "weights.pt")
    prefix = "" if name.startswith("timm") else "visual."
    for file in ("weights.safetensors", "weights.pt"):
        require_loaded(load_backbone(name, tmp_path / file), states[name], prefix)


def test_tower_of_a_larger_model(states, tmp_path):
    """What else the file holds is left out, though some of it bears the names of the tower."""
    state = {f"visual.{k}": v for k, v in states["timm/test_vit"].items()}
    others = {
        "text.norm.weight": torch.ones(3),
        "logit_scale": torch.ones(()),
        "norm": torch.ones(3),
    }
    torch.save(state | others, tmp_path / "weights.pt")
    require_loaded(load_backbone("timm/test_vit", tmp_path / "weights.pt"), states["timm/test_vit"])


@pytest.mark.parametrize("prefix", ["", "module.", "visual."])
def test_parts_that_are_called_as_a_wrapper(prefix):
    """They keep their names."""
    model = nn.ModuleDict({"mixer": nn.ModuleDict({"module": nn.Linear(2, 2)})})
    state = model.state_dict()
    found = name_as(model, {prefix + k: v for k, v in state.items()})
    assert found.keys() == state.keys() == {"mixer.module.weight", "mixer.module.bias"}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("prefix", ["", "model."])
def test_what_differs(name, prefix, states, tmp_path):
    key, state = MODELS[name], dict(states[name])
    shape = tuple(state[key].shape)
    state["extra.weight"] = torch.ones(2)
    state[key] = torch.ones(2, 2, 5)
    first = next(k for k in state if "norm1" in k or "ln_1" in k)
    del state[first]
    torch.save({prefix + k: v for k, v in state.items()}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=f"{name}.*can't take the weights") as caught:
        load_backbone(name, tmp_path / "weights.pt")
    for told in (
        f"missing 1: [{first}]",
        "unexpected 1: [extra.weight]",
        f"of another shape 1: [{key} (2, 2, 5), not {shape}]",
    ):
        assert told in str(caught.value)


@pytest.mark.parametrize("name", MODELS)
def test_a_file_without_tensors(name, tmp_path):
    torch.save({"teacher": {"a": torch.ones(2)}, "epoch": 3}, tmp_path / "weights.pt")
    with pytest.raises(ValueError, match=r"there are no tensors in it, but \[teacher, epoch\]"):
        load_backbone(name, tmp_path / "weights.pt")


class Archive(nn.Module):
    """Weights under the names of a model, with the settings that OpenAI's archives have."""

    def __init__(self, state):
        super().__init__()
        self.add_module("visual", nn.Module())
        for name in ("input_resolution", "context_length", "vocab_size"):
            self.register_buffer(name, torch.tensor(8))
        for name, tensor in state.items():
            parent = self
            *path, last = name.split(".")
            for part in path:
                if part not in parent._modules:
                    parent.add_module(part, nn.Module())
                parent = parent._modules[part]
            parent.register_buffer(last, tensor.half())

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x


@pytest.mark.filterwarnings("ignore:.*torch.jit.*deprecated")
@pytest.mark.parametrize("name", MODELS)
def test_torchscript(name, states, tmp_path):
    """A program isn't run; the weights that its owner takes out of it are taken."""
    torch.jit.script(Archive(states[name])).save(tmp_path / "archive.pt")
    with pytest.raises(ValueError, match=r"a TorchScript archive.*torch\.jit\.load\(path, 'cpu'\)"):
        load_backbone(name, tmp_path / "archive.pt")
    state = torch.jit.load(tmp_path / "archive.pt", "cpu").state_dict()
    torch.save(state, tmp_path / "weights.pt")
    prefix = "" if name.startswith("timm") else "visual."
    half = {k: v.half().float() for k, v in states[name].items()}
    require_loaded(load_backbone(name, tmp_path / "weights.pt"), half, prefix)


@pytest.mark.parametrize("name", ["deit_tiny_distilled_patch16_224", "levit_128s"])
def test_classifiers_of_other_names(name, tmp_path):
    """One of two parts, and of parts with a norm."""
    state = timm.create_model(name).state_dict()
    torch.save(state, tmp_path / "weights.pt")
    require_loaded(load_backbone(f"timm/{name}", tmp_path / "weights.pt"), state)


def test_weights_of_jax(states, tmp_path):
    """timm reads them; what is missing is told."""
    np.savez(tmp_path / "weights.npz", **{"cls": np.zeros((1, 1, 64), np.float32)})
    with pytest.raises(ValueError, match="'timm/test_vit' can't take the weights"):
        load_backbone("timm/test_vit", tmp_path / "weights.npz")
    with np.load(_npz_of(states["timm/test_vit"], tmp_path / "whole.npz")) as whole:
        assert len(whole) > 60
    require_loaded(load_backbone("timm/test_vit", tmp_path / "whole.npz"), states["timm/test_vit"])


def _npz_of(state, path):
    """A vision transformer's weights by the names of the authors' code."""
    state = {k: v.numpy() for k, v in state.items()}
    width, heads = state["cls_token"].shape[-1], 2
    arrays = {
        "cls": state["cls_token"],
        "embedding/kernel": state["patch_embed.proj.weight"].transpose(2, 3, 1, 0),
        "embedding/bias": state["patch_embed.proj.bias"],
        "Transformer/posembed_input/pos_embedding": state["pos_embed"],
        "Transformer/encoder_norm/scale": state["norm.weight"],
        "Transformer/encoder_norm/bias": state["norm.bias"],
        "head/kernel": state["head.weight"].T,
        "head/bias": state["head.bias"],
    }
    for i in range(6):
        old, new = f"blocks.{i}", f"Transformer/encoderblock_{i}"
        for j, norm in ((0, "norm1"), (2, "norm2")):
            arrays[f"{new}/LayerNorm_{j}/scale"] = state[f"{old}.{norm}.weight"]
            arrays[f"{new}/LayerNorm_{j}/bias"] = state[f"{old}.{norm}.bias"]
        attention = f"{new}/MultiHeadDotProductAttention_1"
        weights = np.split(state[f"{old}.attn.qkv.weight"], 3)
        biases = np.split(state[f"{old}.attn.qkv.bias"], 3)
        for part, weight, bias in zip(("query", "key", "value"), weights, biases, strict=True):
            arrays[f"{attention}/{part}/kernel"] = weight.T.reshape(width, heads, -1)
            arrays[f"{attention}/{part}/bias"] = bias.reshape(heads, -1)
        out = state[f"{old}.attn.proj.weight"].T.reshape(heads, -1, width)
        arrays[f"{attention}/out/kernel"] = out
        arrays[f"{attention}/out/bias"] = state[f"{old}.attn.proj.bias"]
        for j, layer in enumerate(("fc1", "fc2")):
            arrays[f"{new}/MlpBlock_3/Dense_{j}/kernel"] = state[f"{old}.mlp.{layer}.weight"].T
            arrays[f"{new}/MlpBlock_3/Dense_{j}/bias"] = state[f"{old}.mlp.{layer}.bias"]
    np.savez(path, **arrays)
    return path
