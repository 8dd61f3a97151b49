"""Small models with random weights, known to open_clip by name."""

from __future__ import annotations

import json

import open_clip
import pytest
import torch
from open_clip.factory import _MODEL_CONFIGS
from safetensors.torch import save_file

TINY = {
    "embed_dim": 16,
    "vision_cfg": {"image_size": 32, "layers": 2, "width": 64, "patch_size": 16},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1},
}
CONFIGS = {
    "Test-16": TINY,
    "Test-16-quickgelu": TINY | {"quick_gelu": True},
    "Test-8": TINY | {"vision_cfg": TINY["vision_cfg"] | {"patch_size": 8}},
}


@pytest.fixture(scope="session", autouse=True)
def open_clip_knows_the_test_models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("configs")
    for name, config in CONFIGS.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder)
    yield
    for name in CONFIGS:
        del _MODEL_CONFIGS[name]


@pytest.fixture(scope="session")
def tiny_config():
    return TINY


@pytest.fixture(scope="session")
def tiny_model():
    torch.manual_seed(0)
    return open_clip.create_model("Test-16").eval()


@pytest.fixture(scope="session")
def checkpoint(tiny_model, tmp_path_factory):
    """The state dict of "Test-16", as .pt, .safetensors, and with a trainer's wrapping."""
    folder = tmp_path_factory.mktemp("checkpoints")
    state = tiny_model.state_dict()
    torch.save(state, folder / "plain.pt")
    torch.save(
        {"epoch": 3, "state_dict": {f"module.{k}": v for k, v in state.items()}},
        folder / "epoch_3.pt",
    )
    save_file(state, folder / "plain.safetensors")
    return folder
