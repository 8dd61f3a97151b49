"""The trial of a tower with noise."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from sklift.backbones import Preprocess
from sklift.backbones._probe import feature_width, probe_features

PREPROCESS = Preprocess(8, (0.5,) * 3, (0.5,) * 3)


def tower(width=5):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return nn.Sequential(nn.Flatten(), nn.Linear(3 * 8 * 8, width)).eval()


def test_the_width_is_that_of_the_features():
    assert [feature_width(tower(n), 8, "mine") for n in (1, 5)] == [1, 5]


def test_it_is_the_same_whatever_surrounds_it():
    """In half precision, a tower would give features of another type."""
    expected = probe_features(tower(), PREPROCESS, "mine")
    state = torch.get_rng_state()
    with torch.autocast("cpu", torch.bfloat16):
        assert feature_width(tower(), 8, "mine") == 5
        found = probe_features(tower(), PREPROCESS, "mine")
    assert torch.equal(found, expected) and not found.requires_grad
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize("scale", [1e-6, 1, 1e6])
def test_features_of_any_size_depend_on_their_picture_alone(scale):
    class Scaled(nn.Module):
        def __init__(self, leak):
            super().__init__()
            self.net, self.leak = tower(), leak

        def forward(self, x):
            features = self.net(x)
            return scale * (features + self.leak * features.sum(0))

    assert probe_features(Scaled(0).eval(), PREPROCESS, "mine").shape == (5,)
    assert probe_features(Scaled(1e-4).eval(), PREPROCESS, "mine").shape == (5,)  # as rounding does
    with pytest.raises(ValueError, match="backbone Scaled gives other features for the same"):
        probe_features(Scaled(0.5).eval(), PREPROCESS, "backbone Scaled")


def test_the_message_has_the_name_that_was_given():
    with pytest.raises(ValueError, match=r"^backbone 'timm/mine' gives \(1, 3, 8, 8\) for 1 pict"):
        feature_width(nn.Identity(), 8, "backbone 'timm/mine'")
