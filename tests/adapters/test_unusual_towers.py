"""Towers that differ from the families of the matrix in one respect each."""

from __future__ import annotations

import pytest
import timm
import torch
from timm.layers import BlurPool2d, GroupNorm, RmsNorm
from timm.models.res2net import Bottle2neck
from timm.models.resnest import ResNestBottleneck
from timm.models.resnet import BasicBlock, Bottleneck, ResNet
from timm.models.sknet import SelectiveKernelBasic
from timm.models.vision_transformer import VisionTransformer

from sklift._model import TunedModel
from sklift.adapters import (
    SSF,
    VPT,
    Adapter,
    AdaptFormer,
    BitFit,
    ConvAdapter,
    FullTuning,
    LayerNormTuning,
    LoRA,
    SparseTuning,
    resolve_adapter,
    suitable,
)
from sklift.backbones import Backbone, BackboneSpec, Preprocess
from sklift.backbones._blocks import find_blocks
from sklift.heads import Cosine

RESNETS = {
    "split in scales": (Bottle2neck, {"block_args": {"scale": 2}, "base_width": 26}),
    "split attention": (ResNestBottleneck, {"block_args": {"radix": 2, "avd": True}}),
    "split input": (SelectiveKernelBasic, {"block_args": {"sk_kwargs": {"split_input": True}}}),
    "blurred pooling": (Bottleneck, {"aa_layer": BlurPool2d}),
    "squeeze and excitation": (Bottleneck, {"block_args": {"attn_layer": "se"}}),
    "stride in the shortcut's pooling": (Bottleneck, {"avg_down": True}),
    "dilated": (BasicBlock, {"output_stride": 8}),
    "group norm": (Bottleneck, {"norm_layer": GroupNorm}),
}


def wrap(tower, side):
    with torch.no_grad():
        n_features = tower.eval()(torch.zeros(1, 3, side, side)).shape[1]
    pixels = Preprocess(side, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return Backbone(tower, pixels, n_features, find_blocks, spec=BackboneSpec("unusual"))


@pytest.fixture(params=RESNETS)
def resnet(request):
    block, settings = RESNETS[request.param]
    torch.manual_seed(0)
    tower = ResNet(block, [2, 1, 1, 1], 0, channels=(32, 32, 64, 64), stem_width=32, **settings)
    return wrap(tower, 64)


def learns(backbone, recipe, *, same=True):
    """Train one step, with gradients in all trained weights; return the number of those."""
    side = backbone.preprocess.size
    x = torch.randn(2, 3, side, side, generator=torch.Generator().manual_seed(0))
    torch.manual_seed(0)
    model = TunedModel(backbone, recipe, Cosine(), 4)
    assert not same or torch.allclose(model.features(x), backbone.tower(x), rtol=1e-4, atol=1e-5)
    torch.nn.functional.cross_entropy(model.train()(x), torch.tensor([0, 1])).backward()
    trained = [p for p in model.parameters() if p.requires_grad]
    assert all(p.grad is not None for p in trained)
    return sum(p.numel() for p in trained) - 4 * backbone.n_features


def test_convolutional_adapter(resnet):
    """Whatever a block does inside, the branch fits its input and output."""
    blocks = find_blocks(resnet.tower)
    weights = (b.in_width * 4 + 4 + 4 * 9 + 4 + 4 * b.width + b.width for b in blocks)
    assert learns(resnet, ConvAdapter(rank=4)) == sum(weights)


@pytest.mark.parametrize("recipe", [SSF(), LayerNormTuning(), BitFit(), SparseTuning(0.2)])
def test_other_kinds_in_residual_networks(recipe, resnet):
    assert learns(resnet, recipe, same=not isinstance(recipe, SSF)) > 0


def test_all_norms_of_a_residual_block(resnet):
    """Those of a shortcut too."""
    units = [block.unit.get() for block in find_blocks(resnet.tower)]
    kinds = (torch.nn.BatchNorm2d, torch.nn.GroupNorm)
    norms = [m for unit in units for m in unit.modules() if isinstance(m, kinds)]
    assert learns(resnet, LayerNormTuning()) == 2 * sum(len(m.weight) for m in norms)


@pytest.mark.parametrize(
    "recipe, n_weights",
    [
        (LayerNormTuning(), 3 * 2 * 32),
        (SSF(), 3 * (2 * 32 + 2 * (3 * 32 + 32 + 128 + 32))),
        (BitFit(), 3 * (3 * 32 + 32 + 128 + 32)),
        (FullTuning(layers=1), 12 * 32 * 32 + 11 * 32),
        (AdaptFormer(rank=2), 3 * (32 * 7 + 3)),
    ],
)
def test_norms_without_a_shift(recipe, n_weights):
    """A norm by the root mean square is scaled, and has nothing to shift."""
    torch.manual_seed(0)
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}
    backbone = wrap(VisionTransformer(**sizes, num_classes=0, norm_layer=RmsNorm), 32)
    assert learns(backbone, recipe, same=not isinstance(recipe, SSF)) == n_weights


