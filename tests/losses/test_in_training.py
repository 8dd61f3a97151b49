"""Losses in a fit: what their recipes are told, and what is trained of them."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator
from torch import nn

from sklift import LiftClassifier
from sklift.heads import Cosine
from sklift.losses import Loss, LossRecipe


@pytest.fixture(scope="module")
def blobs():
    rng = np.random.default_rng(0)
    y = np.repeat(["a", "b", "c"], [60, 20, 10])
    return rng.normal(size=(90, 8)) + 2 * np.eye(8)[np.unique(y, return_inverse=True)[1]], y


def on_features(**params):
    defaults = {"max_epochs": 4, "batch_size": 30, "random_state": 0}
    return LiftClassifier("precomputed").set_params(**{**defaults, **params})


class Asking(LossRecipe):
    """Fails without what it is told it gets."""

    told: list = []

    def __init__(self, name="scale"):
        self.name = name

    def build(self, class_counts, head):
        self.told.append(np.array(class_counts))
        loss = Loss(class_counts)
        factor = getattr(head, self.name)  # of the recipe
        loss.class_weight = lambda dtype: torch.tensor([1, factor, 1], dtype=dtype)
        return loss


class Echo(BaseEstimator):
    """Knows nothing of ours; asks for the head, and for it alone."""

    def build(self, class_counts, head):
        assert isinstance(head, Cosine)
        return nn.CrossEntropyLoss()

    def implied_prior(self, class_counts, head):
        return np.array([1, head.scale, 1])


@pytest.mark.parametrize(
    ("params", "weight", "expected"),
    [
        ({}, None, [60, 20, 10]),
        ({}, 3.0, [180, 20, 10]),
        ({"sampler": "balanced"}, None, [30, 30, 30]),
        ({"sampler": "balanced"}, 3.0, [90, 30, 30]),
        ({"validation_fraction": 0.2}, None, [48, 16, 8]),
    ],
)
def test_a_recipe_is_told_what_an_epoch_shows(blobs, monkeypatch, params, weight, expected):
    monkeypatch.setattr(Asking, "told", [])
    X, y = blobs
    sample_weight = None if weight is None else np.where(y == "a", weight, 1.0)
    clf = on_features(loss=Asking(), head=Cosine(scale=7.0), max_epochs=1, **params)
    clf.fit(X, y, sample_weight=sample_weight)
    for counts in Asking.told:
        np.testing.assert_allclose(counts, expected)
    shares = np.array(expected) * [1, 7, 1]
    np.testing.assert_allclose(clf.implied_prior_, shares / shares.sum())


def test_calls_of_partial_fit_add_up(blobs, monkeypatch):
    monkeypatch.setattr(Asking, "told", [])
    clf = on_features(loss=Asking())
    for _ in range(2):
        clf.partial_fit(*blobs, classes=["a", "b", "c"])
    assert Asking.told[-1].tolist() == [120, 40, 20]


def test_a_prior_of_ones_own_may_ask_for_the_head(blobs):
    clf = on_features(loss=Echo(), head=Cosine(scale=2.0)).fit(*blobs)
    np.testing.assert_allclose(clf.implied_prior_, [0.25, 0.5, 0.25])


# large losses, and steps so small that the threshold is on its way up all the time
SMOOTHED = {
    "loss__top_fraction": 0.5,
    "loss__top_smoothing": 0.01,
    "init": "random",
    "lr": 1e-3,
}


def threshold(clf):
    (found,) = clf.net_.criterion_.parameters()
    return found.item()


def test_the_threshold_is_trained_without_weight_decay(blobs):
    clf = on_features(**SMOOTHED, weight_decay=0.3).fit(*blobs)
    assert threshold(clf) > 0.001
    model, loss = clf.net_.optimizer_.param_groups
    assert (model["weight_decay"], loss["weight_decay"]) == (0.3, 0)
    assert [p.shape for p in loss["params"]] == [()] and model["lr"] == loss["lr"]
    trained = {id(p) for p in clf.net_.module_.parameters() if p.requires_grad}
    assert {id(p) for p in model["params"]} == trained
    # the first step, while all losses are above it: lr times 1 - top_fraction
    first = on_features(**SMOOTHED, max_epochs=1, batch_size=90, head="linear").fit(*blobs)
    assert threshold(first) == pytest.approx(1e-3 * 0.5, rel=1e-2)


def test_other_losses_leave_the_optimiser_one_group(blobs):
    (group,) = on_features().fit(*blobs).net_.optimizer_.param_groups
    assert group["weight_decay"] == 5e-4


@pytest.mark.parametrize("optimizer", ["sgd", "adamw"])
def test_partial_fit_goes_on_with_the_threshold(blobs, optimizer):
    clf = on_features(**SMOOTHED, optimizer=optimizer)
    found = []
    for _ in range(4):
        clf.partial_fit(*blobs, classes=["a", "b", "c"])
        found.append(threshold(clf))
    assert all(np.diff(found) > 0)
    # the momentum of the threshold goes on as well: each pass moves it further than the first
    assert found[1] - found[0] > 1.2 * found[0] or optimizer == "adamw"
    state = clf.net_.optimizer_.state_dict()["state"]  # holds nothing of earlier thresholds
    assert len(state) == sum(len(g["params"]) for g in clf.net_.optimizer_.param_groups)


def test_a_pickle_starts_with_a_new_threshold_and_goes_on(blobs):
    clf = on_features(**SMOOTHED).fit(*blobs)
    again = pickle.loads(pickle.dumps(clf))
    assert np.array_equal(again.predict_proba(blobs[0]), clf.predict_proba(blobs[0]))
    assert clf.net_ is not None  # as it was
    again.partial_fit(*blobs)
    assert 0 < threshold(again) < threshold(clf)


class Centred(BaseEstimator):
    """A loss with a parameter and a buffer of its own, as users write it."""

    def build(self, class_counts, head=None):
        return CentredLoss()


class CentredLoss(nn.Module):
    def __init__(self):
        super().__init__()
        self.shift = nn.Linear(1, 3, bias=False)
        self.register_buffer("seen", torch.zeros(()))

    def forward(self, logits, target):
        if self.training:
            self.seen += len(target)
        return nn.functional.cross_entropy(logits + self.shift.weight[:, 0], target)


def test_parameters_of_a_users_loss_are_trained_and_kept_in_checkpoints(blobs, tmp_path):
    def make(**params):
        return on_features(**{"loss": Centred(), "lr": 0.5, "checkpoint": tmp_path, **params})

    undisturbed = make(checkpoint=None).fit(*blobs).net_.criterion_.state_dict()
    finished = make().fit(*blobs)
    (file,) = tmp_path.glob("*.pt")
    kept = torch.load(file, weights_only=True)["loss"]
    assert kept.keys() == undisturbed.keys() == {"function.shift.weight", "function.seen"}
    assert all(torch.equal(kept[name], undisturbed[name]) for name in kept)
    assert kept["function.shift.weight"].abs().max() > 0.01 and kept["function.seen"] == 4 * 90
    resumed = make().fit(*blobs).net_.criterion_.state_dict()
    assert all(torch.equal(resumed[name], kept[name]) for name in kept)
    assert finished.net_.criterion_.state_dict().keys() == kept.keys()
