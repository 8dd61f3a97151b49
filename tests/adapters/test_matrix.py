"""Every adapter in every family of towers: what each promises, whatever it sits in."""

from __future__ import annotations

import copy
import pickle
import re
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.base import clone
from torch import nn

from sklift._model import TunedModel
from sklift.adapters import (
    ADAPTERS,
    SSF,
    VPT,
    Adapter,
    AdaptFormer,
    BitFit,
    ConvAdapter,
    DoRA,
    FeatureAdapter,
    FullTuning,
    HalfTuning,
    LayerNormTuning,
    LoRA,
    Prefix,
    RsLoRA,
    SparseTuning,
    resolve_adapter,
    suitable,
)
from sklift.backbones._blocks import find_blocks
from sklift.heads import Cosine

RECIPES = {
    "adaptformer": AdaptFormer(rank=4),
    "adapter": Adapter(rank=4),
    "lora": LoRA(rank=2),
    "lora in all maps": LoRA(rank=2, targets=("q", "k", "v", "out", "mlp")),
    "rslora": RsLoRA(rank=2),
    "dora": DoRA(rank=2),
    "vpt": VPT(length=3),
    "vpt shallow": VPT(deep=False, length=3),
    "prefix": Prefix(length=3),
    "ssf": SSF(),
    "bitfit": BitFit(),
    "layer_norm": LayerNormTuning(),
    "sparse": SparseTuning(ratio=0.3),
    "full": FullTuning(),
    "half": HalfTuning(),
    "conv": ConvAdapter(rank=4),
    "feature": FeatureAdapter(rank=32),
    "none": None,
    "transformer combination": resolve_adapter(
        [AdaptFormer(2), LoRA(2), SSF(), VPT(length=2), Prefix(length=2), LayerNormTuning()]
    ),
    "any combination": resolve_adapter(
        [FeatureAdapter(rank=32), LayerNormTuning(), SparseTuning(0.1)]
    ),
}
MOVES_AT_ONCE = {"vpt", "prefix", "vpt shallow", "ssf", "transformer combination"}
CONV = {
    "lora",
    "rslora",
    "dora",
    "ssf",
    "bitfit",
    "layer_norm",
    "sparse",
    "full",
    "half",
    "conv",
    "feature",
    "none",
    "any combination",
}
WEIGHTS_ALONE = CONV - {"conv"}  # where blocks are of unknown parts
FITS = {
    family: CONV if "resnet" in family else set(RECIPES) - {"conv"}
    for family in (
        "clip_vit",
        "timm_vit",
        "timm_vit_average",
        "siglip",
        "clip_resnet",
        "timm_resnet",
        "timm_bottleneck_resnet",
    )
} | {
    family: WEIGHTS_ALONE
    for family in (
        "timm_convnext",
        "timm_efficientnet",
        "timm_mobilenet",
        "timm_regnet",
        "timm_swin",
        "timm_densenet",
        "torchvision_vit",
    )
}
TRIED = {  # RsLoRA differs from LoRA by one number: a family of each kind is enough
    family: kinds if family in ("clip_vit", "timm_resnet", "timm_swin") else kinds - {"rslora"}
    for family, kinds in FITS.items()
}
FAMILY_OF_TOWER_AND_KIND = [(f, k) for f, kinds in TRIED.items() for k in RECIPES if k in kinds]
SITED = [
    (f, k)
    for f, k in FAMILY_OF_TOWER_AND_KIND
    if hasattr(RECIPES[k], "layers") and k not in ("rslora", "dora")  # they choose as LoRA does
]


def images(backbone, n=4):
    side = backbone.preprocess.size
    return torch.randn(n, 3, side, side, generator=torch.Generator().manual_seed(0))


def build(backbone, recipe):
    torch.manual_seed(0)
    return TunedModel(backbone, None if recipe is None else clone(recipe), Cosine(), 5)


def perturb(model):
    with torch.no_grad():
        for param in model.parameters():
            if param.requires_grad:
                param += 0.1 * torch.randn_like(param)


def units(backbone):
    """The names of a tower's blocks."""
    blocks = [block.unit.get() for block in find_blocks(backbone.tower)]
    names = {id(m): name for name, m in backbone.tower.named_modules()}
    return [names[id(block)] for block in blocks]


