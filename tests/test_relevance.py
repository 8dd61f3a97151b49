"""Where a model looks: the numbers of each method, the choice among them, what a map rests on."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torch.nn import functional as F

from sklift._core._no_places import NoPlacesError
from sklift._model import TunedModel
from sklift._model._attention_weights import AttentionWeights
from sklift._model._fold import copied
from sklift._model._relevance import relevance
from sklift.adapters import VPT, AdaptFormer, LoRA, Prefix
from sklift.backbones import Backbone, Preprocess, find_stages, load_backbone
from sklift.displays import Report
from sklift.heads import Cosine, Linear

CODES = torch.tensor([2, 0])


def pixels(n, size=40):
    generator = torch.Generator().manual_seed(0)
    return torch.randint(0, 256, (n, 3, size, size), dtype=torch.uint8, generator=generator)


def tuned(adapter=None, backbone="emoji-tiny", head=None):
    torch.manual_seed(0)
    loaded = load_backbone(backbone) if isinstance(backbone, str) else backbone
    model = TunedModel(loaded, adapter, head or Cosine(), 4)
    with torch.no_grad():
        for param in model.parameters():
            if param.requires_grad:
                param += 0.1 * torch.randn_like(param)
    return model


def own(*modules, size=16):
    torch.manual_seed(0)
    return Backbone(nn.Sequential(*modules), Preprocess(size, (0.5,) * 3, (0.5,) * 3))


def test_rollout_is_the_first_row_of_the_product_of_all_blocks():
    model = tuned()
    stages = find_stages(model.backbone.open().module)
    x = stages.embed((pixels(2) / 255 - model.mean) / model.std)
    weights = []
    for block in stages.blocks:
        normed = block.ln_1(x)
        qkv = F.linear(normed, block.attn.in_proj_weight, block.attn.in_proj_bias)
        q, k, v = qkv.unflatten(2, (3, block.attn.num_heads, -1)).permute(2, 0, 3, 1, 4)
        scores = torch.einsum("bhqd,bhkd->bhqk", q, k) / q.shape[-1] ** 0.5
        weights.append((scores.exp() / scores.exp().sum(-1, keepdim=True)).requires_grad_())
        x = x + block.attn.out_proj((weights[-1] @ v).transpose(1, 2).flatten(2))
        x = x + block.mlp(block.ln_2(x))
    logits = model.head(stages.finish(x))
    score = sum(logits[i, k] - logits[i].mean() for i, k in enumerate(CODES.tolist()))
    gradients = torch.autograd.grad(score, weights)
    R = torch.eye(26).expand(2, 26, 26)
    for weight, gradient in zip(weights, gradients, strict=True):
        R = R + (gradient * weight).clamp_min(0).mean(1) @ R
    expected = (R[:, 0, 1:] / R[:, 0, 1:].sum(1, keepdim=True)).view(2, 5, 5)
    torch.testing.assert_close(relevance(model, pixels(2), CODES), expected.detach())


@pytest.mark.parametrize("mask", [None, "bool", "float"])
def test_attention_in_steps_is_the_fused_one(mask):
    q, k, v = torch.randn(3, 2, 3, 5, 4, generator=torch.Generator().manual_seed(0))
    allowed = torch.ones(5, 5, dtype=torch.bool).tril()
    given = {"bool": allowed, "float": allowed * 0.5}.get(mask)
    for more in ({}, {"scale": 0.3}):
        expected = F.scaled_dot_product_attention(q, k, v, given, **more)
        with AttentionWeights() as attention:
            found = F.scaled_dot_product_attention(q, k, v, given, **more)
        torch.testing.assert_close(found, expected)
        torch.testing.assert_close(attention.seen[0] @ v, expected)
    with AttentionWeights() as attention:
        causal = F.scaled_dot_product_attention(q, k, v, is_causal=True)
    torch.testing.assert_close(causal, F.scaled_dot_product_attention(q, k, v, allowed))
    assert attention.seen == []


class Places(nn.Module):
    """Channels last; or places as tokens, behind one that is not of the picture."""

    def __init__(self, layout):
        super().__init__()
        self.layout = layout

    def forward(self, x):
        x = x.permute(0, 2, 3, 1)
        return F.pad(x.flatten(1, 2), (0, 0, 1, 0)) if self.layout == "tokens" else x


class Windows(nn.Module):
    """Four windows of a map, each as if it were a picture."""

    def forward(self, x):
        return torch.cat([x[:, i : i + 2, j : j + 2] for i in (0, 2) for j in (0, 2)])


class Pooled(nn.Module):
    def __init__(self, layout):
        super().__init__()
        self.layout = layout

    def forward(self, x):
        if self.layout == "windows":
            return x.unflatten(0, (4, -1)).mean((0, 2, 3))
        return x[:, 1:].mean(1) if self.layout == "tokens" else x.mean((1, 2))


@pytest.mark.parametrize("layout", ["first", "last", "tokens", "windows"])
def test_a_pooled_map_is_weighed_by_the_head(layout):
    conv = nn.Sequential(nn.Conv2d(3, 6, 4, 4), nn.ReLU())
    end = [nn.AdaptiveAvgPool2d(1), nn.Flatten()] if layout == "first" else []
    split = [Windows()] if layout == "windows" else []
    middle = [Places(layout), nn.LayerNorm(6), *split, Pooled(layout)] if not end else []
    model = tuned(None, own(conv, *middle, *end), Linear())
    x = (pixels(2, 16) / 255 - model.mean) / model.std
    with torch.no_grad():
        A = model.tower[0](x).flatten(2).transpose(1, 2)
        A = A if layout == "first" else model.tower[2](A)
    rows = model.head.weight.detach()
    channels = rows[CODES] - rows.mean(0)
    cam = torch.einsum("npc,nc->np", A, channels).clamp_min(0)
    expected = (cam / cam.sum(1, keepdim=True)).view(2, 4, 4)
    torch.testing.assert_close(relevance(model, pixels(2, 16), CODES), expected)


def transformer(fused=True, **settings):
    sizes = {"img_size": 16, "patch_size": 4, "embed_dim": 12, "depth": 2, "num_heads": 2}
    torch.manual_seed(0)
    tower = VisionTransformer(**sizes, num_classes=0, **settings).eval()
    for module in tower.modules():
        if not fused and hasattr(module, "fused_attn"):
            module.fused_attn = False
    return tower, tuned(None, own(tower), Linear())


def test_a_transformer_that_pools_its_patches_is_weighed_as_a_map():
    tower, model = transformer(global_pool="avg")
    x = (pixels(2, 16) / 255 - model.mean) / model.std
    with torch.no_grad():
        A = tower.forward_features(x)[:, 1:]
    pooled = A.mean(1).requires_grad_()
    logits = model.head(tower.fc_norm(pooled))
    score = sum(logits[i, k] - logits[i].mean() for i, k in enumerate(CODES.tolist()))
    (channels,) = torch.autograd.grad(score, pooled)
    cam = torch.einsum("npc,nc->np", A, channels).clamp_min(0)
    expected = (cam / cam.sum(1, keepdim=True)).view(2, 4, 4)
    torch.testing.assert_close(relevance(model, pixels(2, 16), CODES), expected)


def test_where_attention_is_not_seen_the_last_tokens_that_it_reads_are_weighed():
    tower, model = transformer(fused=False)
    x = (pixels(2, 16) / 255 - model.mean) / model.std
    last = tower.blocks[-1]
    before = find_stages(tower).before(x, 1).detach()
    A = last.norm1(before).requires_grad_()
    between = before + last.attn(A)
    logits = model.head(tower.norm(between + last.mlp(last.norm2(between)))[:, 0])
    score = sum(logits[i, k] - logits[i].mean() for i, k in enumerate(CODES.tolist()))
    (gradient,) = torch.autograd.grad(score, A)
    cam = torch.einsum("npc,nc->np", A[:, 1:], gradient[:, 1:].mean(1)).clamp_min(0)
    expected = (cam / cam.sum(1, keepdim=True)).view(2, 4, 4).detach()
    torch.testing.assert_close(relevance(model, pixels(2, 16), CODES), expected)


@pytest.mark.parametrize(
    "adapter",
    [AdaptFormer(rank=2), LoRA(rank=2), VPT(), VPT(deep=False, layers=3), Prefix()],
    ids=["adaptformer", "lora", "vpt", "vpt_shallow", "prefix"],
)
def test_adapters_take_part_and_nothing_changes(adapter):
    model = tuned(adapter)
    views = pixels(2)
    with torch.no_grad():
        before = model(views)
    maps = relevance(model, views, CODES)
    assert maps.shape == (2, 5, 5) and (maps >= 0).all()
    torch.testing.assert_close(maps.sum((1, 2)), torch.ones(2))
    assert not torch.allclose(maps, relevance(tuned(), views, CODES), atol=1e-3)
    torch.testing.assert_close(maps[1:], relevance(model, views[1:], CODES[1:]))
    with torch.no_grad():
        assert torch.equal(model(views), before)
    assert all(param.grad is None for param in model.parameters())


def test_the_copy_shares_all_tensors_and_no_module():
    model = tuned(AdaptFormer(rank=2))
    frozen = model.frozen_tower
    twin = copied(model)
    pairs = zip(model.parameters(), twin.parameters(), strict=True)
    assert all(a is b for a, b in pairs) and twin.frozen_tower is frozen
    assert not set(model.tower.modules()) & set(twin.tower.modules())


def planted(n):
    """Grey noise with a square that is red or blue, in one of 25 cells."""
    rng = np.random.default_rng(n)
    X = rng.integers(90, 160, (n, 40, 40, 3)).astype(np.uint8)
    rows, columns = rng.integers(0, 5, (2, n))
    y = np.array(["blue", "red"])[np.arange(n) % 2]
    for x, row, column, label in zip(X, rows, columns, y, strict=True):
        colour = (230, 30, 30) if label == "red" else (30, 30, 230)
        x[8 * row : 8 * row + 8, 8 * column : 8 * column + 8] = colour
    return X, y, (np.arange(n), rows, columns)


def test_a_trained_model_looks_at_what_decides_and_a_random_head_does_not(quick):
    """As in Adebayo et al., "Sanity Checks for Saliency Maps", 2018, arXiv 1810.03292."""
    X, y, _ = planted(48)
    head = {"adapter": None, "head": "cosine", "init": "class_mean", "augmentation": None}
    clf = quick(**head, max_epochs=20, lr=0.05).fit(X, y)
    new, true, where = planted(24)
    assert clf.score(new, true) > 0.9
    trained = clf.explain(new, true).maps[where].mean()
    torch.manual_seed(0)
    nn.init.normal_(clf.model_.head.weight)
    drawn = clf.explain(new, true).maps[where].mean()
    assert trained > 4 / 25 and drawn < 2 / 25


def test_a_tower_without_places_says_so_and_a_report_does_without(quick, shapes):
    flat = own(nn.Flatten(), nn.Linear(3 * 16 * 16, 4))
    with pytest.raises(NoPlacesError, match=r"neither attention nor a map.*OcclusionDisplay"):
        relevance(tuned(None, flat), pixels(2, 16), CODES)
    tower = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 4))
    tower.preprocess = flat.preprocess
    clf = quick(adapter=None).set_params(backbone=tower).fit(*shapes)
    report = Report.from_estimator(clf, shapes[0], np.roll(shapes[1], 1), n_mistakes=1)
    assert len(report.mistakes) == 1 and "looked_at" not in report.mistakes[0]


def test_features_have_no_places(quick, shapes):
    clf = quick().set_params(backbone="precomputed", adapter=None)
    assert not hasattr(clf, "explain") and hasattr(quick(), "explain")
