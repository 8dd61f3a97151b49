"""Frozen weights stored in the precision of the products."""

from __future__ import annotations

import open_clip
import pytest
import timm
import torch
from skorch.callbacks import Callback
from torch import nn

from sklift import LiftClassifier
from sklift.backbones import _precision, load_backbone
from sklift.backbones._attention import use_fast_attention
from sklift.backbones._backbone import share_copy
from sklift.backbones._precision import products_stored_in, store_products

VISION = {"image_size": 32, "layers": 2, "width": 64, "head_width": 16, "patch_size": 8}


def clip_tower(**vision):
    text = {"context_length": 8, "vocab_size": 50, "width": 32, "heads": 2, "layers": 1}
    return open_clip.CLIP(32, {**VISION, **vision}, text).visual


TOWERS = {
    "open_clip ViT": clip_tower,
    "open_clip ResNet": lambda: clip_tower(layers=[1, 1, 1, 1], width=8),
    "timm ViT": lambda: timm.create_model(
        "vit_tiny_patch16_224", img_size=32, depth=2, num_classes=0, qk_norm=True
    ),
    "timm ResNet": lambda: timm.create_model("resnet18", num_classes=0),
    # standardises its weights before the product
    "timm normaliser-free": lambda: timm.create_model("nf_regnet_b0", num_classes=0),
    "torch's own attention": lambda: nn.TransformerEncoderLayer(32, 2, 64, batch_first=True),
}


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("name", TOWERS)
def test_outputs_are_those_of_autocast(name, mode):
    torch.manual_seed(0)
    tower = TOWERS[name]().eval().requires_grad_(False)
    use_fast_attention(tower)
    x = torch.randn(3, 5, 32) if "torch" in name else torch.randn(3, 3, 32, 32)
    copy = share_copy(tower)
    with torch.autocast("cpu", torch.bfloat16), mode():
        wanted = tower(x)
        replaced = store_products(copy, torch.bfloat16)
        assert torch.equal(copy(x), wanted)
    assert replaced
    assert all(weight.dtype == torch.float32 for weight in tower.parameters())


def test_what_is_trained_or_made_of_trained_weights_stays():
    linear, tuned = nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 4)
    tuned.weight.requires_grad_(False)  # the bias is trained
    made = nn.Linear(4, 4).requires_grad_(False)
    nn.utils.parametrize.register_parametrization(made, "weight", nn.Identity())
    norm = nn.LayerNorm(4).requires_grad_(False)
    before = [*made.parameters(), *norm.parameters(), tuned.bias, linear.weight]
    modules = nn.ModuleList([linear, tuned, made, norm])
    with products_stored_in(modules, torch.bfloat16):
        assert linear.weight.dtype == linear.bias.dtype == tuned.weight.dtype == torch.bfloat16
        assert all(x is y for x, y in zip(before[:-1], _rest(modules), strict=True))
    assert linear.weight is before[-1]


def _rest(modules):
    return [*modules[2].parameters(), *modules[3].parameters(), modules[1].bias]


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_full_precision_changes_nothing(dtype):
    assert store_products(nn.Linear(2, 2).requires_grad_(False), dtype) == []


def test_weights_come_back_after_an_error():
    linear = nn.Linear(2, 2).requires_grad_(False)
    weight = linear.weight
    with pytest.raises(KeyError), products_stored_in(linear, torch.bfloat16):
        raise KeyError
    assert linear.weight is weight


class Held(Callback):
    """The types of the tower's weights while it is trained."""

    def on_batch_end(self, net, **kwargs):
        self.dtypes = {weight.dtype for weight in net.module_.tower.parameters()}


@pytest.mark.parametrize("params", [{}, {"augmentation": None, "adapter__layers": 2}])
@pytest.mark.parametrize("adapter", ["adaptformer", "lora", "bitfit", "vpt", "full"])
def test_a_fit_is_the_same(shapes, monkeypatch, adapter, params):
    """And the shared tower is as it was, so that it computes without autocast as well."""
    if adapter in ("bitfit", "full"):
        params = {k: v for k, v in params.items() if "layers" not in k}

    def fit():
        clf = LiftClassifier("emoji-tiny", adapter=adapter, precision="bfloat16", cache=False)
        clf.set_params(max_epochs=2, batch_size=8, random_state=0, callbacks=[held], **params)
        return clf.fit(*shapes).net_.module_

    held = Held()
    ours = fit()
    assert held.dtypes == {torch.float32, torch.bfloat16}
    assert all(weight.dtype == torch.float32 for weight in ours.tower.parameters())
    size = load_backbone("emoji-tiny").preprocess.size
    ours(torch.zeros(1, 3, size, size, dtype=torch.uint8))
    monkeypatch.setattr(_precision, "_PRODUCTS", ())
    plain = fit().trained_state()
    assert held.dtypes == {torch.float32}
    for name, tensor in ours.trained_state().items():
        assert torch.equal(tensor, plain[name]), name
