from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch import nn

from sklift import LiftClassifier
from sklift._compute._plan import ComputePlan
from sklift._data._features import frozen_features
from sklift._data._labelled_rows import LabelledRows, collate
from sklift._data._loading import loaded
from sklift._data._tokens import TokenRows
from sklift._model import TunedModel
from sklift._net import EpochOrder, EpochState, LearningRates, LiftNet, ShuffledLoader
from sklift.backbones import load_backbone
from sklift.images._as_source import as_image_source
from sklift.images._dataset import PlainViews
from sklift.losses import Focal


class Data(torch.utils.data.Dataset):
    """Six numbers with class and weight, as the views of pictures come."""

    weighted = True

    def __len__(self):
        return 6

    def __getitem__(self, i):
        view = torch.full((2,), float(i))
        return ((view, np.float32(1 + i)) if self.weighted else view), i % 2


class Loss(nn.Module):
    """Keeps the weights that it is given."""

    def __init__(self):
        super().__init__()
        self.weights = []

    def forward(self, logits, target, weight=None):
        self.weights.append(weight)
        return nn.functional.cross_entropy(logits, target)


class Module(nn.Module):
    def __init__(self):
        super().__init__()
        self.frozen = nn.Linear(2, 4).requires_grad_(False)
        self.head = nn.Linear(4, 2)
        self.register_buffer("mean", torch.zeros(1))

    def forward(self, x):
        return self.head(self.frozen(x))


def make(**params):
    defaults = {"train_split": None, "verbose": 0, "max_epochs": 2, "batch_size": 4, "lr": 0.1}
    return LiftNet(Module(), Loss(), **{**defaults, **params})


@pytest.fixture
def states():
    class Views(Data):
        epochs = []

        def set_epoch(self, epoch):
            self.epochs.append(epoch)

    views = Views()
    views.epochs = []
    return views, [("state", EpochState(EpochOrder(6, 0)))]


def test_only_trained_weights_reach_the_optimiser():
    net = make().initialize()
    held = [p for group in net.optimizer_.param_groups for p in group["params"]]
    assert {id(p) for p in held} == {id(p) for p in net.module_.head.parameters()}


@pytest.mark.parametrize("weighted", [True, False])
def test_the_loss_gets_weights_only_where_there_are_some(states, weighted):
    views, callbacks = states
    views.weighted = weighted
    net = make(callbacks=callbacks, iterator_train=ShuffledLoader)
    net.set_params(iterator_train__seed=0)
    net.fit(views)
    weights = net.criterion_.weights
    if weighted:
        assert sorted(torch.cat(weights[:2]).tolist()) == [1, 2, 3, 4, 5, 6]
    else:
        assert weights == [None] * 4


def test_epochs_are_told_and_hits_counted(states):
    views, callbacks = states
    net = make(callbacks=callbacks).fit(views)
    assert views.epochs == [0, 1]
    for row in net.history:
        assert (row["train_acc"] * 6) == pytest.approx(round(row["train_acc"] * 6))


class Watch(Callback):
    """Notes the rates of all groups at each batch."""

    def __init__(self):
        self.rates = []

    def on_batch_end(self, net, **kwargs):
        self.rates.append([group["lr"] for group in net.optimizer_.param_groups])


