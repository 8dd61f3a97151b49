"""Bad recipes, backbones and devices."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict

import torch

from sklift.adapters import VPT, AdaptFormer, HalfTuning, LoRA, SparseTuning
from sklift.backbones import OpenClip, OwnTower
from sklift.heads import Cosine
from sklift.images import (
    CutMix,
    FiveCrop,
    MinimalistCrop,
    MixUp,
    RandomCrops,
    ResizedCrop,
    StoredViews,
)
from sklift.losses import ClassBalanced, Focal, LogitAdjusted
from sklift.regularizers import Anchor, Consistency, Distillation

from .bench import BadFit


def recipe(kind: str, value, message: str, error=ValueError, **more) -> BadFit:
    """A recipe that can't be used."""
    return BadFit(f"``{kind}={value!r}``", error, message, lambda b: {kind: value, **more})


class Malicious:
    """Makes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (self.path,)


def checkpoint(bench, content, name="weights.pt") -> dict:
    """A small tower with a checkpoint file of this content."""
    path = bench.folder / name
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        torch.save(content, path)
    return {"backbone": "timm/test_vit", "pretrained": path}


RECIPES = [
    recipe("adapter", "adaptfromer", "Unknown adapter .*Did you mean 'adaptformer'"),
    recipe("loss", "logit_adjust", "Unknown loss .*Did you mean 'logit_adjusted'"),
    recipe("regularizer", "ancor", "Unknown regularizer .*Did you mean 'anchor'"),
    recipe("regularizer", Consistency(weight=-1), "weight == -1, must be >= 0"),
    recipe("regularizer", Anchor(part="tail"), "part must be one of .* got 'tail'"),
    recipe("regularizer", Distillation(temperature=0), "temperature == 0, must be > 0"),
    recipe("head", "cosin", "Unknown head .*Did you mean 'cosine'"),
    recipe("head", None, "head must be one of .* got None", TypeError),
    recipe("adapter", [], "a list must hold one or more adapters"),
    BadFit(
        "a recipe's class, not an instance",
        TypeError,
        r"adapter must be an instance, not a class: pass LoRA\(\), not LoRA",
        lambda b: {"adapter": LoRA},
    ),
    recipe("adapter", "conv", "ConvAdapter has no place in .*; adapters that this tower takes"),
    recipe("adapter", ["vpt", "vpt"], "a tower takes one VPT"),
    recipe("adapter", AdaptFormer(rank=0), "rank must be 'auto' or an int of at least 1, got 0"),
    recipe("adapter", AdaptFormer(rank=2.5), "rank must be 'auto' or an int .* got 2.5"),
    recipe("adapter", AdaptFormer(layers=9), "layers=9 asks for the last 9 of 6 blocks"),
    recipe("adapter", AdaptFormer(layers=[0, 6]), r"must be distinct block indices from 0 to 5"),
    recipe("adapter", AdaptFormer(layers="all"), "layers must be None, an int or", TypeError),
    recipe("adapter", AdaptFormer(scale=-1), "scale == -1, must be >= 0"),
    recipe("adapter", LoRA(targets=["w"]), "targets must be 'auto' or distinct names"),
    recipe("adapter", VPT(length=0), "length must be 'auto' or an int of at least 1"),
    recipe("adapter", SparseTuning(ratio=2), "ratio"),
    recipe("adapter", HalfTuning(seed=-1), "seed must be 'auto' or an int from 0 to"),
    recipe("loss", LogitAdjusted(tau=float("nan")), "tau == nan, must be finite"),
    recipe("loss", LogitAdjusted(tau=-1), "tau == -1, must be >= 0"),
    recipe("loss", LogitAdjusted(tau="1"), "tau must be an instance of", TypeError),
    recipe("loss", LogitAdjusted(top_fraction=0), "top_fraction == 0, must be > 0"),
    recipe("loss", ClassBalanced(beta=1), "beta == 1, must be < 1"),
    recipe("loss", Focal(gamma=-1), "gamma == -1, must be >= 0"),
    recipe("augmentation", "strong", "Unknown augmentation 'strong': choose one of"),
    recipe("augmentation", 3, "augmentation must be one of .* got 3", TypeError),
    recipe("augmentation", MinimalistCrop("cubic"), "schedule must be one of .* got 'cubic'"),
    recipe("augmentation", ResizedCrop(flip=2), "flip == 2, must be <= 1"),
    recipe("augmentation", StoredViews(n_views=0), "n_views must be at least 1, got 0"),
    recipe("augmentation", MixUp(alpha=0), "alpha == 0, must be > 0"),
    recipe("augmentation", CutMix(views="mixup"), "single pictures, got 'mixup', which mixes them"),
    recipe("tta", "fivecrops", "Unknown tta .*Did you mean 'fivecrop'"),
    recipe("tta", 0, "number of random crops must be at least 1, got 0"),
    recipe("tta", FiveCrop(expand=-1), "expand must be at least 0, got -1"),
    recipe("tta", RandomCrops(n=2.0), "n must be an int, got 2.0", TypeError),
    recipe("head", Cosine(scale=-5), "scale == -5, must be > 0"),
    recipe("head", Cosine(scale=float("inf")), "scale == inf, must be finite"),
    BadFit(
        "a loss that returns no scalar",
        ValueError,
        r"The loss .* must return a scalar, got a tensor of shape \(4, 3\)",
        lambda b: {"loss": lambda logits, target: logits},
        "in the first batch",
    ),
]

BACKBONES = [
    BadFit(
        "a misspelt backbone",
        ValueError,
        "unknown backbone 'VIT-B16'. Did you mean .*'ViT-B-16'",
        lambda b: {"backbone": "VIT-B16"},
    ),
    BadFit(
        "a misspelt backbone of timm",
        ValueError,
        "unknown timm model 'vit_base_patch_16_224'. Did you mean one of .*'vit_base_patch16_224'",
        lambda b: {"backbone": "timm/vit_base_patch_16_224"},
    ),
    BadFit(
        "no such tag or file",
        ValueError,
        "pretrained='opena' is neither a tag of 'ViT-B-16' nor a file; tags: .*'openai'",
        lambda b: {"backbone": "ViT-B-16", "pretrained": "opena"},
    ),
    BadFit(
        "weights that can't be reached",
        ConnectionError,
        "the weights of backbone ViT-B-16/openai are not in the local cache and can't be down"
        "loaded .*Three ways out: ",
        lambda b: {"backbone": "ViT-B-16"},
    ),
    BadFit(
        "a repository that can't be reached",
        ConnectionError,
        "the weights of backbone hf-hub:me/mine are not in the local cache",
        lambda b: {"backbone": "hf-hub:me/mine"},
    ),
    BadFit(
        "a folder that isn't there",
        ValueError,
        "backbone 'local-dir:/no/such': ",
        lambda b: {"backbone": "local-dir:/no/such"},
    ),
    BadFit(
        "a checkpoint of another architecture",
        ValueError,
        "backbone 'timm/test_vit' can't take the weights .*Check that the checkpoint belongs",
        lambda b: checkpoint(b, {"conv.weight": torch.zeros(3, 3)}),
    ),
    BadFit(
        "a file that is no checkpoint",
        ValueError,
        "backbone 'timm/test_vit' can't take the weights",
        lambda b: checkpoint(b, b"not a checkpoint"),
    ),
    BadFit(
        "a checkpoint that would run code: it doesn't",
        ValueError,
        "backbone 'timm/test_vit' can't take the weights",
        lambda b: checkpoint(b, OrderedDict(a=Malicious(b.folder / "made-by-code"))),
    ),
    BadFit(
        "a pickle that would run code: it doesn't",
        ValueError,
        "backbone 'timm/test_vit' can't take the weights",
        lambda b: checkpoint(b, pickle.dumps(Malicious(b.folder / "made-by-code"), 2), "w.pkl"),
    ),
    BadFit(
        "weights for the embedded backbone",
        ValueError,
        "backbone 'emoji-tiny' brings its weights: leave pretrained at 'auto'",
        lambda b: {"pretrained": "openai"},
    ),
    BadFit(
        "weights beside a recipe",
        ValueError,
        "pretrained='openai' is for a backbone that is named, and this one is a recipe: leave "
        r"pretrained at 'auto' and put it there: OpenClip\(\.\.\., pretrained='openai'\)",
        lambda b: {"backbone": OpenClip("ViT-B-16"), "pretrained": "openai"},
    ),
    BadFit(
        "a mean of two numbers",
        ValueError,
        r"backbone: mean must be three numbers, got \[0, 0\]",
        lambda b: {"backbone": OpenClip("ViT-B-16", mean=[0, 0])},
    ),
    BadFit(
        "a std of zero",
        ValueError,
        r"backbone: std must be three positive numbers, got \[1, 1, 0\]",
        lambda b: {"backbone": OpenClip("ViT-B-16", std=[1, 1, 0])},
    ),
    BadFit(
        "a negative image_size",
        ValueError,
        "backbone: image_size must be a positive int, got -1",
        lambda b: {"backbone": OpenClip("ViT-B-16", image_size=-1)},
    ),
    BadFit(
        "a module that does not say what pictures it takes",
        ValueError,
        "backbone: Flatten does not say what pictures it takes. Give OwnTower",
        lambda b: {"backbone": torch.nn.Flatten()},
    ),
    BadFit(
        "a module that gives no features",
        ValueError,
        r"backbone Identity gives \(2, 3, 8, 8\) for 2 pictures, not features \(2, n_features\)",
        lambda b: {"backbone": OwnTower(torch.nn.Identity(), 8, [0] * 3, [1] * 3)},
    ),
]

DEVICES = [
    BadFit(
        "no device", ValueError, "device='gpu' is not a device; try", lambda b: {"device": "gpu"}
    ),
    BadFit(
        "a device that isn't there",
        ValueError,
        "device='cuda:99': this machine has . CUDA devices?; 'auto' takes what is there",
        lambda b: {"device": "cuda:99"},
    ),
    BadFit(
        "float16 on a CPU",
        ValueError,
        "precision='float16' needs a GPU; on a CPU use 'bfloat16' or 'float32'",
        lambda b: {"compute__precision": "float16"},
    ),
]
