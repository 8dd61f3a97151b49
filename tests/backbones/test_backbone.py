"""One frozen tower, shared; and the embedded one."""

from __future__ import annotations

import pickle
import time

import numpy as np
import pytest
import torch

from sklift.backbones import BackboneSpec, OpenClip, TransformerBlock, load_backbone, resolve_spec
from sklift.backbones._backbone import TextTower, share_copy


@pytest.fixture(scope="module")
def emoji_tiny():
    return load_backbone("emoji-tiny")


def test_emoji_tiny(emoji_tiny):
    assert emoji_tiny.n_features == 192
    assert emoji_tiny.preprocess.size == 40
    blocks = emoji_tiny.open().blocks
    assert len(blocks) == 6
    assert all(isinstance(b, TransformerBlock) and b.width == 192 for b in blocks)
    features = emoji_tiny.tower(torch.zeros(2, 3, 40, 40))
    assert features.shape == (2, 192)
    assert torch.equal(features[0], features[1])
    assert emoji_tiny.logit_scale > 1


def test_texts(emoji_tiny):
    texts = ["a red apple", "a dog", "a red apple"]
    rows = emoji_tiny.encode_texts(texts)
    assert rows.dtype == torch.float32
    assert rows.shape == (3, emoji_tiny.projection.shape[1])
    torch.testing.assert_close(rows.norm(dim=1), torch.ones(3))
    assert torch.equal(rows[0], rows[2])
    assert not torch.allclose(rows[0], rows[1], atol=0.1)
    torch.testing.assert_close(emoji_tiny.text.encode(texts, batch_size=1), rows)


def test_texts_are_computed_once(emoji_tiny, monkeypatch):
    first = emoji_tiny.encode_texts(["a fresh text"])
    calls = []
    monkeypatch.setattr(emoji_tiny.text.model, "encode_text", lambda *a, **k: calls.append(a))
    assert torch.equal(emoji_tiny.encode_texts(["a fresh text"] * 2), first.repeat(2, 1))
    assert not calls


def test_checksum(emoji_tiny):
    from sklift.backbones._emoji import load_emoji_tiny

    again = load_emoji_tiny(BackboneSpec("emoji-tiny"))
    assert again.tower is not emoji_tiny.tower
    assert again.checksum == emoji_tiny.checksum
    assert len(again.checksum) == 64
    other = load_emoji_tiny(BackboneSpec("emoji-tiny"))
    other.tower.ln_post.bias[3] += 1e-3
    assert other.checksum != emoji_tiny.checksum


def test_emoji_tiny_takes_no_settings():
    with pytest.raises(ValueError, match=r"'emoji-tiny' has no settings, got \{'mean'"):
        load_backbone(BackboneSpec("emoji-tiny", None, (("mean", (0, 0, 0)),)))
    with pytest.raises(ValueError, match="brings its weights"):
        load_backbone("emoji-tiny", "openai")


@pytest.mark.parametrize("name", [None, 3, "", b"ViT-B-16"])
def test_name_must_be_a_name(name):
    with pytest.raises(TypeError, match="backbone must be a name"):
        load_backbone(name)


def test_spec():
    spec = resolve_spec(OpenClip("ViT-B-16", "/a/b.pt", std=[1, 2, 3], mean=(0, 0, 0)))
    assert spec == BackboneSpec("ViT-B-16", "/a/b.pt", (("mean", (0, 0, 0)), ("std", (1, 2, 3))))
    assert pickle.loads(pickle.dumps(spec)) == spec
    assert len({spec, pickle.loads(pickle.dumps(spec))}) == 1
    assert str(spec) == "ViT-B-16 (/a/b.pt)"
    assert str(BackboneSpec("emoji-tiny")) == "emoji-tiny"


@pytest.mark.parametrize(
    "params, message",
    [
        ({"mean": [0.5, 0.5]}, "mean must be three numbers"),
        ({"mean": 0.5}, "mean must be three numbers"),
        ({"std": [0.5, 0, 0.5]}, "std must be three positive numbers"),
        ({"image_size": 3.5}, "image_size must be a positive int"),
        ({"interpolation": "cubic"}, "interpolation must be one of"),
        ({"quick_gelu": "yes"}, "quick_gelu must be True or False"),
    ],
)
def test_wrong_params_are_named(params, message):
    with pytest.raises(ValueError, match=message):
        resolve_spec(OpenClip("ViT-B-16", "/a/b.pt", **params))


