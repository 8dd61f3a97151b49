"""Towers whose attention is a module of open_clip's own, that returns a tensor."""

from __future__ import annotations

import pickle

import pytest
import torch
from open_clip.model import CLIP
from open_clip.transformer import Attention
from torch import nn
from torch.nn import functional as F

import sklift.backbones as backbones
from sklift._model import TunedModel
from sklift.adapters import (
    SSF,
    VPT,
    Adapter,
    AdaptFormer,
    BitFit,
    FeatureAdapter,
    FullTuning,
    LayerNormTuning,
    LoRA,
    SparseTuning,
    resolve_adapter,
)
from sklift.backbones import BackboneSpec, Preprocess
from sklift.backbones._openclip import from_clip
from sklift.heads import Cosine

RECIPES = {
    "none": None,
    "adaptformer": AdaptFormer(rank=4),
    "adapter": Adapter(rank=4),
    **{f"lora {t}": LoRA(rank=2, targets=(t,)) for t in ("q", "k", "v", "out", "mlp")},
    "lora": LoRA(rank=2, targets=("q", "k", "v", "out", "mlp"), layers=[0, 2]),
    "deep prompts": VPT(length=3),
    "shallow prompts": VPT(deep=False, length=3),
    "ssf": SSF(),
    "biases": BitFit(layers=2),
    "norms": LayerNormTuning(),
    "sparse": SparseTuning(ratio=0.3),
    "full": FullTuning(layers=1),
    "feature": FeatureAdapter(rank=4),
    "several": resolve_adapter(
        [AdaptFormer(rank=2), LoRA(rank=2), SSF(), VPT(length=2), LayerNormTuning(), Adapter(2)]
    ),
}
MOVES_AT_ONCE = {"deep prompts", "shallow prompts", "ssf", "several"}
X = torch.randn(4, 3, 32, 32, generator=torch.Generator().manual_seed(0))
Y = torch.arange(4)
FURTHER_NORMS = {  # settings that add norms to a block, and those norms' widths together
    "qk_norm": 2 * 16,
    "scale_attn": 32,
    "scale_fc": 128,
    "scale_attn_inner": 32,
}


def clip(**settings):
    """A small CLIP; its image tower has heads of width 16."""
    vision = {"image_size": 32, "layers": 3, "width": 32, "patch_size": 8, "head_width": 16}
    text = {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 1, "layers": 1}
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = CLIP(8, vision | settings, text)
        for name, p in model.visual.named_parameters():
            if name.endswith("bias") or ".ln" in name:
                p.data += 0.1 * torch.randn_like(p)
    return model


def backbone(model, monkeypatch):
    made = from_clip(
        BackboneSpec("own"), model, None, Preprocess(32, (0.5, 0.4, 0.3), (0.2, 0.3, 0.4))
    )
    monkeypatch.setitem(backbones._loaded, (made.spec, ()), made)
    return made


@pytest.fixture
def own(monkeypatch):
    """A tower with the own attention."""
    made = backbone(clip(block_type="custom"), monkeypatch)
    block = made.tower.transformer.resblocks[0]
    assert type(block.attn) is Attention
    assert torch.is_tensor(block.attn(torch.zeros(1, 2, 32)))
    return made


def perturbed(tower, recipe):
    """A model whose trained weights have left their start."""
    torch.manual_seed(0)
    model = TunedModel(tower, recipe, Cosine(), 5)
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for p in model.parameters():
            if p.requires_grad:
                p += 0.1 * torch.randn(p.shape, generator=generator)
    return model


@pytest.mark.parametrize("kind", RECIPES)
def test_starts_at_the_frozen_tower(kind, own):
    torch.manual_seed(0)
    model = TunedModel(own, RECIPES[kind], Cosine(), 5)
    same = torch.allclose(model.features(X), own.tower(X), rtol=1e-5, atol=1e-5)
    assert same == (kind not in MOVES_AT_ONCE)


@pytest.mark.parametrize("kind", RECIPES)
def test_gradients_reach_exactly_what_is_trained(kind, own):
    frozen = {n: t.clone() for n, t in own.tower.state_dict().items()}
    model = perturbed(own, RECIPES[kind]).train()
    F.cross_entropy(model(X), Y).backward()
    params = dict(model.named_parameters())
    assert {n for n, p in params.items() if p.grad is not None} == {
        n for n, p in params.items() if p.requires_grad
    }
    assert all(p.grad.any() for p in params.values() if p.requires_grad)
    assert all(torch.equal(t, frozen[n]) for n, t in own.tower.state_dict().items())


@pytest.mark.parametrize("kind", RECIPES)
def test_agrees_with_torchs_attention(kind, own, monkeypatch):
    """The same weights in blocks with ``nn.MultiheadAttention``: the same outputs and gradients."""
    plain = clip()
    plain.load_state_dict(clip(block_type="custom").state_dict())
    assert type(plain.visual.transformer.resblocks[0].attn) is nn.MultiheadAttention
    results = []
    for tower in (own, backbone(plain, monkeypatch)):
        model = perturbed(tower, RECIPES[kind])
        with torch.no_grad():
            inferred = model(X)
        logits = model.train()(X)
        F.cross_entropy(logits, Y).backward()
        grads = {n: p.grad for n, p in model.named_parameters() if p.requires_grad}
        results.append((logits, inferred, grads))
    (ours, inferred, grads), (theirs, also_inferred, expected) = results
    torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-5)
    torch.testing.assert_close(inferred, also_inferred, rtol=1e-5, atol=2e-5)
    assert grads.keys() == expected.keys()
    for name, grad in expected.items():
        assert (grads[name] - grad).abs().max() <= 1e-3 * grad.abs().max(), name


@pytest.mark.parametrize("kind", RECIPES)
def test_pickle(kind, own):
    model = perturbed(own, RECIPES[kind])
    with torch.no_grad():
        assert torch.equal(pickle.loads(pickle.dumps(model))(X), model(X))


@pytest.mark.parametrize("settings", [{"ls_init_value": 0.3}, {"pool_type": "avg"}])
@pytest.mark.parametrize("kind", ["adaptformer", "adapter", "lora", "deep prompts"])
def test_layer_scale_and_average_pooling(kind, settings, monkeypatch):
    tower = backbone(clip(block_type="custom", **settings), monkeypatch)
    model = perturbed(tower, RECIPES[kind]).train()
    F.cross_entropy(model(X), Y).backward()
    assert all(p.grad.any() for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("setting", FURTHER_NORMS)
@pytest.mark.parametrize("kind", RECIPES)
def test_attention_with_further_parts(kind, setting, monkeypatch):
    """Norms of queries and keys, and inside the branches, change nothing for an adapter."""
    tower = backbone(clip(**{setting: True}), monkeypatch)
    torch.manual_seed(0)
    model = TunedModel(tower, RECIPES[kind], Cosine(), 5)
    same = torch.allclose(model.features(X), tower.tower(X), rtol=1e-5, atol=1e-5)
    assert same == (kind not in MOVES_AT_ONCE)


@pytest.mark.parametrize("setting, width", FURTHER_NORMS.items())
def test_all_norms_of_a_block_are_tuned(setting, width, monkeypatch):
    tower = backbone(clip(**{setting: True}), monkeypatch)
    model = TunedModel(tower, LayerNormTuning(layers=2), Cosine(), 5)
    assert model.n_trainable_params - 5 * 32 == 2 * 2 * (2 * 32 + width)
    biases = TunedModel(tower, BitFit(layers=2), Cosine(), 5).n_trainable_params - 5 * 32
    assert biases == 2 * (9 * 32 + 2 * 32 + width)
