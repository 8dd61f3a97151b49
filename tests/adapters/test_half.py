"""Half tuning: which half is trained, and what it computes."""

from __future__ import annotations

import copy
from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from sklift._model import TunedModel
from sklift._model._fold import folded
from sklift.adapters import HalfTuning
from sklift.adapters._half import Bands, _Halves
from sklift.backbones import Backbone, Preprocess
from sklift.backbones._blocks import find_blocks
from sklift.heads import Cosine


def build(backbone, state=0, **settings):
    torch.manual_seed(state)
    return TunedModel(backbone, HalfTuning(**settings), Cosine(), 5)


def trained(model, block):
    """What is trained in a block of a CLIP tower, by short names, biases left out."""
    prefix, found = f"tower.transformer.resblocks.{block}.", set()
    for name, param in model.named_parameters():
        if param.requires_grad and name.startswith(prefix) and "bias" not in name:
            name = name.removeprefix(prefix).replace("attn.out_proj.weight", "out")
            found.add(name[-1] if "values" in name else name.removesuffix(".weight"))
    return found


@pytest.mark.parametrize("seed", range(4))
def test_a_half_of_each_kind_in_each_block(seed, make_backbone):
    model = build(make_backbone("clip_vit"), seed=seed)
    for i in range(3):
        found = trained(model, i)
        assert len(found & {"q", "k", "v", "out"}) == 2
        assert len(found & {"mlp.c_fc", "mlp.c_proj"}) == 1
        assert len(found & {"ln_1", "ln_2"}) == 1
        assert len(found) == 4
    width = 32
    weights = 2 * width * (width + 1) + 4 * width * width + 2 * width
    biases = model.n_trainable_params - 5 * width - 3 * weights
    # of the feed-forward part either the bias of 4 * 32 or that of 32
    assert biases in [n * 4 * width + (3 - n) * width for n in range(4)]


def test_each_part_is_chosen_about_as_often(make_backbone):
    blocks = find_blocks(make_backbone("clip_vit").tower)
    counts: Counter = Counter()
    for seed in range(100):
        halves = _Halves(seed)
        for i, block in enumerate(blocks):
            sites = [*block.linears, *block.norms]
            chosen = ((sites.index(site), bands) for site, bands in halves.of(block))
            counts.update((i, n, band) for n, bands in chosen for band in bands or "-")
    assert len(counts) == 3 * 8
    # 100 draws with a chance of a half: 50 and four standard deviations
    assert all(50 - 20 < n < 50 + 20 for n in counts.values()), counts


def test_the_choice_follows_the_seed(make_backbone):
    backbone = make_backbone("clip_vit")
    names = [build(backbone, seed).trained_state().keys() for seed in (0, 0, 1)]
    assert names[0] == names[1] != names[2]
    drawn = build(backbone, 0).adapter
    assert isinstance(drawn.seed, int) and HalfTuning().seed == "auto"
    again = TunedModel(backbone, drawn, Cosine(), 5)  # whatever is drawn meanwhile
    assert again.trained_state().keys() == names[0]


@pytest.mark.parametrize("seed", [-1, 2**31, 1.0, True, "0", None])
def test_wrong_seeds(seed, make_backbone):
    with pytest.raises(ValueError, match=r"seed must be 'auto' or an int from 0 to 2147483647"):
        build(make_backbone("clip_vit"), seed=seed)


def test_bands_take_the_place_of_rows():
    rng = np.random.default_rng(0)
    frozen, values = rng.normal(size=(6, 4)), rng.normal(size=(2, 2, 4))
    module = Bands(torch.from_numpy(frozen), "qv")
    assert torch.equal(module(torch.from_numpy(frozen)), torch.from_numpy(frozen))
    with torch.no_grad():
        module.values["q"].copy_(torch.from_numpy(values[0]))
        module.values["v"].copy_(torch.from_numpy(values[1]))
    expected = np.concatenate([values[0], frozen[2:4], values[1]])
    assert np.array_equal(module(torch.from_numpy(frozen)).detach().numpy(), expected)


@pytest.mark.parametrize("family", ["clip_vit", "timm_vit", "timm_swin"])
def test_a_step_is_one_of_full_tuning_in_the_chosen_weights(family, make_backbone):
    """Plain gradient descent on all weights of the tower, in float64, put in by name."""
    backbone = make_backbone(family)
    side = backbone.preprocess.size
    x = torch.randn(3, 3, side, side, generator=torch.Generator().manual_seed(0))
    model = build(backbone).double()
    plain = nn.Module.double(copy.deepcopy(backbone.tower)).requires_grad_(True)
    for module, features in ((model, model.tower), (plain, plain)):
        (features.double()(x.double()) ** 3).sum().backward()
        with torch.no_grad():
            for param in module.parameters():
                if param.grad is not None:
                    param -= 1e-3 * param.grad
    ours = folded(model).tower.state_dict()
    start, moved = backbone.tower.state_dict(), plain.state_dict()
    n_moved = 0
    for name, tensor in ours.items():
        # what is stacked, as queries, keys and values, is looked at one by one
        n = 3 if tensor.ndim and len(tensor) % 3 == 0 else 1
        parts = (t.chunk(n) if n > 1 else (t,) for t in (tensor, start[name], moved[name]))
        for got, was, new in zip(*parts, strict=True):
            stays = torch.equal(got, was.double())
            n_moved += not stays
            assert stays or torch.allclose(got, new, rtol=0, atol=1e-12), name
    assert n_moved > 6


def test_layers_in_a_chain_alternate():
    torch.manual_seed(0)
    convs = [nn.Conv2d(3, 3, 1) for _ in range(5)]
    tower = nn.Sequential(*convs, nn.AdaptiveAvgPool2d(2), nn.Flatten())
    backbone = Backbone(tower, Preprocess(8, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5)))
    model = build(backbone)
    names = [n for n, p in model.tower.named_parameters() if p.requires_grad]
    assert names == [f"{i}.{kind}" for i in (0, 2, 4) for kind in ("weight", "bias")]
