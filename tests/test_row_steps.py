"""Steps without a graph give what skorch's steps give, except for rounding."""

from __future__ import annotations

import signal
import tracemalloc

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift._data import _prepared_rows
from sklift._data._labelled_rows import LabelledRows
from sklift._data._prepared_rows import PreparedRows
from sklift._net import RowSteps
from sklift.heads import Linear
from sklift.heads._product import ProductHead
from sklift.losses import LogitAdjusted
from sklift.training import SGD, Adam

N_CLASSES = 4


class Watching(Callback):
    """A callback of the user's, which sees every batch: skorch's own steps are needed."""

    def __init__(self):
        self.sizes = []

    def on_batch_end(self, net, batch=None, training=False, y_pred=None, **kwargs):
        assert len(batch[1]) == len(y_pred)
        self.sizes.append(len(y_pred))


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(0)
    y = np.arange(50) % N_CLASSES
    X = rng.normal(size=(N_CLASSES, 6))[y] + rng.normal(size=(50, 6)) / 2
    return X.astype(np.float32), y


@pytest.fixture
def epochs(monkeypatch):
    """Number of epochs that were trained without a graph."""
    seen = []
    original = RowSteps.epoch

    def counting(steps, batches):
        seen.append(1)
        return original(steps, batches)

    monkeypatch.setattr(RowSteps, "epoch", counting)
    return seen


def classifier(**params):
    settings = {"head": "linear", "init": "class_mean", "batch_size": 16, "max_epochs": 3}
    return LiftClassifier("precomputed", **{**settings, "lr": 0.1, "random_state": 0, **params})


def slow(clf):
    return clf.set_params(net_params={"callbacks": [Watching()]})


def assert_same(fast, other, X):
    rtol = 1e-12 if X.dtype == np.float64 else 1e-5
    for name, tensor in other.model_.trained_state().items():
        ours = fast.model_.trained_state()[name]
        torch.testing.assert_close(ours, tensor, rtol=rtol, atol=rtol)
    assert len(fast.history_) == len(other.history_)
    for ours, theirs in zip(fast.history_, other.history_, strict=True):
        assert list(ours) == list(theirs)
        for key in ours.keys() - {"dur"}:
            assert ours[key] == pytest.approx(theirs[key], rel=10 * rtol)
    batches = [clf.net_.history[:, "batches", :, "train_batch_size"] for clf in (fast, other)]
    assert batches[0] == batches[1]
    assert fast.net_.history[:, "train_batch_count"] == other.net_.history[:, "train_batch_count"]


CASES = {
    "linear": {},
    "cosine": {"head": "cosine"},
    "whitened": {"head": "whitened_cosine"},
    "l2norm": {"head": "l2norm", "lr": 1.0},
    "layernorm": {"head": "layernorm"},
    "class weights": {"loss": "class_balanced", "loss__beta": 0.9},
    "tau": {"loss": "logit_adjusted", "loss__tau": 0.5},
    "no momentum": {"optimizer": SGD(0.0), "weight_decay": 0.0},
    "nesterov": {"optimizer": SGD(nesterov=True, head_lr_factor=2)},
    "warm-up": {"optimizer": SGD(warmup_epochs=1.5)},
    "adam": {"optimizer": Adam(), "lr": 0.01, "head": "cosine"},
    "held out": {"validation_fraction": 0.3, "early_stopping": True, "n_iter_no_change": 1},
    "sampler": {"sampler": "balanced"},
}


@pytest.mark.parametrize("case", CASES)
def test_steps_are_those_of_skorch(data, epochs, case):
    X, y = data
    fast = classifier(**CASES[case]).fit(X, y)
    assert len(epochs) == len(fast.history_)
    other = slow(classifier(**CASES[case])).fit(X, y)
    assert len(epochs) == len(fast.history_)
    assert_same(fast, other, X)
    assert fast.net_.row_steps is None  # it holds the features


