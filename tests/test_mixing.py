"""Batches whose pictures are mixed in pairs: the loss, exact however it is computed."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from sklift import LiftClassifier
from sklift._net import Mixing
from sklift.images import CutMix, MixUp
from sklift.losses import LADE, Focal, LogitAdjusted

VIEWS = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (6, 3, 8, 8), np.uint8))
TARGET = torch.tensor([0, 1, 2, 0, 1, 2])
WEIGHT = torch.tensor([1.0, 2.0, 0.0, 0.5, 3.0, 0.0])


class TestMixing:
    def test_labels_and_weights_go_with_their_pictures(self):
        class Keep:
            def mix(self, first, second, rng):
                self.second = second
                return first, 0.75

        mixing = Mixing(Keep(), seed=3)
        views, target, weight, share = mixing(VIEWS, TARGET, WEIGHT, epoch=1, index=2)
        assert share == 0.75 and torch.equal(views, VIEWS)
        assert torch.equal(target[:, 0], TARGET) and torch.equal(weight[:, 0], WEIGHT)
        for i, partner in enumerate(mixing.recipe.second):
            (j,) = [j for j, view in enumerate(VIEWS) if torch.equal(view, partner)]
            assert (target[i, 1], weight[i, 1]) == (TARGET[j], WEIGHT[j])
            assert (WEIGHT[i] > 0 and WEIGHT[j] > 0) or i == j  # no weight: as if absent
        assert weight[:, 1].sum() == WEIGHT.sum()

    def test_draws_follow_from_seed_epoch_and_batch(self):
        def drawn(seed, epoch, index, n=6):
            views, target, _, share = Mixing(MixUp(), seed)(
                VIEWS[:n], TARGET[:n], None, epoch, index
            )
            return share, views.numpy().tobytes() + target.numpy().tobytes()

        assert drawn(0, 1, 2) == drawn(0, 1, 2)
        assert len({drawn(*where) for where in [(0, 1, 2), (1, 1, 2), (0, 2, 2), (0, 1, 3)]}) == 4
        # processes that share a batch have parts of several sizes, and one share of labels
        assert drawn(0, 1, 2)[0] == drawn(0, 1, 2, n=5)[0]

    @pytest.mark.parametrize("recipe", [MixUp(), CutMix()])
    @pytest.mark.parametrize("n", [0, 1])
    def test_next_to_nothing_is_mixed_as_well(self, recipe, n):
        views, target, weight, _ = Mixing(recipe, 0)(VIEWS[:n], TARGET[:n], WEIGHT[:n], 0, 0)
        assert torch.equal(views, VIEWS[:n]) and target.shape == weight.shape == (n, 2)

    @pytest.mark.parametrize(
        ("mixed", "message"),
        [
            ((VIEWS[:2], 0.5), r"got \(2, 3, 8, 8\) of torch.uint8, and 0.5"),
            ((VIEWS.float(), 0.5), "got .* of torch.float32"),
            ((VIEWS, 1.5), "and 1.5"),
            ((VIEWS, float("nan")), "and nan"),
        ],
    )
    def test_what_is_no_mixture(self, mixed, message):
        class Wrong:
            def mix(self, first, second, rng):
                return mixed

        with pytest.raises(ValueError, match=f"augmentation must mix.*{message}"):
            Mixing(Wrong(), 0)(VIEWS, TARGET, None, 0, 0)


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [20, 10, 5])
    return 2 * np.eye(4)[codes] + rng.normal(size=(35, 4)), codes


def fit(rows, **params):
    """One step over all rows, and its first loss."""
    defaults = {"augmentation": "mixup", "max_epochs": 1, "batch_size": 35, "random_state": 0}
    weight = params.pop("sample_weight", None)
    clf = LiftClassifier("precomputed", **{**defaults, **params})
    return clf.fit(*rows, sample_weight=weight)


LOSSES = {
    "logit_adjusted": LogitAdjusted(),
    "weighted by class": "class_balanced",
    "focal, largest half": Focal(top_fraction=0.5),
    "lade": LADE(),
    "function": lambda logits, target: cross_entropy(logits, target, label_smoothing=0.1),
}


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_loss_is_that_of_both_labels_by_their_shares(rows, monkeypatch, loss, weighted):
    if weighted and callable(loss):
        pytest.skip("a plain function takes no sample weights")
    seen, mix = {}, MixUp.mix

    def watched(self, first, second, rng):
        seen["first"], seen["second"] = first, second
        seen["mixed"], seen["share"] = mix(self, first, second, rng)
        return seen["mixed"], seen["share"]

    monkeypatch.setattr(MixUp, "mix", watched)
    weight = np.linspace(0.5, 2, 35) if weighted else None
    clf = fit(rows, loss=loss, sample_weight=weight, lr=1e-12)
    X = torch.from_numpy(rows[0])
    logits = clf.model_(seen["mixed"])
    counts = np.bincount(rows[1], weight)
    criterion = clf.loss_.build(counts, clf.head_)
    expected = 0
    for share, part in ((seen["share"], "first"), (1 - seen["share"], "second")):
        at = (seen[part][:, None] == X).all(2).int().argmax(1)  # which row each one is
        own = None if weight is None else torch.from_numpy(weight)[at]
        expected = expected + share * criterion(logits, torch.from_numpy(rows[1])[at], own)
    assert clf.history_[0]["train_loss"] == pytest.approx(expected.item(), rel=1e-6)


@pytest.mark.parametrize("loss", LOSSES.values(), ids=LOSSES)
@pytest.mark.parametrize("weighted", [False, True])
def test_parts_of_a_batch_give_the_same(rows, loss, weighted):
    if weighted and callable(loss):
        pytest.skip("a plain function takes no sample weights")
    weight = np.linspace(0, 2, 35) if weighted else None
    params = {"loss": loss, "sample_weight": weight, "max_epochs": 3, "batch_size": 16}
    whole, parts = (fit(rows, compute__accumulate=n, **params) for n in (1, 4))
    np.testing.assert_allclose(
        parts.decision_function(rows[0]), whole.decision_function(rows[0]), rtol=0, atol=5e-6
    )
    for one, other in zip(parts.history_, whole.history_, strict=True):
        assert one["train_loss"] == pytest.approx(other["train_loss"], rel=1e-6)
        assert one["train_acc"] == other["train_acc"]


def test_accuracy_counts_the_label_with_the_larger_share(rows):
    class Nearly:
        """All of one of the pair in the picture and, but for nothing, in the label."""

        def __init__(self, share):
            self.share = share

        def mix(self, first, second, rng):
            return (first if self.share > 0.5 else second), self.share

    for share in (1.0, 0.0):
        clf = fit(rows, augmentation=Nearly(share), lr=1e-12)
        assert clf.history_[0]["train_acc"] == pytest.approx(clf.score(*rows))


def test_a_sample_of_no_weight_is_as_good_as_absent(rows):
    """In one batch of all, but for the order in which pairs are drawn."""
    spoilt = rows[0].copy()
    spoilt[::3] = 1e3
    weight = np.ones(35)
    weight[::3] = 0
    clf, other = (fit((X, rows[1]), sample_weight=weight, init="random") for X in (rows[0], spoilt))
    np.testing.assert_array_equal(clf.decision_function(rows[0]), other.decision_function(rows[0]))


@pytest.mark.parametrize(
    "augmentation", ["mixup", "cutmix", MixUp(views=None), CutMix(views="fixed")]
)
def test_pictures(quick, shapes, augmentation):
    """Views that repeat are mixed anew each time: what is frozen is not computed ahead."""
    X, y = shapes
    params = {"adapter": None, "augmentation": augmentation, "max_epochs": 3}
    clf, again = (quick(**params).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(clf.decision_function(X), again.decision_function(X))
    plain = quick(**{**params, "augmentation": getattr(augmentation, "views", "minimal")}).fit(X, y)
    assert np.abs(clf.decision_function(X) - plain.decision_function(X)).max() > 1e-3
    assert clf.score(X, y) > 0.6


def test_training_that_was_stopped_goes_on_with_the_same_mixtures(
    quick, shapes, tmp_path, monkeypatch
):
    n_mixed, mix = [], Mixing.__call__

    def failing(self, *batch):
        n_mixed.append(batch)
        if len(n_mixed) == 5:  # in the middle of the second epoch
            raise RuntimeError("the power is gone")
        return mix(self, *batch)

    clf = quick(augmentation="mixup", checkpoint=tmp_path, checkpoint__minutes=0)
    monkeypatch.setattr(Mixing, "__call__", failing)
    with pytest.raises(RuntimeError, match="the power is gone"):
        clf.fit(*shapes)
    resumed = clf.fit(*shapes)
    assert len(n_mixed) == 5 + 2  # of 6 batches, 4 were kept
    whole = quick(augmentation="mixup").fit(*shapes)
    X = shapes[0]
    np.testing.assert_array_equal(resumed.decision_function(X), whole.decision_function(X))
    assert resumed.history_[1]["train_loss"] == whole.history_[1]["train_loss"]
    assert resumed.history_[1]["train_acc"] == whole.history_[1]["train_acc"]


def test_held_out_pictures_are_not_mixed(quick, shapes):
    mixed = quick(augmentation=MixUp(views=None), validation_fraction=0.25, lr=1e-12).fit(*shapes)
    plain = quick(augmentation=None, validation_fraction=0.25, lr=1e-12).fit(*shapes)
    for row, other in zip(mixed.history_, plain.history_, strict=True):
        assert row["valid_loss"] == pytest.approx(other["valid_loss"], rel=1e-5)
        assert row["train_loss"] != pytest.approx(other["train_loss"], rel=1e-3)
