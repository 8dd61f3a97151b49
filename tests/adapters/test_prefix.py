"""Prefixes: against torch's own further key and value, and softmax over both by hand."""

from __future__ import annotations

import pytest
import torch
from timm.layers.attention import Attention
from torch import nn
from torch.nn import functional as F

from sklift._model import TunedModel
from sklift.adapters import VPT, Prefix, resolve_adapter
from sklift.adapters._prefix import KeysAndValues
from sklift.backbones._fast._attention import use_fast_attention
from sklift.heads import Cosine


def attention(kind):
    torch.manual_seed(0)
    made = nn.MultiheadAttention(12, 3, batch_first=True) if kind == "torch" else Attention(12, 3)
    tower = nn.Sequential(made)
    use_fast_attention(tower)
    made.prefix = KeysAndValues(4, 12, 0.8)
    return tower.double().eval()[0]


def computed(made, x, query=None):
    if isinstance(made, nn.MultiheadAttention):
        return made(x if query is None else query, x, x, need_weights=False)[0]
    return made(x)


@pytest.mark.parametrize("kind", ["torch", "timm"])
def test_all_heads_by_hand(kind):
    """Each head: softmax over the tokens and its part of the learned keys, then the values."""
    made, x = attention(kind), torch.randn(2, 5, 12, dtype=torch.float64)
    if kind == "torch":
        weight, bias, out = made.in_proj_weight, made.in_proj_bias, made.out_proj
    else:
        weight, bias, out = made.qkv.weight, made.qkv.bias, made.proj
    q, k, v = (x @ weight.T + (0 if bias is None else bias)).chunk(3, -1)
    expected = torch.zeros(2, 5, 12, dtype=torch.float64)
    for n in range(2):
        for head in range(3):
            own = slice(4 * head, 4 * head + 4)
            keys = torch.cat([made.prefix.keys[:, own], k[n, :, own]])
            values = torch.cat([made.prefix.values[:, own], v[n, :, own]])
            scores = (q[n, :, own] @ keys.T / 2).exp()
            expected[n, :, own] = scores @ values / scores.sum(1, keepdim=True)
    torch.testing.assert_close(computed(made, x), out(expected), rtol=0, atol=1e-12)
    # what the last block computes: one query alone
    if kind == "torch":
        first = computed(made, x, x[:, :1])
        torch.testing.assert_close(first, out(expected)[:, :1], rtol=0, atol=1e-12)


def test_one_key_and_value_as_torch_adds_them():
    made, x = attention("torch"), torch.randn(2, 5, 12, dtype=torch.float64)
    made.prefix = KeysAndValues(1, 12, 0.8).double()
    t = x.transpose(0, 1)
    own = (made.in_proj_weight, made.in_proj_bias, made.prefix.keys[None], made.prefix.values[None])
    rest = (False, 0.0, made.out_proj.weight, made.out_proj.bias)
    expected, _ = F.multi_head_attention_forward(t, t, t, 12, 3, *own, *rest, training=False)
    torch.testing.assert_close(computed(made, x), expected.transpose(0, 1), rtol=0, atol=1e-12)


@pytest.mark.parametrize("kind", ["torch", "timm"])
def test_a_mask_is_refused(kind):
    made, x = attention(kind), torch.randn(2, 5, 12, dtype=torch.float64)
    with pytest.raises(ValueError, match="an attention with a Prefix takes no mask"):
        made(x, x, x) if kind == "torch" else made(x, attn_mask=torch.zeros(5, 5).double())


@pytest.mark.parametrize("n_classes, length", [(2, 1), (11, 1), (12, 2), (100, 16)])
def test_length(n_classes, length, make_backbone):
    """Two of them a block, of the block's width: no more weights than the head."""
    model = TunedModel(make_backbone("timm_vit"), Prefix("auto"), Cosine(), n_classes)
    assert model.adapter.length == length
    assert model.n_trainable_params == 32 * (2 * 3 * length + n_classes)


def test_no_token_more(make_backbone):
    backbone = make_backbone("timm_vit")
    seen: list = []
    for recipe in (Prefix(length=7), VPT(length=7)):
        model = TunedModel(backbone, recipe, Cosine(), 5)
        model.tower.blocks[1].register_forward_hook(lambda m, a, y: seen.append(y.shape[1]))
        model(torch.randn(1, 3, 32, 32))
    assert seen == [17, 24]


def test_one_is_enough(make_backbone):
    both = resolve_adapter([Prefix(length=3), Prefix(length=2, layers=1)])
    with pytest.raises(ValueError, match="a tower takes one Prefix: make that one longer"):
        TunedModel(make_backbone("clip_vit"), both, Cosine(), 4)