@pytest.mark.parametrize("loss", ["logit_adjusted", "generalized_reweight"])
def test_samples_have_weights_and_64_bits(data, epochs, loss):
    X, y = data[0].astype(np.float64), data[1]
    weight = np.linspace(0.1, 2, len(y))
    fast = classifier(loss=loss).fit(X, y, sample_weight=weight)
    assert epochs
    assert_same(fast, slow(classifier(loss=loss)).fit(X, y, sample_weight=weight), X)


def test_rows_that_are_too_many_are_prepared_batch_by_batch(data, monkeypatch):
    X, y = data
    kept = classifier(head="whitened_cosine").fit(X, y)
    monkeypatch.setattr(_prepared_rows, "MOST_KEPT", X.nbytes - 1)
    assert_same(classifier(head="whitened_cosine").fit(X, y), kept, X)


@pytest.mark.parametrize("most", [0, 1 << 20])
def test_each_epoch_has_its_view(monkeypatch, most):
    monkeypatch.setattr(_prepared_rows, "MOST_KEPT", most)
    views = np.arange(24.0).reshape(4, 2, 3)
    rows = LabelledRows(views, np.arange(4), np.ones(4))
    prepared = PreparedRows(rows, lambda x: 10 * x, torch.float32)
    order = torch.tensor([3, 0, 2]).split(2)
    for epoch in range(3):
        rows.set_epoch(epoch)
        parts = [(x.clone(), y, w) for x, y, w in prepared.batches(order)]
        x, y, w = (torch.cat(part) for part in zip(*parts, strict=True))
        expected = 10 * torch.tensor(views[[3, 0, 2], epoch % 2], dtype=torch.float32)
        assert torch.equal(x, expected) and y.tolist() == [3, 0, 2] and w.tolist() == [1, 1, 1]


def test_training_goes_on_as_skorch_would(data, epochs):
    X, y = data
    pair = [classifier(warm_start=True), slow(classifier(warm_start=True))]
    for clf in pair:
        clf.fit(X[:30], y[:30]).fit(X, y)  # twice: the second from the outcome of the first
        for _ in range(2):
            clf.partial_fit(X[30:], y[30:])  # the momentum goes on
    assert len(epochs) == 8
    assert_same(*pair, X)


@pytest.mark.usefixtures("in_a_terminal")
@pytest.mark.parametrize("n", [7, 4], ids=["within an epoch", "after its last batch"])
def test_a_checkpoint_goes_on_with_the_same_bits(data, tmp_path, monkeypatch, n):
    X, y = data
    params = {"head": "cosine", "optimizer": SGD(warmup_epochs=1.5)}
    settings = {"checkpoint": str(tmp_path), "checkpoint__minutes": 0, **params}
    whole = classifier(**params).fit(X, y)
    product, calls = ProductHead.product, []

    def interrupted(head, prepared):
        calls.append(1)
        if len(calls) == n:
            signal.raise_signal(signal.SIGINT)
        return product(head, prepared)

    monkeypatch.setattr(ProductHead, "product", interrupted)
    with pytest.raises(KeyboardInterrupt):
        classifier(**settings).fit(X, y)
    assert len(calls) == n
    again = classifier(**settings).fit(X, y)
    assert len(calls) == 12
    for name, tensor in whole.model_.trained_state().items():
        assert torch.equal(tensor, again.model_.trained_state()[name])
    for name in ("train_loss", "train_acc", "lr"):
        assert [row[name] for row in again.history_] == [row[name] for row in whole.history_]


@pytest.mark.parametrize(
    "params",
    [
        {"loss": "focal"},
        {"loss": "logit_adjusted", "loss__top_fraction": 0.5},
        {"loss": lambda logits, target: torch.nn.functional.cross_entropy(logits, target)},
        {"optimizer": SGD(clip_grad_norm=1.0)},
        {"adapter": "feature"},
        {"compute__accumulate": 2},
    ],
    ids=["focal", "top", "function", "clipping", "adapter", "accumulate"],
)
def test_skorch_trains_what_has_no_closed_form(data, epochs, params):
    classifier(max_epochs=1, **params).fit(*data)
    assert not epochs


