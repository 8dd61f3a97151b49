"""Blocks of towers of any make: torchvision's, and modules as users write them."""

from __future__ import annotations

from collections import Counter
from functools import partial

import pytest
import torch
from timm.models.vision_transformer import VisionTransformer
from torch import nn
from torchvision import models
from torchvision.models.convnext import CNBlockConfig
from torchvision.models.densenet import DenseNet
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.models.swin_transformer import SwinTransformer

from sklift.adapters import suitable
from sklift.backbones import ConvBlock, OpenTower, SequenceBlock
from sklift.backbones._blocks import find_blocks

OF_WEIGHTS = {"bitfit", "full", "half", "layer_norm", "lora", "rslora", "dora", "sparse", "ssf"}
VIT = {"img_size": 16, "patch_size": 8, "embed_dim": 16, "depth": 2, "num_heads": 2}


def swin():
    sizes = {"patch_size": [4, 4], "embed_dim": 16, "num_heads": [2, 2], "window_size": [2, 2]}
    return SwinTransformer(depths=[2, 1], num_classes=1, **sizes)


def convnext():
    rows = CNBlockConfig(8, 16, 2), CNBlockConfig(16, None, 3)
    return models.ConvNeXt(list(rows), num_classes=1)


TORCHVISION = {
    "swin": (swin, {"SwinTransformerBlock": 3}),
    "convnext": (convnext, {"CNBlock": 5}),
    "densenet": (partial(DenseNet, 8, (2, 1), 8, num_classes=1), {"_DenseLayer": 3}),
    "resnet": (partial(ResNet, BasicBlock, [1, 2, 1, 1], 1), {"BasicBlock": 5}),
    "mobilenet": (partial(models.mobilenet_v3_small, num_classes=1), {"InvertedResidual": 11}),
    "squeezenet": (models.squeezenet1_1, {"Fire": 8}),
}


def kinds(tower):
    return dict(Counter(type(block.unit.get()).__name__ for block in find_blocks(tower)))


def takes(tower):
    blocks = find_blocks(tower)
    return set(suitable(OpenTower(tower, blocks, 1, "tower"))) - {"feature", "none"}


@pytest.mark.parametrize("make, expected", TORCHVISION.values(), ids=TORCHVISION)
def test_torchvision(make, expected):
    with torch.device("meta"):
        tower = make()
    assert kinds(tower) == expected
    if expected == {"Fire": 8}:  # it has no norms
        assert takes(tower) == OF_WEIGHTS - {"layer_norm", "ssf"}
    else:
        is_resnet = all(isinstance(block, ConvBlock) for block in find_blocks(tower))
        assert takes(tower) == OF_WEIGHTS | ({"conv"} if is_resnet else set())
        assert is_resnet == (make is TORCHVISION["resnet"][0])


class Branch(nn.Module):
    """A residual branch with its norm, as many transformers are written."""

    def __init__(self, width=8):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.down, self.up = nn.Linear(width, 4), nn.Linear(4, width)

    def forward(self, x):
        return x + self.up(torch.relu(self.down(self.norm(x))))


