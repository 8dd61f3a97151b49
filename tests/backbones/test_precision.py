"""Frozen weights held in the precision of the products."""

from __future__ import annotations

import open_clip
import pytest
import timm
import torch
from sklearn.base import BaseEstimator
from skorch.callbacks import Callback
from torch import nn

from sklift import LiftClassifier
from sklift.backbones import load_backbone
from sklift.backbones._backbone import share_copy
from sklift.backbones._fast import _precision
from sklift.backbones._fast._attention import use_fast_attention
from sklift.backbones._fast._precision import cast_frozen_weights, frozen_weights_cast

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
        changed = cast_frozen_weights(copy, torch.bfloat16)
        assert torch.equal(copy(x), wanted)
    with mode():  # without autocast, and under autocast to another type
        assert torch.equal(copy(x), tower(x))
        with torch.autocast("cpu", torch.float16):
            assert torch.equal(copy(x), tower(x))
    assert changed
    state = copy.state_dict()
    assert all(torch.equal(weight, state[key]) for key, weight in tower.state_dict().items())


def test_they_are_what_is_computed_with():
    linear = nn.Linear(2, 2, bias=False).requires_grad_(False)
    cast_frozen_weights(linear, torch.bfloat16)
    linear.held["weight"].zero_()
    x = torch.ones(1, 2)
    with torch.autocast("cpu", torch.bfloat16):
        assert not linear(x).any()
    assert linear(x).all()


def test_what_is_trained_or_made_of_trained_weights_is_not_held():
    linear, tuned = nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 4)
    tuned.weight.requires_grad_(False)  # the bias is trained
    made = nn.Linear(4, 4).requires_grad_(False)
    nn.utils.parametrize.register_parametrization(made, "weight", nn.Identity())
    norm, trained = nn.LayerNorm(4).requires_grad_(False), nn.Linear(4, 4)
    modules = nn.ModuleList([linear, tuned, made, norm, trained])
    with frozen_weights_cast(modules, torch.bfloat16):
        assert {name: w.dtype for name, w in linear.held.items()} == {
            "weight": torch.bfloat16,
            "bias": torch.bfloat16,
        }
        assert list(tuned.held) == ["weight"]
        assert not any(hasattr(module, "held") for module in (made, norm, trained))
    assert type(linear) is type(tuned) is nn.Linear
    assert not hasattr(linear, "held")


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_full_precision_changes_nothing(dtype):
    assert cast_frozen_weights(nn.Linear(2, 2).requires_grad_(False), dtype) == []


def test_modules_come_back_after_an_error():
    linear = nn.Linear(2, 2).requires_grad_(False)
    with pytest.raises(KeyError), frozen_weights_cast(linear, torch.bfloat16):
        raise KeyError
    assert type(linear) is nn.Linear and not hasattr(linear, "held")


class Merged(nn.Module):
    """A low-rank update by hand, and a part that is computed in full precision."""

    def __init__(self, part):
        super().__init__()
        self.part = part
        self.up = nn.Parameter(torch.full((part.weight.shape[0], 1), 1e-3))
        self.down = nn.Parameter(torch.randn(1, part.weight.shape[1]))

    def forward(self, x):
        made = nn.functional.linear(x, self.part.weight + self.up @ self.down, self.part.bias)
        with torch.autocast("cpu", enabled=False):
            exact = self.part(x.float())
        return made + 0 * exact


class ByHand(BaseEstimator):
    order = 50

    def inject(self, tower, n_classes):
        for block in tower.blocks:
            block.norms[1].owner.weight.requires_grad_(False)
            mlp = block.mlp.get()
            linear = next(m for m in mlp.modules() if type(m) is nn.Linear)
            parent = next(m for m in mlp.modules() if linear in m.children())
            name = next(name for name, child in parent.named_children() if child is linear)
            setattr(parent, name, Merged(linear))
        return ByHand()


class Watch(Callback):
    """What others may see of a model in training."""

    def on_train_begin(self, net, **kwargs):
        self.mean = torch.optim.swa_utils.AveragedModel(net.module_)

    def on_batch_end(self, net, **kwargs):
        module = net.module_
        self.n_held = sum(hasattr(part, "held") for part in module.tower.modules())
        self.dtypes = {tensor.dtype for tensor in module.state_dict().values()}
        self.mean.update_parameters(module)
        with torch.no_grad():
            self.logits = module(torch.zeros(1, 3, 40, 40, dtype=torch.uint8))


@pytest.mark.parametrize("params", [{}, {"augmentation": None, "adapter__layers": 2}])
@pytest.mark.parametrize("adapter", ["adaptformer", "lora", "bitfit", "vpt", "full", ByHand()])
def test_a_fit_is_the_same(shapes, monkeypatch, adapter, params):
    """And what others see of the model and of the shared tower is what it would be."""
    if not isinstance(adapter, str) or adapter in ("bitfit", "full"):
        params = {k: v for k, v in params.items() if "layers" not in k}
    backbone, watch = load_backbone("emoji-tiny"), Watch()
    before = {name: tensor.clone() for name, tensor in backbone.tower.state_dict().items()}

    def fit():
        clf = LiftClassifier(
            "emoji-tiny", adapter=adapter, compute__precision="bfloat16", compute__cache=False
        )
        clf.set_params(
            max_epochs=2,
            batch_size=8,
            random_state=0,
            net_params={"callbacks": [watch]},
            **params,
        )
        return clf.fit(*shapes).model_

    ours = fit()
    ours.load_state_dict(watch.mean.module.state_dict())
    assert watch.n_held
    assert watch.dtypes == {torch.float32}
    for name, tensor in backbone.tower.state_dict().items():
        assert torch.equal(tensor, before[name]), name
    logits, ours = watch.logits, fit().trained_state()
    monkeypatch.setattr(_precision, "_HELD", {})
    plain = fit().trained_state()
    assert not watch.n_held
    assert torch.equal(watch.logits, logits)
    for name, tensor in ours.items():
        assert torch.equal(tensor, plain[name]), name