def trained_units(model, blocks):
    """The indices of the named blocks that hold trained weights; there are none elsewhere."""
    names = [n for n, p in model.tower.named_parameters() if p.requires_grad]
    found = {n: i for n in names for i, u in enumerate(blocks) if n.startswith(f"{u}.")}
    assert found.keys() == set(names)
    return sorted(set(found.values()))


def test_every_kind_is_in_the_matrix():
    assert {type(r) for r in RECIPES.values()} >= {c for c in ADAPTERS.values() if c is not None}


@pytest.mark.parametrize("family, kind", FAMILY_OF_TOWER_AND_KIND)
def test_train_save_load_clone(family, kind, make_backbone):
    backbone = make_backbone(family)
    frozen = copy.deepcopy(backbone.tower.state_dict())
    x, y = images(backbone), torch.tensor([0, 1, 2, 3])
    start = backbone.tower(x)

    model = build(backbone, RECIPES[kind])
    same = torch.allclose(model.features(x), start, rtol=1e-4, atol=1e-5)
    assert same == (kind not in MOVES_AT_ONCE)

    # Training: gradients on exactly the trained weights, which all move.
    model.train()
    trained = {n: p for n, p in model.named_parameters() if p.requires_grad}
    before = model.trained_state()
    optimizer = torch.optim.SGD(trained.values(), lr=0.1)
    for _ in range(3):
        model.zero_grad()
        torch.nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    dead = [n for n, p in trained.items() if p.grad is None or not p.grad.any()]
    assert not dead
    assert all(p.grad is None for n, p in model.named_parameters() if n not in trained)
    after = model.trained_state()
    assert after.keys() == before.keys() >= trained.keys()
    assert not torch.equal(after["head.weight"], before["head.weight"])
    assert model.n_trainable_params == sum(after[n].numel() for n in trained)

    # The frozen tower, its buffers included, is bit-equal, and opens as it was.
    for name, tensor in backbone.tower.state_dict().items():
        assert torch.equal(tensor, frozen[name]), name
    assert torch.equal(backbone.tower(x), start)
    assert torch.equal(backbone.open().module(x), start)
    assert not any(p.requires_grad for p in backbone.tower.parameters())
    assert not any("parametrizations" in name for name, _ in backbone.tower.named_modules())

    # Save and load, copy, and set the state of another model.
    model.eval()
    with torch.no_grad():
        logits = model(x)
        assert torch.equal(pickle.loads(pickle.dumps(model))(x), logits)
        copied = copy.deepcopy(model)
        assert torch.equal(copied(x), logits)
        perturb(copied)
        assert torch.equal(model(x), logits)
        other = build(backbone, RECIPES[kind])
        assert not torch.equal(other(x), logits)
        other.load_trained_state(model.trained_state())
        assert torch.equal(other(x), logits)
    # Inference without and with gradients runs other kernels in places, but the same maths.
    torch.testing.assert_close(model(x), logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("family, kind", SITED)
def test_layers(family, kind, make_backbone):
    backbone = make_backbone(family)
    blocks, x = units(backbone), images(backbone, 2)
    n = len(blocks)
    recipe = clone(RECIPES[kind])
    first_only = kind == "vpt shallow"
    for layers, expected in {
        None: list(range(n)),
        2: [n - 2, n - 1],
        (0, 2): [0, 2],
        (-1, 0): [0, n - 1],
        (1,): [1],
    }.items():
        layers = list(layers) if isinstance(layers, tuple) else layers
        model = build(backbone, recipe.set_params(layers=layers))
        assert trained_units(model, blocks) == (expected[:1] if first_only else expected)
        assert model.adapter.layers == layers

    # Block 1 alone: what comes out of block 0 is as before, what comes out of block 1 is not.
    perturb(model)
    out = {}
    for name, tower in (("frozen", backbone.open().module), ("tuned", model.tower)):
        for i in (0, 1):
            block = tower.get_submodule(blocks[i])
            block.register_forward_hook(lambda m, a, y, key=(name, i): out.update({key: y}))
        tower(x)
    assert torch.equal(out["frozen", 0], out["tuned", 0])
    a, b = out["frozen", 1], out["tuned", 1]
    assert a.shape != b.shape or not torch.allclose(a, b)


def test_layers_may_be_an_array(make_backbone):
    backbone = make_backbone("clip_vit")
    model = build(backbone, AdaptFormer(rank=2, layers=np.array([0, 2])))
    assert trained_units(model, units(backbone)) == [0, 2]


def test_targets_may_be_an_array(make_backbone):
    backbone = make_backbone("clip_vit")
    given, as_list = (
        build(backbone, LoRA(2, targets=t)) for t in (np.array(["q", "out"]), ["q", "out"])
    )
    assert given.trained_state().keys() == as_list.trained_state().keys()
    assert list(pickle.loads(pickle.dumps(given)).adapter.targets) == ["q", "out"]
    with pytest.raises(ValueError, match="targets must be 'auto' or distinct"):
        build(backbone, LoRA(2, targets=np.array([1, 2])))


@pytest.mark.parametrize(
    "layers, error, message",
    [
        (4, ValueError, "asks for the last 4 of 3 blocks"),
        (0, ValueError, "asks for the last 0 of 3 blocks"),
        ([0, 3], ValueError, "distinct block indices from 0 to 2"),
        ([0, -3], ValueError, "distinct block indices"),
        ([], ValueError, "distinct block indices"),
        (True, TypeError, "None, an int or a sequence of int"),
        ([True], TypeError, "None, an int or a sequence of int"),
        (1.5, TypeError, "None, an int or a sequence of int"),
        ("all", TypeError, "None, an int or a sequence of int"),
    ],
)
@pytest.mark.parametrize("kind", ["adaptformer", "ssf", "vpt", "sparse"])
def test_wrong_layers(kind, layers, error, message, make_backbone):
    backbone = make_backbone("clip_vit")
    with pytest.raises(error, match=message):
        build(backbone, clone(RECIPES[kind]).set_params(layers=layers))


@pytest.mark.parametrize("family", [*FITS, "pooled_pixels"])
def test_unfit_kinds_name_those_that_fit(family, make_backbone):
    backbone = make_backbone(family)
    fits = suitable(backbone.open())
    expected = {k for k in FITS.get(family, {"feature", "none"}) if k in ADAPTERS}
    assert set(fits) == expected
    for kind in set(ADAPTERS) - expected:
        with pytest.raises(ValueError, match=rf"has no place in test-{family}") as caught:
            build(backbone, RECIPES[kind])
        assert str(fits) in str(caught.value)


@pytest.mark.parametrize("family", ["clip_resnet", "timm_resnet", "timm_bottleneck_resnet"])
def test_conv_blocks(family, make_backbone):
    """Width and stride of a block are those that its output has."""
    backbone = make_backbone(family)
    shapes = []
    for block in find_blocks(backbone.tower):
        block.unit.get().register_forward_hook(
            lambda m, a, y, block=block: shapes.append((block, a[0].shape, y.shape))
        )
    backbone.tower(images(backbone, 1))
    assert shapes
    for block, given, returned in shapes:
        assert (given[1], returned[1]) == (block.in_width, block.width)
        assert returned[2] == -(-given[2] // block.stride)


@pytest.mark.parametrize("family", [f for f in FITS if FITS[f] == WEIGHTS_ALONE])
def test_blocks_of_unknown_parts(family, make_backbone):
    """All of a tower's rows are found; what lies between and around them stays frozen."""
    backbone = make_backbone(family)
    blocks, tower = find_blocks(backbone.tower), backbone.tower
    found = {block.unit.get() for block in blocks}
    kind = (
        "ConvNeXtBlock|.*Residual|DepthwiseSeparableConv|ConvBnAct|Bottleneck|SwinTransformerBlock"
        "|DenseLayer|EncoderBlock"
    )
    named = [m for m in tower.modules() if re.fullmatch(kind, type(m).__name__)]
    assert found == set(named) and [b.unit.get() for b in blocks] == named
    channels = -1 if family in ("timm_swin", "torchvision_vit") else 1
    kinds = (nn.Conv2d, nn.Linear, nn.MultiheadAttention)
    for block in blocks:
        block.unit.get().register_forward_hook(
            lambda m, a, y, width=block.width: seen.append((width, y.shape[channels]))
        )
        weights = [m for m in block.unit.get().modules() if isinstance(m, kinds)]
        assert [site.owner for site in block.linears] == weights
        norms = [
            m
            for m in block.unit.get().modules()
            if isinstance(m, (nn.BatchNorm2d, nn.LayerNorm))  # timm's own are subclasses
        ]
        assert [site.owner for site in block.norms] == norms and norms
    seen: list = []
    tower(images(backbone, 1))
    assert len(seen) == len(blocks)
    assert all(width == channels for width, channels in seen)


def test_prompts_do_not_reach_the_pooling(make_backbone):
    """An average over tokens is one over those of the picture."""
    backbone = make_backbone("timm_vit_average")
    model = build(backbone, VPT(length=3))
    tokens = []
    model.tower.norm.register_forward_hook(lambda m, a, y: tokens.append(a[0].shape[1]))
    model.tower.fc_norm.register_forward_hook(lambda m, a, y: tokens.append(a[0].shape[1]))
    model(images(backbone))
    assert tokens[0] == 16


def test_one_shared_tower(make_backbone):
    """Two models with different adapters share every frozen weight."""
    backbone = make_backbone("clip_vit")
    one, two = build(backbone, AdaptFormer(rank=2)), build(backbone, SSF())
    storage = {p.data_ptr() for p in backbone.tower.parameters()}
    for model in (one, two):
        frozen = [p for p in model.tower.parameters() if not p.requires_grad]
        assert {p.data_ptr() for p in frozen} == storage


def test_auto_rank_is_filled_in(make_backbone):
    backbone = make_backbone("clip_vit")
    recipe = resolve_adapter([AdaptFormer(layers=2), LoRA(), Adapter(), FeatureAdapter()])
    done = TunedModel(backbone, recipe, Cosine(), 100).adapter
    ranks = {name: r.rank for name, r in done.recipes}
    assert ranks == {"adaptformer": 16, "lora": 8, "adapter": 16, "feature": 32}
    assert dict(recipe.recipes)["lora"].rank == "auto"


@pytest.mark.parametrize("low, high", list(pairwise([0.0, 0.25, 0.5, 1.0])))
def test_sparse_ratio_counts(low, high, make_backbone):
    backbone = make_backbone("clip_vit")
    n = 3 * (12 * 32 * 32 + 9 * 32)  # entries of the four matrices with their biases
    count = build(backbone, SparseTuning(high)).n_trainable_params - 5 * 32
    assert n * low < count <= n * high
    assert n * high - count < 12


def test_sparse_masks_differ_and_follow_the_seed(make_backbone):
    backbone = make_backbone("clip_vit")

    def masks(seed):
        state = build(backbone, SparseTuning(0.2, mask_seed=seed)).trained_state()
        return {k: v for k, v in state.items() if k.endswith("entries")}

    a, b, c = masks(0), masks(0), masks(1)
    assert all(torch.equal(a[k], b[k]) for k in a)
    weights = [k for k in a if "mlp.c_fc.parametrizations.weight" in k]
    assert len(weights) == 3
    assert not torch.equal(a[weights[0]][:50], a[weights[1]][:50])
    assert not torch.equal(a[weights[0]][:50], c[weights[0]][:50])


@pytest.mark.parametrize(
    "recipe, message",
    [
        (AdaptFormer(rank=0), "rank must be 'auto' or an int of at least 1, got 0"),
        (Adapter(rank="8"), "rank must be 'auto' or an int of at least 1, got '8'"),
        (LoRA(rank=2.0), "rank must be 'auto' or an int"),
        (LoRA(targets="q"), "targets must be 'auto' or distinct names out of"),
        (LoRA(targets=("q", "q")), "targets must be 'auto' or distinct"),
        (LoRA(targets=("proj",)), "targets must be 'auto' or distinct"),
        (LoRA(targets=()), "targets must be 'auto' or distinct"),
        (VPT(length=0), "length must be 'auto' or an int of at least 1, got 0"),
        (Prefix(length=0), "length must be 'auto' or an int of at least 1, got 0"),
        (SparseTuning(ratio=0.0), "ratio == 0"),
        (SparseTuning(ratio=1.5), "ratio == 1.5"),
        (AdaptFormer(scale=-1.0), "scale == -1"),
        (FeatureAdapter(rank=-1), "rank must be 'auto' or an int"),
    ],
)
def test_wrong_settings(recipe, message, make_backbone):
    with pytest.raises(ValueError, match=message):
        build(make_backbone("clip_vit"), recipe)


def test_mixed_precision(make_backbone, family):
    """Mixed precision with every kind that fits: logits stay float32 and near."""
    backbone = make_backbone(family)
    x = images(backbone)
    for kind in sorted(TRIED[family]):
        model = build(backbone, RECIPES[kind])
        with torch.autocast("cpu", torch.bfloat16):
            logits = model(x)
        assert logits.dtype == torch.float32
        torch.testing.assert_close(logits, model(x), rtol=0.1, atol=1.5)