class TestLearningRates:
    def test_each_group_keeps_its_own(self, states):
        views, callbacks = states
        watch = Watch()
        rates = LearningRates([1.0, 0.5, 0.25])
        groups = [("*weight", {"lr": 3.0})]
        net = make(
            max_epochs=3,
            callbacks=[*callbacks, rates, watch],
            optimizer__param_groups=groups,
        ).fit(views)
        expected = np.repeat(
            [[3.0, 0.1], [1.5, 0.05], [0.75, 0.025]], len(watch.rates) // 3, axis=0
        )
        np.testing.assert_allclose(watch.rates, expected)
        np.testing.assert_allclose([row["lr"] for row in net.history], [0.1, 0.05, 0.025])

    def test_without_factors_they_stay(self, states):
        views, callbacks = states
        net = make(max_epochs=3, callbacks=[*callbacks, LearningRates(None)]).fit(views)
        assert [row["lr"] for row in net.history] == [0.1] * 3

    def test_they_warm_up_batch_by_batch(self, states):
        views, callbacks = states
        watch = Watch()
        rates = LearningRates([1.0, 0.5, 0.25], warmup_epochs=1.5)
        net = make(max_epochs=3, callbacks=[*callbacks, rates, watch], batch_size=3).fit(views)
        # epochs of two batches
        ramp = np.minimum(1, np.array([0.5, 1, 1.5, 2, 2.5, 3]) / 1.5)
        np.testing.assert_allclose(np.ravel(watch.rates), 0.1 * ramp * [1, 1, 0.5, 0.5, 0.25, 0.25])
        assert net.history[0]["lr"] == watch.rates[1][0]

    def test_a_warm_up_needs_to_know_how_long_an_epoch_is(self, states):
        class Endless:
            def __iter__(self):
                return iter(range(6))

        views, callbacks = states
        rates = LearningRates([1.0, 1.0], warmup_epochs=0.5)
        net = make(callbacks=[*callbacks, rates], iterator_train__sampler=Endless())
        with pytest.raises(TypeError, match="optimizer__warmup_epochs needs to know how many"):
            net.fit(views)


def test_logits_are_single_precision_at_least():
    net = make(precision=torch.bfloat16).initialize()
    assert net.infer(torch.ones(1, 2)).dtype == torch.float32
    net.module_.double()
    net.precision = torch.float32
    assert net.infer(torch.ones(1, 2).double()).dtype == torch.float64


def test_a_pickle_holds_what_prediction_needs(states):
    views, callbacks = states
    net = make(callbacks=callbacks, optimizer=torch.optim.Adam).fit(views)
    twin = pickle.loads(pickle.dumps(net))
    assert not hasattr(twin, "optimizer_") and not hasattr(twin, "criterion_")
    x = torch.arange(6.0).view(3, 2)
    assert torch.equal(next(net.forward_iter(x)), next(twin.forward_iter(x)))
    assert [row["train_loss"] for row in twin.history] == [row["train_loss"] for row in net.history]


class TestShuffledLoader:
    @staticmethod
    def order(loader):
        return [int(x) for (views, _), _ in loader for x in views[:, 0]]

    def test_every_epoch_has_an_order_of_its_own(self):
        def epochs():
            order = EpochOrder(6, seed=0)
            loader = ShuffledLoader(Data(), seed=0, batch_size=4, order=order)
            for epoch in range(4):
                order.start(epoch)
                yield tuple(self.order(loader))

        seen = list(epochs())
        assert all(sorted(epoch) == list(range(6)) for epoch in seen) and len(set(seen)) > 1
        assert list(epochs()) == seen

    @pytest.mark.parametrize("probabilities", [None, np.array([0.5, 0.1, 0.1, 0.1, 0.1, 0.1])])
    def test_an_epoch_can_be_taken_up_in_the_middle(self, probabilities):
        order = EpochOrder(6, 0, probabilities)
        order.start(3)
        whole = list(order)
        order.start(3, n_seen=4)
        assert list(order) == whole[4:] and len(order) == 2

    def test_the_order_can_be_left_or_given(self):
        assert self.order(ShuffledLoader(Data(), seed=0, shuffle=False)) == list(range(6))
        assert self.order(ShuffledLoader(Data(), seed=0, sampler=[3, 3, 1])) == [3, 3, 1]
        batches = [[3, 3], [1]]
        loader = ShuffledLoader(Data(), seed=0, batch_size=5, batch_sampler=batches)
        assert self.order(loader) == [3, 3, 1] and len(loader) == 2


def flat(batch) -> list[torch.Tensor]:
    """Views, weights if there are any, and labels of a batch."""
    views, target = batch
    return [*(views if isinstance(views, (list, tuple)) else (views,)), target]


