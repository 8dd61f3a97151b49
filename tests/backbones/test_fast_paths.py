"""What is computed faster gives the numbers of the libraries' own modules."""

from __future__ import annotations

import copy

import pytest
import timm
import torch
from open_clip.model import CLIP
from timm.models.vision_transformer import VisionTransformer as TimmTower
from torch import nn
from torch.nn import functional as F

from sklift._model import TunedModel
from sklift.adapters import VPT, AdaptFormer, BitFit, LoRA
from sklift.backbones import Backbone, BackboneSpec, Preprocess
from sklift.backbones._blocks import find_blocks
from sklift.backbones._fast._attention import PackedAttention, use_fast_attention
from sklift.backbones._towers._open_clip_modules import FirstTokenBlock
from sklift.backbones._towers._timm_modules import FirstTokenTimmBlock, FusedAttention
from sklift.heads import Cosine

X = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(1))


def open_clip_tower(**settings):
    vision = {"image_size": 32, "layers": 2, "width": 32, "patch_size": 8, "head_width": 8}
    text = {"context_length": 8, "vocab_size": 20, "width": 16, "heads": 1, "layers": 1}
    torch.manual_seed(0)
    tower = CLIP(8, vision | settings, text).visual
    tower.proj = None
    return tower


def timm_tower(**settings):
    torch.manual_seed(0)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 2, "num_heads": 4}
    return TimmTower(**(sizes | {"num_classes": 0} | settings))


def shaken(tower):
    """A tower whose biases and scales have left their start."""
    with torch.no_grad():
        for p in tower.parameters():
            p += 0.05 * torch.randn_like(p)
    return tower.eval().requires_grad_(False)


TOWERS = {
    "open_clip": open_clip_tower,
    "open_clip, layer scale": lambda: open_clip_tower(ls_init_value=0.5),
    "open_clip, pooled before the norm": lambda: open_clip_tower(final_ln_after_pool=True),
    "timm": timm_tower,
    "timm, more of all": lambda: timm_tower(
        qk_norm=True, init_values=0.5, reg_tokens=2, fc_norm=True, qkv_bias=False
    ),
    "timm, norm of what is gathered": lambda: timm_tower(scale_attn_norm=True),
}
OTHER_POOLS = {
    "open_clip": lambda: open_clip_tower(pool_type="avg"),
    "open_clip, attention": lambda: open_clip_tower(attentional_pool=True, attn_pooler_heads=4),
    "timm": lambda: timm_tower(global_pool="avg"),
    "timm, attention": lambda: timm_tower(global_pool="map", class_token=False),
}


def backbone(tower):
    width = tower(X).shape[-1]
    preprocess = Preprocess(32, (0, 0, 0), (1, 1, 1))
    return Backbone(tower, preprocess, width, find_blocks, spec=BackboneSpec("small"))


def seeded(backbone, recipe):
    torch.manual_seed(2)
    return TunedModel(backbone, recipe, Cosine(), 5)


@pytest.mark.parametrize("kind", TOWERS)
@pytest.mark.parametrize("recipe", [None, AdaptFormer(2), LoRA(2), BitFit()], ids=str)
def test_same_features_and_gradients(kind, recipe):
    plain = shaken(TOWERS[kind]())
    fast = backbone(copy.deepcopy(plain))
    expected = plain(X)
    torch.testing.assert_close(fast.tower(X), expected, atol=1e-5, rtol=1e-5)
    model, whole = (seeded(fast, recipe) for _ in range(2))
    blocks = model.tower.transformer.resblocks if "open" in kind else model.tower.blocks
    assert type(blocks[-1]) in (FirstTokenBlock, FirstTokenTimmBlock)
    assert not isinstance(blocks[0], (FirstTokenBlock, FirstTokenTimmBlock))
    torch.testing.assert_close(model.features(X), expected, atol=1e-5, rtol=1e-5)
    # the same weights in a model that computes all tokens
    blocks = whole.tower.transformer.resblocks if "open" in kind else whole.tower.blocks
    blocks[-1].__class__ = type(blocks[-1]).__base__
    for m in (model, whole):
        F.cross_entropy(m(X), torch.arange(3)).backward()
    for (name, p), q in zip(model.named_parameters(), whole.parameters(), strict=True):
        assert (p.grad is None) == (q.grad is None)
        if p.grad is not None:
            torch.testing.assert_close(p.grad, q.grad, atol=1e-5, rtol=1e-4, msg=name)


