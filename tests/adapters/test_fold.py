"""Folded weights: the same outputs, and nothing that is shared changes."""

from __future__ import annotations

import copy

import pytest
import torch
from torch.nn.utils import parametrize

from sklift._model import TunedModel
from sklift._model._fold import folded
from sklift.adapters import (
    SSF,
    AdaptFormer,
    DoRA,
    LayerNormTuning,
    LoRA,
    SparseTuning,
    resolve_adapter,
)
from sklift.backbones._blocks import find_blocks
from sklift.heads import Cosine

FOLDED = {
    "lora": LoRA(rank=2),
    "lora in all maps": LoRA(rank=2, targets=("q", "k", "v", "out", "mlp")),
    "dora": DoRA(rank=2),
    "ssf": SSF(),
    "sparse": SparseTuning(ratio=0.3),
    "all": resolve_adapter([LoRA(rank=2), SSF(), SparseTuning(), "vpt", "adaptformer", "bitfit"]),
}
CONV = {"lora", "dora", "ssf", "sparse"}
TRANSFORMERS = ("clip_vit", "timm_vit", "timm_vit_average", "siglip")
TOWERS = (*TRANSFORMERS, "clip_resnet", "timm_resnet", "timm_mobilenet", "timm_swin")


def trained(backbone, recipe):
    """A model as after training: no update is zero."""
    torch.manual_seed(0)
    model = TunedModel(backbone, recipe, Cosine(), 5)
    with torch.no_grad():
        for param in model.parameters():
            if param.requires_grad:
                param += 0.1 * torch.randn_like(param)
    return model


def images(backbone, n=3):
    side = backbone.preprocess.size
    return torch.randint(0, 256, (n, 3, side, side), dtype=torch.uint8)


def is_parametrized(model):
    return any(parametrize.is_parametrized(module) for module in model.modules())


@pytest.mark.parametrize(
    "family, kind",
    [(f, k) for f in TOWERS for k in FOLDED if f in TRANSFORMERS or k in CONV],
)
def test_outputs_stay_and_shared_tensors_too(family, kind, make_backbone):
    backbone = make_backbone(family)
    frozen = copy.deepcopy(backbone.tower.state_dict())
    model, x = trained(backbone, FOLDED[kind]), images(backbone)
    state, names = model.trained_state(), [name for name, _ in model.named_modules()]
    with torch.inference_mode():
        before = model(x)
    plain = folded(model)
    assert is_parametrized(model) and not is_parametrized(plain)
    with torch.inference_mode():
        torch.testing.assert_close(plain(x), before, rtol=0, atol=1e-5)
        # and without the parametrisations it would not be so
        assert not torch.allclose(trained(backbone, None)(x), before, atol=1e-3)
        assert torch.equal(model(x), before)

    # all else is left as it was
    assert [name for name, _ in model.named_modules()] == names
    assert all(torch.equal(t, state[n]) for n, t in model.trained_state().items())
    assert all(torch.equal(t, frozen[n]) for n, t in backbone.tower.state_dict().items())
    del plain
    model.train()
    model(x).sum().backward()
    assert all(p.grad is not None for p in model.parameters() if p.requires_grad)


@pytest.mark.parametrize("recipe", [LoRA(rank=2, layers=1), SSF(layers=1), SparseTuning(layers=1)])
def test_only_folded_weights_are_new_tensors(recipe, make_backbone):
    backbone = make_backbone("clip_vit")
    model = trained(backbone, recipe)
    plain = folded(model)
    own = {id(p) for p in model.parameters()}
    new = {id(p) for p in plain.parameters() if id(p) not in own}
    assert new
    assert new <= {id(p) for p in find_blocks(plain.tower)[-1].unit.get().parameters()}
    assert plain.backbone is backbone
    # which blocks are trained, and so what is cached of the others, is as in the model
    assert plain.n_frozen_blocks == model.n_frozen_blocks == 2
    assert not plain.tower_is_frozen


@pytest.mark.parametrize("recipe", [None, AdaptFormer(rank=2), LayerNormTuning()])
def test_where_nothing_folds_it_is_the_model_itself(recipe, make_backbone):
    model = trained(make_backbone("clip_vit"), recipe)
    assert folded(model) is model


def test_a_model_in_training_mode_stays_in_it(make_backbone):
    model = trained(make_backbone("clip_vit"), FOLDED["all"]).train()
    modes = [module.training for module in model.modules()]
    plain = folded(model)
    assert not any(module.training for module in plain.modules())
    assert [module.training for module in model.modules()] == modes and model.training


def test_a_copy_of_before_is_not_changed_by_training_on(make_backbone):
    backbone = make_backbone("clip_vit")
    model, x = trained(backbone, LoRA(rank=2)), images(backbone)
    plain, frozen_head = folded(model), model.head.weight.detach().clone()
    with torch.inference_mode():
        before = plain(x)
    with torch.no_grad():
        for param in model.tower.parameters():
            if param.requires_grad:
                param.zero_()
    with torch.inference_mode():
        assert torch.equal(plain(x), before)
        again = folded(model)(x)
    assert torch.equal(model.head.weight, frozen_head)
    assert not torch.allclose(again, before)


def test_bfloat16_agrees(make_backbone):
    backbone = make_backbone("clip_vit")
    model, x = trained(backbone, LoRA(rank=2, targets=("q", "v", "mlp"))), images(backbone, 16)
    plain = folded(model)
    with torch.inference_mode():
        exact = model(x)
        with torch.autocast("cpu", torch.bfloat16):
            rounded = plain(x)
            with torch.inference_mode():
                inside = folded(model)(x)
    scale = exact.abs().max()
    assert (rounded - exact).abs().max() < 0.05 * scale
    assert torch.equal(inside, rounded)  # folded in full precision wherever it is asked for


def test_the_classifier_predicts_the_same(quick, shapes):
    X, y = shapes
    clf = quick(adapter=["lora", "ssf"], max_epochs=1).fit(X, y)
    before = clf.predict_proba(X)
    net = clf.net_
    trained_model, net.module_ = net.module_, folded(net.module_)
    after = clf.predict_proba(X)
    net.module_ = trained_model
    assert abs(after - before).max() <= 1e-5
    assert (clf.predict_proba(X) == before).all()