class TestRows:
    """Rows in memory are cut out by arrays of indices, and are those of torch's data loader."""

    X = torch.randn(11, 3, 5, generator=torch.Generator().manual_seed(0))
    codes, weights = torch.arange(11) % 4, torch.linspace(1, 2, 11)

    def epochs(self, dataset, *, looped, n_seen=0, **settings):
        """The batches of two epochs, from torch's data loader if ``looped``."""
        order = EpochOrder(len(dataset), seed=0)
        if looped:  # a function of one's own
            settings["collate_fn"] = lambda items: collate(items)
        loader = ShuffledLoader(dataset, seed=0, batch_size=4, order=order, **settings)
        assert loader.takes_rows() != looped
        whole = dataset.dataset if isinstance(dataset, torch.utils.data.Subset) else dataset
        for epoch in range(2):
            order.start(epoch, n_seen)
            whole.set_epoch(epoch)
            yield from map(flat, loader)

    @pytest.mark.parametrize("kind", ["rows", "weighted", "views", "tokens", "part"])
    @pytest.mark.parametrize(
        "settings", [{}, {"drop_last": True}, {"shuffle": False}, {"n_seen": 4}], ids=str
    )
    def test_the_batches_of_a_loader(self, kind, settings):
        given = (self.codes, self.weights) if kind == "weighted" else (self.codes,)
        if kind == "tokens":
            rows = TokenRows([[x.numpy()] for x in self.X], *given)
        else:
            rows = LabelledRows((self.X if kind == "views" else self.X[:, 0]).numpy(), *given)
        dataset = torch.utils.data.Subset(rows, [9, 2, 3, 5, 7, 1]) if kind == "part" else rows
        mine = list(self.epochs(dataset, looped=False, **settings))
        theirs = list(self.epochs(dataset, looped=True, **settings))
        assert len(mine) == len(theirs) > 0
        for batch, other in zip(mine, theirs, strict=True):
            assert len(batch) == len(other) == 2 + (kind == "weighted")
            for a, b in zip(batch, other, strict=True):
                assert a.dtype == b.dtype and torch.equal(a, b)

    def test_as_many_as_the_sampler_has(self):
        rows = LabelledRows(self.X[:, 0].numpy(), self.codes)
        few = torch.utils.data.SequentialSampler(range(6))
        loader = ShuffledLoader(rows, seed=0, batch_size=4, sampler=few)
        assert loader.takes_rows()
        assert torch.cat([flat(batch)[-1] for batch in loader]).tolist() == [0, 1, 2, 3, 0, 1]
        # an epoch that is already through, as a checkpoint may have it
        assert list(self.epochs(rows, looped=False, n_seen=11)) == []

    @pytest.mark.parametrize(
        "settings",
        [{"sampler": [1, 2]}, {"batch_sampler": [[1], [2]]}, {"n_ahead": 2}, {"pin_memory": True}],
        ids=str,
    )
    def test_other_loaders_are_torchs(self, settings):
        rows = LabelledRows(self.X[:, 0].numpy(), self.codes)
        assert not ShuffledLoader(rows, seed=0, batch_size=4, **settings).takes_rows()
        assert not ShuffledLoader(Data(), seed=0, batch_size=4).takes_rows()

    def test_a_fit_on_features_has_the_same_bits(self, monkeypatch):
        y = np.repeat(["a", "b", "c"], [7, 3, 1])
        X = self.X[:, 0].numpy()

        def fit(**params):
            clf = LiftClassifier("precomputed", batch_size=4, max_epochs=3, random_state=0)
            # With a bound on gradients both take steps of torch; others: test_row_steps.py.
            clf.set_params(**params, optimizer__clip_grad_norm=1e9)
            clf.fit(X, y, np.linspace(1, 2, 11))
            return clf.predict_proba(X), [row["train_loss"] for row in clf.history_]

        variants = ({}, {"sampler": "balanced"}, {"adapter": "feature", "optimizer": "adamw"})
        rows = [fit(**params) for params in variants]
        monkeypatch.setattr(ShuffledLoader, "takes_rows", lambda self: False)
        for (proba, losses), params in zip(rows, variants, strict=True):
            expected, theirs = fit(**params)
            np.testing.assert_array_equal(proba, expected)
            assert losses == theirs

    @pytest.mark.parametrize("kind", ["rows", "tokens"])
    def test_rows_to_predict_are_aligned_copies(self, kind):
        x = self.X[:, 0] if kind == "rows" else self.X
        rows = LabelledRows(x.numpy()) if kind == "rows" else TokenRows([[v.numpy()] for v in x])
        found = list(loaded(rows, ComputePlan(torch.device("cpu"), torch.float32, 4)))
        assert [len(batch) for batch in found] == [4, 4, 3] and torch.equal(torch.cat(found), x)
        inside = x.untyped_storage()
        assert all(b.untyped_storage().data_ptr() != inside.data_ptr() for b in found)
        if kind == "rows":
            assert all(batch.data_ptr() % 64 == 0 for batch in found)


