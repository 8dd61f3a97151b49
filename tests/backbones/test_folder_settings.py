"""Settings from a folder or a repository: nothing there can switch code on."""

from __future__ import annotations

import json
import shutil
import sys
from types import ModuleType

import numpy as np
import pytest

from sklift import LiftClassifier, ZeroShotClassifier
from sklift.backbones import _weights, load_backbone
from sklift.backbones._folder_settings import FILE, check_folder_settings


@pytest.fixture
def folder(tiny_config, checkpoint, tmp_path):
    shutil.copy(checkpoint / "plain.safetensors", tmp_path / "open_clip_model.safetensors")
    (tmp_path / "tokenizer.py").write_text("raise SystemExit('it ran')")
    write(tmp_path, tiny_config)
    return tmp_path


def write(folder, config):
    (folder / FILE).write_text(json.dumps({"model_cfg": config}))


def changed(config, section, **settings):
    return {**config, section: {**(config.get(section) or {}), **settings}}


@pytest.fixture
def tokenizers(monkeypatch):
    """The arguments that transformers' tokenizers are made with."""
    made = []

    class AutoTokenizer:
        @classmethod
        def from_pretrained(cls, *args, **kwargs):
            made.append(kwargs)
            return cls()

    module = ModuleType("transformers")
    module.AutoTokenizer = AutoTokenizer
    monkeypatch.setitem(sys.modules, "transformers", module)
    return made


HUB = {"hf_tokenizer_name": "google/t5"}
FORGED = {
    "trust": ("text_cfg", {"tokenizer_kwargs": {"trust_remote_code": True}}, "trust_remote_code"),
    "not trusted": (
        "text_cfg",
        {"tokenizer_kwargs": {"trust_remote_code": False}},
        "trust_remote_code",
    ),
    "code of a tokenizer": ("text_cfg", {"tokenizer_kwargs": {"tokenizer_type": "x"}}, "type"),
    "file of words": ("text_cfg", {"tokenizer_kwargs": {"bpe_path": "/etc/passwd"}}, "bpe_path"),
    "setting of text": ("text_cfg", {"trust_remote_code": True}, "text_cfg has the settings"),
    "setting of pictures": ("vision_cfg", {"auto_map": {}}, "vision_cfg has the settings"),
    "of the decoder": ("multimodal_cfg", {"auto_map": {}}, "multimodal_cfg has the settings"),
    "text tower here": ("text_cfg", {"hf_model_name": "."}, "hf_model_name"),
    "text tower above": ("text_cfg", {"hf_model_name": "../evil"}, "hf_model_name"),
    "text tower at a path": ("text_cfg", {"hf_model_name": "/tmp/evil"}, "hf_model_name"),
    "tokenizer at a path": ("text_cfg", {"hf_tokenizer_name": "C:\\evil"}, "hf_tokenizer_name"),
    "decoder at a path": ("multimodal_cfg", {"hf_model_name": "/tmp/evil"}, "hf_model_name"),
    "timm from a folder": ("vision_cfg", {"timm_model_name": "local-dir:/tmp"}, "timm_model_name"),
    "timm from the hub": ("vision_cfg", {"timm_model_name": "hf-hub:a/b"}, "timm_model_name"),
}


@pytest.mark.parametrize("what", FORGED)
def test_a_setting_that_is_none_of_a_tower(what, folder, tiny_config, tokenizers):
    section, settings, match = FORGED[what]
    config = changed(tiny_config, section, **(HUB if section == "text_cfg" else {}))
    write(folder, changed(config, section, **settings))
    with pytest.raises(ValueError, match=match):
        ZeroShotClassifier(f"local-dir:{folder}").fit(None, ["a", "b"])
    assert not tokenizers


def test_at_load_as_well(folder, tiny_config, tokenizers, tmp_path):
    saved = tmp_path / "model.safetensors"
    ZeroShotClassifier(f"local-dir:{folder}").fit(None, ["a", "b"]).save(saved)
    forged = changed(tiny_config, "text_cfg", tokenizer_kwargs={"trust_remote_code": True}, **HUB)
    write(folder, forged)
    with pytest.raises(ValueError, match="trust_remote_code"):
        ZeroShotClassifier.load(saved)
    assert not tokenizers


def test_at_the_top(folder, tiny_config):
    write(folder, {**tiny_config, "pretrained_image_path": "/etc/passwd"})
    with pytest.raises(ValueError, match="model_cfg has the settings"):
        load_backbone(f"local-dir:{folder}")


def test_what_is_no_description(folder):
    for text in ("[]", "{", "{}", '{"model_cfg": []}', "[" * 100_000, "\0"):
        (folder / FILE).write_text(text)
        with pytest.raises(ValueError, match=FILE):
            load_backbone(f"local-dir:{folder}")


def test_no_code_beside_a_tokenizer(folder, tiny_config, tokenizers):
    write(folder, changed(tiny_config, "text_cfg", tokenizer_kwargs={"clean": "lower"}, **HUB))
    load_backbone(f"local-dir:{folder}")
    assert tokenizers == [{"cache_dir": None, "trust_remote_code": False}]


def test_models_that_are_published(tmp_path):
    import open_clip
    import timm

    settings = {name: open_clip.get_model_config(name) for name in open_clip.list_models()}
    towers = {name: s["vision_cfg"].get("timm_model_name") for name, s in settings.items()}
    # an old timm lacks some of the newest towers
    there = [name for name, tower in towers.items() if tower is None or timm.is_model(tower)]
    assert len(there) > 0.9 * len(settings)
    for name in there:
        write(tmp_path, settings[name])
        check_folder_settings(tmp_path / FILE)
    known = open_clip.get_model_config("roberta-ViT-B-32")
    bert = "microsoft/BiomedNLP-BiomedBERT-base-uncased-abstract"
    write(tmp_path, changed(known, "text_cfg", hf_model_name=bert, hf_tokenizer_name=bert))
    assert check_folder_settings(tmp_path / FILE) == {"trust_remote_code": False}


def test_a_name_that_is_also_a_folder(tmp_path, monkeypatch, tiny_config):
    (tmp_path / "google" / "t5").mkdir(parents=True)
    write(tmp_path, changed(tiny_config, "text_cfg", **HUB))
    check_folder_settings(tmp_path / FILE)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="no name of a repository"):
        check_folder_settings(tmp_path / FILE)


def test_a_repository_that_is_fetched(folder, tiny_config, tokenizers, monkeypatch):
    import huggingface_hub

    forged = changed(tiny_config, "text_cfg", tokenizer_kwargs={"trust_remote_code": True}, **HUB)
    write(folder, forged)
    monkeypatch.setattr(_weights, "_refusal", lambda *args: None)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda *args: str(folder / FILE))
    with pytest.raises(ValueError, match="trust_remote_code"):
        load_backbone("hf-hub:somebody/model")
    assert not tokenizers


def test_a_view_of_any_size(folder, tmp_path):
    with pytest.raises(ValueError, match="at most 4096"):
        LiftClassifier(f"local-dir:{folder}", backbone__image_size=10**6).fit(
            np.zeros((2, 40, 40, 3), np.uint8), ["a", "b"]
        )