class Changed(Linear):
    """Recipe of a head that is ours, but for a change to its module."""

    def __init__(self, change=None):
        self.change = change

    def build(self, n_features, n_classes):
        head = super().build(n_features, n_classes)
        self.change(head)
        return head


class HalvedLoss(LogitAdjusted):
    """Recipe of a loss that is ours, but for a hook."""

    def build(self, class_counts, head=None):
        loss = super().build(class_counts, head)
        loss.register_forward_hook(lambda module, given, value: value / 2)
        return loss


def halved(head):
    forward = head.forward
    head.forward = lambda x: forward(x) / 2


CHANGES = {
    "forward": halved,
    "hook": lambda head: head.register_forward_hook(lambda module, given, z: z / 2),
    "hook of a weight": lambda head: head.weight.register_hook(torch.zeros_like),
    "later hook": lambda head: head.weight.register_post_accumulate_grad_hook(lambda w: None),
    "frozen bias": lambda head: head.bias.requires_grad_(False),
}


NOT_SAVED = "ignore:the fitted LiftClassifier will predict, but save will refuse it"


@pytest.mark.filterwarnings(NOT_SAVED)
@pytest.mark.parametrize(
    "params",
    [*({"head": Changed(change)} for change in CHANGES.values()), {"loss": HalvedLoss()}],
    ids=[*CHANGES, "loss"],
)
def test_skorch_trains_what_a_recipe_has_changed(data, epochs, params):
    classifier(max_epochs=1, **params).fit(*data)
    assert not epochs


@pytest.mark.filterwarnings(NOT_SAVED)
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_weights_may_lie_in_another_order(data, epochs, optimizer):
    def turned(head):
        head.weight = torch.nn.Parameter(torch.zeros(head.weight.shape[::-1]).T)

    X, y = data
    fast = classifier(head=Changed(turned), optimizer=optimizer).fit(X, y)
    assert len(epochs) == 3 and not fast.model_.head.weight.is_contiguous()
    assert_same(fast, classifier(head="linear", optimizer=optimizer).fit(X, y), X)


@pytest.mark.parametrize("order", ["views", "columns"])
def test_only_the_rows_of_a_batch_are_copied(order):
    X = np.random.default_rng(0).normal(size=(2000, 2, 50))
    X = X if order == "views" else np.asfortranarray(X[:, 0])
    batches = PreparedRows(LabelledRows(X, np.zeros(2000, int)), None, torch.float64).batches
    index = torch.tensor([1999, 0])
    tracemalloc.start()
    try:
        ((x, _, _),) = batches([index])
        assert tracemalloc.get_traced_memory()[1] < X.nbytes / 10
    finally:
        tracemalloc.stop()
    assert np.array_equal(x, X.reshape(2000, -1)[[1999, 0], :50])


def test_a_callback_of_the_user_sees_every_batch(data):
    watching = Watching()
    classifier(max_epochs=1, net_params={"callbacks": [watching]}).fit(*data)
    assert watching.sizes == [16, 16, 16, 2]


def test_a_loss_that_is_not_finite_ends_training(data):
    X, y = data
    clf = classifier(lr=1e38, head="linear")
    with pytest.raises(
        FloatingPointError, match=r"the loss became (nan|inf) in epoch 1, batch [23]"
    ):
        clf.fit(X, y)
    assert np.isfinite(clf.predict_proba(X)).all()


def test_hits_are_those_of_the_predictions(data):
    X, y = data
    clf = classifier(lr=1e-12, max_epochs=1).fit(X, y)
    assert 0.25 < clf.history_[0]["train_acc"] == pytest.approx(clf.score(X, y))
