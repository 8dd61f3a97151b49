"""Trained weights that get no gradient: an error before anything is trained, or a warning."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from torch import nn

from sklift import LiftClassifier
from sklift.backbones import OwnTower

SIDE = 8
MEAN = STD = (0.5, 0.5, 0.5)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = nn.LayerNorm(6)
        self.up, self.down = nn.Linear(6, 6), nn.Linear(6, 6)

    def forward(self, x):
        return x + self.down(torch.relu(self.up(self.norm(x))))


class Tower(nn.Module):
    """Two blocks and one that may be left out; ``how`` says what forward does about gradients."""

    def __init__(self, how="all"):
        super().__init__()
        torch.manual_seed(0)
        self.how = how
        self.first, self.second, self.spare = Block(), Block(), Block()

    def forward(self, x):
        x = x[:, :, ::4, ::4].flatten(1)[:, :6]
        if self.how in ("no_grad", "inference_mode"):
            with getattr(torch, self.how)():
                return self.second(self.first(x))
        if self.how.startswith("first in "):
            with getattr(torch, self.how.removeprefix("first in "))():
                x = self.first(x)
            return self.second(x)
        x = self.second(self.first(x))
        if self.how == "spare for bright":
            bright = x[:, :1] > 5  # only where a picture is white
            return torch.where(bright, self.spare(x), x) if bright.any() else x
        return {"detach": x.detach, "unused": x.clone, "all": lambda: self.spare(x)}[self.how]()


@pytest.fixture(scope="module")
def data():
    X = np.random.default_rng(0).integers(0, 200, (8, SIDE, SIDE, 3), np.uint8)
    return X, np.array(list("abababab"))


def make(how, adapter, **params):
    settings = {"max_epochs": 1, "batch_size": 4, "random_state": 0, "augmentation": None}
    tower = how if isinstance(how, str) else OwnTower(how, SIDE, MEAN, STD)
    return LiftClassifier(tower, adapter=adapter, **{**settings, **params})


def told(clf, data):
    """The messages of a fit that ends."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        clf.fit(*data)
    told = [w for w in caught if "gradient" in str(w.message)]
    assert all(w.filename == __file__ for w in told)  # not a line of a library
    return [str(w.message) for w in told]


CUTS = ["no_grad", "inference_mode", "detach", "first in no_grad", "first in inference_mode"]


@pytest.mark.parametrize("how", CUTS)
@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_a_forward_without_gradients(how, adapter, data):
    clf = make(Tower(how), adapter)
    message = r"get no gradient.*under torch.no_grad\(\) or torch.inference_mode\(\), or before det"
    with pytest.raises(ValueError, match=message) as caught:
        clf.fit(*data)
    assert not hasattr(clf, "classes_")
    if (how, adapter) == ("first in no_grad", "full"):
        # the block without gradients, and the one that is not used
        named = "12 of 19 trained tensors get no gradient, in tower.first.norm, tower.first.up, "
        assert f"backbone Tower: {named}tower.first.down, ...: " in str(caught.value)


@pytest.mark.parametrize("how", CUTS)
def test_what_needs_no_gradient_inside(how, data):
    for adapter in (None, "feature"):
        clf = make(Tower(how), adapter, augmentation="minimal")
        assert told(clf, data) == []
        frozen = make(Tower("unused"), adapter, augmentation="minimal").fit(*data)
        assert np.array_equal(clf.predict_proba(data[0]), frozen.predict_proba(data[0]))
    if how == "first in no_grad":
        assert told(make(Tower(how), LastBlock()), data) == []


class LastBlock(BaseEstimator):
    """An adapter of one's own: the biases of the block in the middle."""

    def inject(self, tower, n_classes):
        tower.module.second.up.bias = nn.Parameter(tower.module.second.up.bias.detach().clone())
        return self


