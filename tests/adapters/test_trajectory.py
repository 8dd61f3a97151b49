"""Several epochs of training against SGD written out, for every kind of adapter."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch.nn import functional as F

from sklift._model import TunedModel
from sklift.adapters import (
    SSF,
    VPT,
    Adapter,
    AdaptFormer,
    BitFit,
    FeatureAdapter,
    FullTuning,
    LayerNormTuning,
    LoRA,
    SparseTuning,
)
from sklift.backbones import load_backbone
from sklift.heads import Cosine
from sklift.images._views import test_view as view_of

COUNTS = torch.tensor([12.0, 8.0, 4.0])
EPOCHS, LR, MOMENTUM, DECAY = 4, 0.05, 0.9, 0.01
RECIPES = {
    "none": None,
    "adaptformer": AdaptFormer(rank=2),
    "adaptformer in blocks 0 and 2": AdaptFormer(rank=2, layers=[0, 2]),
    "adapter": Adapter(rank=2),
    "lora": LoRA(rank=2, targets=("q", "k", "v", "out", "mlp")),
    "deep prompts": VPT(length=2),
    "shallow prompts": VPT(deep=False, length=2),
    "ssf": SSF(layers=2),
    "biases": BitFit(),
    "norms": LayerNormTuning(),
    "sparse": SparseTuning(0.05),
    "full": FullTuning(layers=1),
    "feature": FeatureAdapter(rank=2),
    "several": [AdaptFormer(rank=2), LayerNormTuning(), LoRA(rank=2)],
}


def logit_adjusted(z, y):
    return F.cross_entropy(z + (COUNTS / COUNTS.sum()).log(), y)


def generalized_reweight(z, y):
    return F.cross_entropy(z, y, weight=1 / COUNTS)


def largest_losses(z, y):
    z = z + (COUNTS / COUNTS.sum()).log()
    return F.cross_entropy(z, y, reduction="none").sort(descending=True).values[:18].mean()


class Start(Callback):
    """Keeps the trained weights as they are before the first step."""

    def on_train_begin(self, net, **kwargs):
        type(self).state = net.module_.trained_state()


def by_hand(adapter, start, pixels, y, loss):
    """SGD with momentum and weight decay on whole batches, the rate on a half cosine."""
    model = TunedModel(load_backbone("emoji-tiny"), adapter, Cosine(), 3)
    model.load_trained_state(start)
    params = [p for p in model.parameters() if p.requires_grad]
    speed = [torch.zeros_like(p) for p in params]
    losses = []
    for epoch in range(EPOCHS):
        rate = LR * (1 + math.cos(math.pi * epoch / EPOCHS)) / 2
        features = model.features(pixels)
        value = loss(25 * F.normalize(features) @ F.normalize(model.head.weight).T, y)
        grads = torch.autograd.grad(value, params)
        with torch.no_grad():
            for p, v, g in zip(params, speed, grads, strict=True):
                v.mul_(MOMENTUM).add_(g + DECAY * p)
                p.sub_(rate * v)
        losses.append(value.item())
    return model.trained_state(), losses


def compare(quick, shapes, adapter, recipe, loss, accumulate):
    X, names = shapes
    clf = quick(
        adapter=adapter,
        loss=recipe,
        compute__accumulate=accumulate,
        batch_size=len(X),
        max_epochs=EPOCHS,
        lr=LR,
        optimizer__momentum=MOMENTUM,
        weight_decay=DECAY,
        augmentation=None,
        class_names=["blue square", "green circle", "red triangle"],
        net_params={"callbacks": [Start()]},
    ).fit(X, names)
    pixels = torch.stack([view_of(image, 40) for image in X])
    y = torch.from_numpy(np.searchsorted(clf.classes_, names))
    expected, losses = by_hand(clf.adapter_, Start.state, pixels, y, loss)
    assert [row["train_loss"] for row in clf.history_] == pytest.approx(losses, rel=1e-4)
    trained = clf.model_.trained_state()
    assert trained.keys() == expected.keys()
    for name, tensor in trained.items():
        torch.testing.assert_close(tensor, expected[name], rtol=1e-3, atol=2e-5, msg=name)
        moves = tensor.is_floating_point()
        assert torch.equal(tensor, Start.state[name]) != moves, name


@pytest.mark.parametrize(
    "kind, accumulate", [*((k, 5) for k in RECIPES), ("adaptformer", 1), ("several", 1)]
)
def test_every_kind(kind, accumulate, quick, shapes):
    compare(quick, shapes, RECIPES[kind], "logit_adjusted", logit_adjusted, accumulate)


@pytest.mark.parametrize("accumulate", [1, 5])
@pytest.mark.parametrize(
    "name, settings, loss",
    [
        ("generalized_reweight", {}, generalized_reweight),
        ("logit_adjusted", {"loss__top_fraction": 0.75}, largest_losses),
    ],
)
def test_other_losses(name, settings, loss, accumulate, quick, shapes):
    """Losses whose parts do not simply add up."""

    def with_settings(**params):
        return quick(**params).set_params(**settings)

    compare(with_settings, shapes, AdaptFormer(rank=2), name, loss, accumulate)