def test_a_norm_over_channels_and_places():
    """Its scale and shift are no vectors: SSF has one for each of their rows."""
    torch.manual_seed(0)
    conv, norm = torch.nn.Conv2d(3, 4, 8, 8), torch.nn.LayerNorm((4, 2, 2))
    backbone = wrap(torch.nn.Sequential(conv, norm, torch.nn.Flatten()), 16)
    assert learns(backbone, SSF(), same=False) == 2 * 4
    assert learns(backbone, LayerNormTuning()) == 2 * 16
    assert learns(backbone, LoRA(rank=2)) == 2 * (4 + 3 * 64)


def test_norms_of_queries_and_keys():
    sizes = {"img_size": 32, "patch_size": 8, "embed_dim": 32, "depth": 3, "num_heads": 2}
    backbone = wrap(VisionTransformer(**sizes, num_classes=0, qk_norm=True), 32)
    assert learns(backbone, LayerNormTuning()) == 3 * 2 * (2 * 32 + 2 * 16)


def test_prompts_need_a_free_number_of_tokens():
    """A table of relative positions has room for the picture's own tokens only."""
    if not timm.is_model("test_vit_relpos"):
        pytest.skip("this version of timm has no small tower of that kind")
    torch.manual_seed(0)
    backbone = wrap(timm.create_model("test_vit_relpos", num_classes=0), 160)
    fits = suitable(backbone.open())
    assert "vpt" not in fits and "adaptformer" in fits
    with pytest.raises(ValueError, match=r"VPT has no place in unusual.*\['adapter'") as caught:
        TunedModel(backbone, VPT(), Cosine(), 4)
    assert str(fits) in str(caught.value)
    for recipe in (AdaptFormer(rank=2), Adapter(rank=2), LoRA(rank=2), LayerNormTuning()):
        assert learns(backbone, recipe) > 0


@pytest.mark.parametrize("second", [VPT(deep=False, length=2), VPT(length=2, layers=1)])
def test_one_set_of_prompts(second, make_backbone):
    both = resolve_adapter([VPT(length=3), second])
    with pytest.raises(ValueError, match="a tower takes one VPT"):
        TunedModel(make_backbone("clip_vit"), both, Cosine(), 4)


@pytest.mark.parametrize("recipe", [LayerNormTuning(layers=1), SSF(layers=[0, 2])])
def test_blocks_without_what_an_adapter_trains(recipe):
    torch.manual_seed(0)
    conv, norm, last = torch.nn.Conv2d(3, 4, 8, 8), torch.nn.BatchNorm2d(4), torch.nn.Linear(16, 4)
    backbone = wrap(torch.nn.Sequential(conv, norm, torch.nn.Flatten(), last), 16)
    with pytest.raises(
        ValueError, match=r"layers=.*finds nothing to train in these blocks of unus"
    ):
        TunedModel(backbone, recipe, Cosine(), 4)
    assert learns(backbone, type(recipe)(layers=2), same=not isinstance(recipe, SSF)) == 8


def test_a_ratio_of_no_entry():
    backbone = wrap(torch.nn.Sequential(torch.nn.Conv2d(3, 4, 8, 8), torch.nn.Flatten()), 8)
    with pytest.raises(ValueError, match=r"ratio=0.001 of each matrix .* unusual has 772; raise"):
        TunedModel(backbone, SparseTuning(0.001), Cosine(), 4)
    assert learns(backbone, SparseTuning(0.0014)) == 1
