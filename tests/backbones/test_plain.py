"""Weights that modules compute out of others, in a tower of one's own."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import nn
from torch.nn.utils import parametrizations, parametrize, spectral_norm

from sklift._model import TunedModel
from sklift.adapters import SSF, DoRA, FullTuning, LoRA, SparseTuning
from sklift.backbones import Backbone, Preprocess
from sklift.heads import Cosine

PIXELS = Preprocess(16, (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))


class Half(nn.Module):
    """A re-parametrisation of one's own."""

    def forward(self, weight):
        return weight / 2


def half(module):
    parametrize.register_parametrization(module, "weight", Half())


def both(module):
    parametrizations.weight_norm(module)
    half(module)


KINDS = {
    "weight_norm": parametrizations.weight_norm,
    "spectral_norm": parametrizations.spectral_norm,
    "older spectral_norm": spectral_norm,
    "own": half,
    "two": both,
}


def tower(change):
    torch.manual_seed(0)
    conv, linear = nn.Conv2d(3, 4, 4, 4), nn.Linear(64, 8)
    for module in (conv, linear):
        change(module)
    return nn.Sequential(conv, nn.ReLU(), nn.Flatten(), linear)


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_find_plain_weights(kind):
    module = tower(KINDS[kind])
    before, names = copy.deepcopy(module.state_dict()), [type(m) for m in module.modules()]
    x = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    backbone = Backbone(module, PIXELS)
    for recipe, n_weights in {
        LoRA(rank=2): 2 * (48 + 4) + 2 * (64 + 8),
        DoRA(rank=2): 2 * (48 + 4) + 2 * (64 + 8) + 4 + 8,
        SparseTuning(0.5): (48 * 4 + 4 + 64 * 8 + 8) // 2,
        FullTuning(): 48 * 4 + 4 + 64 * 8 + 8,
    }.items():
        model = TunedModel(backbone, recipe, Cosine(), 3)
        assert model.n_trainable_params == n_weights + 3 * 8
        expected = nn.Module.eval(copy.deepcopy(module))(x)
        torch.testing.assert_close(model.features(x), expected, rtol=1e-5, atol=1e-6)
    # what was given is as it was
    assert [type(m) for m in module.modules()] == names
    now = module.state_dict()
    assert now.keys() == before.keys() and all(torch.equal(now[n], before[n]) for n in now)
    module.train()(x).sum().backward()
    assert module[0].bias.grad is not None


def test_a_name_of_the_older_kind_that_means_something_else():
    class Named(nn.Flatten):
        def __init__(self):
            super().__init__()
            self.scale_orig = nn.Parameter(torch.ones(1))

        def forward(self, x):
            return super().forward(x) * self.scale_orig

    module = nn.Sequential(nn.Conv2d(3, 4, 8, 8), Named())
    backbone = Backbone(module, PIXELS)
    assert "1.scale_orig" in backbone.tower.state_dict()


def test_the_older_weight_norm_is_told_how_to_go():
    with pytest.warns(FutureWarning):
        module = tower(nn.utils.weight_norm)
    with pytest.raises(ValueError, match=r"can't be copied.*call remove_weight_norm"):
        Backbone(module, PIXELS)
    for i in (0, 3):
        nn.utils.remove_weight_norm(module[i])
    assert TunedModel(Backbone(module, PIXELS), LoRA(1), Cosine(), 3).n_trainable_params == 148


def test_norms_beside_plain_weights_keep_their_place():
    """Blocks are found as if the weights had never been computed."""
    norms = nn.Sequential(nn.Conv2d(3, 4, 8, 8), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(16, 4))
    parametrizations.weight_norm(norms[0])
    model = TunedModel(Backbone(norms, PIXELS), SSF(), Cosine(), 3)
    trained = [n for n, p in model.tower.named_parameters() if p.requires_grad]
    assert [n.split(".")[0] for n in trained] == ["1", "1"]