class TestParts:
    """On a CPU the gradient of a large batch is computed in parts."""

    @pytest.mark.parametrize("loss", ["logit_adjusted", "ldam", Focal(top_fraction=0.9)])
    def test_same_model(self, quick, shapes, monkeypatch, loss):
        X, y = shapes
        weight = np.linspace(0.5, 2, len(y))
        whole = quick(loss=loss).fit(X, y, sample_weight=weight)
        monkeypatch.setattr("sklift._net._net.MOST_VALUES", 5 * 3 * 40 * 40)
        parts = quick(loss=loss).fit(X, y, sample_weight=weight)
        for name, tensor in whole.model_.trained_state().items():
            other = parts.model_.trained_state()[name]
            torch.testing.assert_close(tensor, other, atol=1e-6, rtol=1e-4, msg=name)
        assert whole.accumulate_ == parts.accumulate_ == 1

    @pytest.mark.parametrize(
        ("loss", "sizes"),
        [("logit_adjusted", [5, 5, 5, 5, 4]), (Focal(top_fraction=0.9), [24])],
    )
    def test_sizes(self, quick, shapes, monkeypatch, loss, sizes):
        monkeypatch.setattr("sklift._net._net.MOST_VALUES", 5 * 3 * 40 * 40)
        seen, forward = [], TunedModel.forward

        def noted(self, x):
            seen.append(len(x))
            return forward(self, x)

        monkeypatch.setattr(TunedModel, "forward", noted)
        quick(loss=loss, max_epochs=1, batch_size=24).fit(*shapes)
        assert seen == sizes


class TestPartsOfPredictions:
    """On a CPU large batches are computed in parts, of no fewer than 8 views."""

    @pytest.fixture
    def sizes(self, monkeypatch):
        seen, features = [], TunedModel.features

        def noted(self, x):
            seen.append(len(x))
            return features(self, x)

        monkeypatch.setattr(TunedModel, "features", noted)
        return seen

    @pytest.mark.parametrize(
        ("n", "tta", "most_views", "expected"),
        [
            (24, None, 5, [8, 8, 8]),
            (23, None, 5, [12, 11]),
            (24, None, 12, [12, 12]),
            (24, None, 13, [24]),
            (7, None, 1, [7]),
            (9, "fivecrop", 5, [15, 10, 10, 10]),
            (1, "fivecrop", 1, [5]),
        ],
    )
    def test_sizes(self, quick, shapes, monkeypatch, sizes, n, tta, most_views, expected):
        clf = quick(batch_size=24, tta=tta).fit(*shapes)
        wanted = clf.predict_proba(shapes[0][:n])
        monkeypatch.setattr("sklift._compute._micro_batches.MOST_VALUES", most_views * 3 * 40 * 40)
        sizes.clear()
        found = clf.predict_proba(shapes[0][:n])
        assert sizes == expected
        np.testing.assert_allclose(found, wanted, atol=1e-6)

    def test_rows_of_features_stay_together(self, sizes):
        X = np.random.default_rng(0).normal(size=(6000, 512)).astype(np.float32)
        clf = LiftClassifier("precomputed", batch_size=6000, max_epochs=1, random_state=0)
        clf.fit(X, np.arange(6000) % 3)
        sizes.clear()
        clf.predict(X)
        assert sizes == [6000]

    def test_frozen_features(self, shapes, monkeypatch):
        backbone, seen = load_backbone("emoji-tiny"), []
        views = PlainViews(as_image_source(shapes[0]), 40, "bicubic")
        plan = ComputePlan(torch.device("cpu"), torch.float32, 24)
        (wanted,) = frozen_features(backbone, views, plan)
        monkeypatch.setattr("sklift._compute._micro_batches.MOST_VALUES", 10 * 3 * 40 * 40)

        def noted(x):
            seen.append(len(x))
            return backbone.tower(x)

        (found,) = frozen_features(backbone, views, tower=noted, plan=plan)
        assert seen == [12, 12]
        np.testing.assert_allclose(found, wanted, atol=1e-5)