def test_numpy_params_and_relative_paths(tmp_path, monkeypatch):
    (tmp_path / "weights.pt").touch()
    monkeypatch.chdir(tmp_path)
    spec = resolve_spec(OpenClip("ViT-B-16", "weights.pt", mean=np.full(3, 0.5)))
    assert spec.pretrained == str(tmp_path / "weights.pt")
    assert dict(spec.params) == {"mean": (0.5, 0.5, 0.5)}


def test_what_is_placed_under_inference_mode_still_trains(emoji_tiny):
    with torch.inference_mode():
        opened = emoji_tiny.open(dtype=torch.float64)
    x = torch.zeros(1, 3, 40, 40, dtype=torch.float64, requires_grad=True)
    opened.module(x).sum().backward()
    assert x.grad is not None


def test_loaded_once(emoji_tiny):
    assert load_backbone("emoji-tiny") is emoji_tiny
    assert load_backbone(emoji_tiny.spec) is emoji_tiny


def test_open_shares_the_weights_and_nothing_else(emoji_tiny):
    original = dict(emoji_tiny.tower.named_parameters())
    opened = emoji_tiny.open()
    copied = dict(opened.module.named_parameters())
    assert copied.keys() == original.keys()
    assert all(copied[n].data_ptr() == p.data_ptr() for n, p in original.items())
    mine = {id(m) for m in emoji_tiny.tower.modules()}
    assert not any(id(m) in mine for m in opened.module.modules())

    x = torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    before = emoji_tiny.tower(x)
    opened.module.ln_post.weight = torch.nn.Parameter(torch.zeros(192))
    opened.blocks[0].mlp.set(torch.nn.Identity())
    assert not torch.equal(opened.module(x), before)
    assert torch.equal(emoji_tiny.tower(x), before)
    assert torch.equal(emoji_tiny.open().module(x), before)


def test_open_in_another_precision(emoji_tiny):
    x = torch.randn(1, 3, 40, 40, generator=torch.Generator().manual_seed(0))
    one, two = emoji_tiny.open(dtype=torch.float64), emoji_tiny.open(dtype=torch.float64)
    first, second = next(one.module.parameters()), next(two.module.parameters())
    assert first.dtype == torch.float64
    assert first.data_ptr() == second.data_ptr()
    assert not first.requires_grad
    assert next(emoji_tiny.tower.parameters()).dtype == torch.float32
    expected = emoji_tiny.tower(x)
    torch.testing.assert_close(one.module(x.double()).float(), expected, rtol=1e-4, atol=1e-4)


def test_opening_is_cheap(emoji_tiny):
    emoji_tiny.open()
    start = time.perf_counter()
    for _ in range(5):
        emoji_tiny.open()
    assert (time.perf_counter() - start) / 5 < 0.2


def test_share_copy_keeps_ties_and_buffers():
    """A tensor used twice is still one tensor, moved or not."""
    module = torch.nn.ModuleDict({"a": torch.nn.Linear(3, 3), "b": torch.nn.Linear(3, 3)})
    module["b"].weight = module["a"].weight
    module.register_buffer("steps", torch.arange(3))
    shared = share_copy(module)
    assert shared["a"].weight is shared["b"].weight
    assert shared["a"].weight.data_ptr() == module["a"].weight.data_ptr()
    assert shared.steps.data_ptr() == module.steps.data_ptr()
    version = module["a"].weight._version
    torch.nn.utils.parametrize.register_parametrization(shared["a"], "weight", torch.nn.Identity())
    assert module["a"].weight._version == version  # or its backward pass would break
    moved = share_copy(module, lambda t: t.double() if t.is_floating_point() else t)
    assert moved["a"].weight is moved["b"].weight
    assert moved["a"].weight.dtype == torch.float64
    assert moved.steps.dtype == torch.int64
    assert module["a"].weight.dtype == torch.float32


def test_texts_that_are_too_long_are_found_a_few_at_a_time():
    text = load_backbone("emoji-tiny").text
    long = ["very " * 20 + name for name in ("long", "slow")]
    texts = [*["cat"] * 5, long[0], *["dog"] * 4, long[1]]
    sizes = []

    def tokenizer(some, **settings):
        sizes.append(len(some))
        return text.tokenizer(some, **settings)

    counting = TextTower(text.model, tokenizer)
    assert counting.truncated(texts, batch_size=3) == long
    assert max(sizes) == 4  # and the empty text, which shows the padding
    assert counting.truncated([]) == []