@pytest.mark.parametrize("adapter", ["lora", "full"])
def test_a_block_that_is_not_used_is_named(adapter, data):
    (message,) = told(make(Tower("unused"), adapter), data)
    counts, norm = {"lora": ("4 of 13", ""), "full": ("6 of 19", "tower.spare.norm, ")}[adapter]
    parts = f"{norm}tower.spare.up, tower.spare.down"
    assert f"{counts} trained tensors get no gradient, in {parts}: the pictures" in message


def test_an_adapter_that_is_nowhere_used(data):
    with pytest.raises(ValueError, match=r"in tower.spare.*forward does not use them, or only"):
        make(Tower("unused"), Spare()).fit(*data)


class Spare(BaseEstimator):
    """An adapter of one's own: it adds weights to a block that forward leaves out."""

    def inject(self, tower, n_classes):
        tower.module.spare.more = nn.Linear(6, 6)
        return self


@pytest.mark.parametrize(
    "adapter, params",
    [
        ("lora", {}),  # half of its weights have a gradient of zero at the start
        ("full", {"compute__accumulate": 2}),
        ("full", {"loss": "lade", "compute__accumulate": 3}),
        ("bitfit", {"regularizer": "anchor"}),
        ("sparse", {"compute__precision": "bfloat16"}),
    ],
)
def test_all_is_well(adapter, params, data):
    if adapter == "sparse":
        from sklift.adapters import SparseTuning

        adapter = SparseTuning(0.5)
    assert told(make(Tower(), adapter, **params), data) == []


def test_the_regularizer_does_not_hide_it(data):
    """Its own gradient reaches all trained weights."""
    with pytest.raises(ValueError, match="get no gradient"):
        make(Tower("no_grad"), "lora", regularizer="anchor").fit(*data)


def test_weights_for_some_pictures_only(data):
    (message,) = told(make(Tower("spare for bright"), "lora"), data)
    assert "tower.spare.up" in message and "If no others do" in message


class Chance(BaseEstimator):
    """An adapter of one's own with a branch that training leaves out by chance."""

    def inject(self, tower, n_classes):
        tower.module.second = Dropped(tower.module.second)
        return self


class Dropped(nn.Module):
    def __init__(self, block):
        super().__init__()
        self.block, self.branch = block, nn.Linear(6, 6)

    def forward(self, x):
        return self.block(x) if self.training else self.block(x) + self.branch(x)


def test_a_branch_that_is_left_out_by_chance(data):
    assert told(make(Tower(), Chance()), data) == []


class Router(nn.Module):
    """Its output is a place in a table."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.norm, self.route = nn.LayerNorm(12), nn.Linear(12, 4)
        self.table = nn.Parameter(torch.randn(4, 3))

    def forward(self, x):
        x = self.norm(x.flatten(1)[:, :12])
        places = (self.route(x).abs().sum(1) * 10).long() % 4
        return self.table[places]


def test_weights_that_only_choose(data):
    with pytest.raises(ValueError, match=r"in tower.norm, tower.route: .*a choice such as argmax"):
        make(Router(), "full").fit(*data)


def test_only_the_first_step_of_a_fit_looks(data, monkeypatch):
    from sklift._net import _gradients

    calls = []
    lost = _gradients._lost
    monkeypatch.setattr(_gradients, "_lost", lambda model: calls.append(1) or lost(model))
    clf = make(Tower(), "bitfit", max_epochs=3).fit(*data)
    assert len(calls) == 1 and len(clf.history_) == 3


def test_weights_are_as_without_a_second_look(data):
    """What a second look does to weights and random numbers leaves no trace."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        looked = make(Tower("unused"), "full", max_epochs=2).fit(*data)
    tower = Tower("unused")
    tower.spare = nn.Identity()
    plain = make(tower, "full", max_epochs=2).fit(*data)
    assert np.array_equal(looked.predict_proba(data[0]), plain.predict_proba(data[0]))
    state = looked.model_.trained_state()
    start = Tower("unused").spare.state_dict()
    assert all(torch.equal(state[f"tower.spare.{n}"], t) for n, t in start.items())