@pytest.mark.parametrize("kind", OTHER_POOLS)
def test_other_pools_see_all_tokens(kind):
    plain = shaken(OTHER_POOLS[kind]())
    model = TunedModel(backbone(copy.deepcopy(plain)), AdaptFormer(2), Cosine(), 5)
    torch.testing.assert_close(model.features(X), plain(X), atol=1e-5, rtol=1e-5)


def test_wrapped_blocks_see_all_tokens():
    model = TunedModel(backbone(shaken(open_clip_tower())), VPT(length=2), Cosine(), 5)
    assert not any(isinstance(m, FirstTokenBlock) for m in model.modules())
    assert model(X).shape == (3, 5)


def test_the_shared_tower_keeps_its_classes_and_names():
    shared = backbone(shaken(open_clip_tower()))
    names = list(shared.tower.state_dict())
    model = TunedModel(shared, None, Cosine(), 5)
    assert not any(isinstance(m, FirstTokenBlock) for m in shared.tower.modules())
    assert list(model.tower.state_dict()) == names == list(open_clip_tower().state_dict())


@pytest.mark.parametrize("kind", ["open_clip", "timm"])
def test_bfloat16_gradients_are_as_near_as_those_of_the_library(kind):
    """The backward of our own, against the library's own in float32 and in bfloat16."""
    own = shaken(TOWERS[kind]()).requires_grad_()
    plain, exact = copy.deepcopy(own), copy.deepcopy(own)
    use_fast_attention(own)
    assert any(isinstance(m, (PackedAttention, FusedAttention)) for m in own.modules())
    for tower, half in ((own, True), (plain, True), (exact, False)):
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            features = tower(X)
        features.float().square().sum().backward()
    for (name, p), q, r in zip(
        own.named_parameters(), plain.parameters(), exact.parameters(), strict=True
    ):
        scale = r.grad.abs().max() + 1e-6
        error = (p.grad - r.grad).abs().max() / scale
        usual = (q.grad - r.grad).abs().max() / scale
        assert error < max(2 * usual, 0.02), name


def test_unusual_attentions_are_left_alone():
    module = nn.ModuleList(
        [
            nn.MultiheadAttention(8, 2, batch_first=False),
            nn.MultiheadAttention(8, 2, batch_first=True, dropout=0.1),
            nn.MultiheadAttention(8, 2, batch_first=True, kdim=4, vdim=4),
            nn.MultiheadAttention(8, 2, batch_first=True, add_bias_kv=True),
            nn.MultiheadAttention(8, 2, batch_first=True, add_zero_attn=True),
        ]
    )
    use_fast_attention(module)
    assert {type(m) for m in module} == {nn.MultiheadAttention}


@pytest.mark.parametrize(
    ("shape", "settings"),
    [
        ((2, 4, 8), {}),  # weights of the attention are asked for
        ((2, 4, 8), {"attn_mask": torch.eye(4).bool()}),
        ((2, 4, 8), {"key_padding_mask": torch.arange(4).repeat(2, 1) > 2, "need_weights": False}),
        ((4, 8), {"need_weights": False}),  # one picture
    ],
)
def test_unusual_calls_go_to_torch(shape, settings):
    torch.manual_seed(0)
    attention = nn.MultiheadAttention(8, 2, batch_first=True).eval()
    x = torch.randn(shape)
    expected = attention(x, x, x, **settings)
    use_fast_attention(nn.ModuleList([attention]))
    assert type(attention) is PackedAttention
    found = attention(x, x, x, **settings)
    torch.testing.assert_close(found, expected)


def test_masks_of_timm_towers():
    torch.manual_seed(0)
    tower = shaken(timm.create_model("vit_tiny_patch16_224", img_size=32, depth=1, num_classes=0))
    attention, x = tower.blocks[0].attn, torch.randn(1, 5, 192)
    mask = torch.eye(5).bool()[None, None]
    expected = attention(x, attn_mask=mask)
    use_fast_attention(tower)
    torch.testing.assert_close(attention(x, attn_mask=mask), expected)