class Stage(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.reduce = nn.Linear(8, 8)
        self.steps = nn.ModuleDict({f"step{i}": Branch() for i in range(n)})


class Wrapped(nn.Module):
    def __init__(self, inner):
        super().__init__()
        self.encoder = nn.ModuleDict({"inner": inner})


def test_inner_rows_are_meant():
    """A stage repeats itself too, but it holds a row of blocks."""
    tower = nn.ModuleDict({"stem": nn.Linear(4, 8), "stages": nn.ModuleList([Stage(1), Stage(3)])})
    assert kinds(Wrapped(tower)) == {"Branch": 4}
    named = {m: n for n, m in tower.named_modules()}
    ends = [named[block.unit.get()].rpartition(".")[2] for block in find_blocks(Wrapped(tower))]
    assert ends == ["step0", "step0", "step1", "step2"]


def test_a_block_that_is_not_repeated_is_taken_apart():
    tower = nn.Sequential(nn.Conv2d(3, 8, 2), nn.BatchNorm2d(8), nn.ReLU(), Branch())
    expected = {"Conv2d": 1, "BatchNorm2d": 1, "LayerNorm": 1, "Linear": 2}
    assert kinds(tower) == expected


def test_few_of_the_weights_are_not_enough():
    """Two small modules that are alike do not make a chain of wide layers a row of blocks."""
    small = [Branch(), Branch()]
    assert kinds(nn.Sequential(nn.Linear(4, 8), *small)) == {"Branch": 2}
    assert kinds(nn.Sequential(nn.Linear(64, 8), *small))["Linear"] == 5


def test_without_norms():
    class Plain(nn.Module):
        def __init__(self):
            super().__init__()
            self.one, self.two = nn.Conv2d(4, 4, 3, bias=False), nn.Conv2d(4, 4, 1, bias=False)

    tower = nn.Sequential(Plain(), Plain())
    assert kinds(tower) == {"Plain": 2}
    assert takes(tower) == OF_WEIGHTS - {"layer_norm", "ssf", "bitfit"}


def test_a_module_in_two_places_is_one_block():
    shared = Branch()
    tower = nn.Sequential(nn.Sequential(shared, Branch()), nn.Sequential(Branch(), shared))
    blocks = find_blocks(tower)
    assert len(blocks) == 3 and blocks[0].unit.get() is shared


def test_a_weight_that_is_computed_is_no_site():
    """Parts can't be attached to it: it is no parameter."""
    block = find_blocks(nn.Sequential(nn.utils.spectral_norm(nn.Linear(4, 4)), nn.Linear(4, 2)))
    assert [len(b.linears) for b in block] == [1]
    packed = nn.MultiheadAttention(8, 2)
    separate = nn.MultiheadAttention(8, 2, kdim=4, vdim=4)
    sites = [[w.weight for w in b.linears] for b in find_blocks(nn.ModuleList([packed, separate]))]
    assert sites == [["in_proj_weight", "weight"], ["weight"]]


def test_a_known_tower_inside_of_another():
    """All adapters of a transformer fit where a module wraps one, and is little more."""
    torch.manual_seed(0)
    wrapped = Wrapped(VisionTransformer(**VIT, num_classes=0))
    assert all(isinstance(block, SequenceBlock) for block in find_blocks(wrapped))
    wrapped.head = nn.Linear(100, 200)  # most of what there is lies elsewhere
    assert not any(isinstance(block, SequenceBlock) for block in find_blocks(wrapped))
    towers = [VisionTransformer(**VIT | {"depth": n}, num_classes=0) for n in (1, 9)]
    both = find_blocks(nn.ModuleList(towers))  # two that work together, as in stages
    assert len(both) == 10 and not any(isinstance(block, SequenceBlock) for block in both)


def test_convolutions_with_the_names_of_matrices():
    """What adapters of tokens need are matrices."""

    class Pixels(nn.Module):
        def __init__(self, conv):
            super().__init__()
            self.norm1, self.norm2, self.ls2 = nn.LayerNorm(4), nn.LayerNorm(4), nn.Identity()
            self.attn = nn.ModuleDict({"qkv": conv(4, 12), "proj": conv(4, 4)})
            self.mlp = nn.ModuleDict({"fc1": conv(4, 8), "fc2": conv(8, 4)})

    class Tower(nn.Module):
        def __init__(self, conv):
            super().__init__()
            self.blocks = nn.ModuleList([Pixels(conv), Pixels(conv)])

    assert "adaptformer" in takes(Tower(nn.Linear))
    odd = Tower(nn.Linear)
    odd.blocks[0].attn["proj"] = nn.Sequential(nn.Linear(4, 4))  # has no weight itself
    assert takes(odd) == OF_WEIGHTS
    assert takes(Tower(partial(nn.Conv2d, kernel_size=1))) == OF_WEIGHTS
