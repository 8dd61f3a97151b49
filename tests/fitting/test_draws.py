"""What the loss is told of samplers that come through ``net_params``."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch
from skorch.callbacks import Callback
from torch.utils.data import (
    BatchSampler,
    RandomSampler,
    SequentialSampler,
    SubsetRandomSampler,
    WeightedRandomSampler,
)

from sklift import LiftClassifier
from sklift._fitting._draws import expected_draws

CODES = np.repeat([0, 1], [40, 40])
WEIGHTS = np.where(CODES == 0, 1.0, 10.0)


@pytest.fixture(scope="module")
def blobs():
    """Features (80, 8) of two directions that overlap, 40 + 40, and labels."""
    rng = np.random.default_rng(0)
    return 1.5 * np.eye(8)[CODES] + rng.normal(size=(80, 8)), np.array(["a", "b"])[CODES]


class Seen(Callback):
    def __init__(self):
        self.codes = []

    def on_batch_begin(self, net, batch, training, **kwargs):
        if training:
            self.codes.extend(batch[1].tolist())


def counts_of(X, y, name="sampler", **params):
    """What the loss is told, and what is drawn in an epoch."""
    seen = Seen()
    net_params = {f"iterator_train__{name}": params.pop("own"), "callbacks": [seen]}
    defaults = {"random_state": 0, "batch_size": 16, "max_epochs": 30}
    clf = LiftClassifier("precomputed", net_params=net_params, **{**defaults, **params}).fit(X, y)
    told = clf.net_.criterion_.class_counts.numpy()
    return clf, told, np.bincount(seen.codes, minlength=2) / len(clf.history_)


def test_one_class_drawn_ten_times_as_often(blobs):
    """The example of the issue: the loss was told that both come equally often."""
    clf, told, drawn = counts_of(*blobs, own=WeightedRandomSampler(WEIGHTS, 80))
    np.testing.assert_allclose(told, [80 / 11, 800 / 11], rtol=1e-5)
    np.testing.assert_allclose(drawn, told, rtol=0.2)
    assert clf.class_counts_.tolist() == [40, 40]
    clf, *_ = counts_of(*blobs, own=WeightedRandomSampler(WEIGHTS, 80), loss="cross_entropy")
    np.testing.assert_allclose(clf.implied_prior_, [1 / 11, 10 / 11])


@pytest.mark.parametrize(
    ("name", "make"),
    [
        ("sampler", lambda g: WeightedRandomSampler(WEIGHTS, 50, replacement=False, generator=g)),
        ("sampler", lambda g: SubsetRandomSampler(list(range(30, 80)), generator=g)),
        ("sampler", lambda g: RandomSampler(range(80), num_samples=30, generator=g)),
        ("sampler", lambda g: SequentialSampler(range(60))),
        ("sampler", lambda g: [0] * 30 + [79] * 3),
        ("batch_sampler", lambda g: BatchSampler(SubsetRandomSampler(range(30, 80), g), 5, False)),
        ("batch_sampler", lambda g: [[0, 1, 2], [79]]),
    ],
)
def test_the_draws_are_those_of_training(blobs, name, make):
    """Of samplers with a generator of their own a copy draws the very same samples."""
    generator = torch.Generator().manual_seed(3)
    _, told, drawn = counts_of(*blobs, name, own=make(generator), max_epochs=3)
    np.testing.assert_allclose(told, drawn, rtol=1e-6)
    assert told[0] != told[1]


def test_batches_of_weighted_draws(blobs):
    own = BatchSampler(WeightedRandomSampler(WEIGHTS, 80), 16, drop_last=True)
    _, told, _ = counts_of(*blobs, "batch_sampler", own=own)
    np.testing.assert_allclose(told, [80 / 11, 800 / 11], rtol=1e-5)


def test_sample_weights_count_as_well(blobs):
    X, y = blobs
    own = SubsetRandomSampler(range(30, 80))
    clf = LiftClassifier(
        "precomputed", random_state=0, net_params={"iterator_train__sampler": own}
    ).fit(X, y, sample_weight=np.where(y == "a", 3.0, 1.0))
    np.testing.assert_allclose(clf.net_.criterion_.class_counts, [30, 40])


def test_passes_of_partial_fit_add_up(blobs):
    X, y = blobs
    own = WeightedRandomSampler(WEIGHTS, 80)
    clf = LiftClassifier("precomputed", net_params={"iterator_train__sampler": own})
    clf.partial_fit(X, y, classes=["a", "b"]).partial_fit(X, y)
    np.testing.assert_allclose(clf.net_.criterion_.class_counts, [160 / 11, 1600 / 11], rtol=1e-5)


class Drawing:
    """Draws from every random state there is, and counts its passes."""

    n_passes = 0

    def __iter__(self):
        self.n_passes += 1
        for _ in range(20):
            yield random.randrange(40)
            yield np.random.randint(40, 80)
            yield int(torch.randint(80, ()))


def test_nothing_is_disturbed():
    def states():
        return random.getstate(), str(np.random.get_state()), torch.get_rng_state().tolist()

    sampler, before = Drawing(), states()
    draws = expected_draws(sampler, 80, 5, seed=0)
    assert draws.sum() == pytest.approx(60) and sampler.n_passes == 0
    assert states() == before


def test_data_is_not_copied_along():
    class Rows(list):
        def __deepcopy__(self, memo):
            raise AssertionError("the data was copied")

    sampler = RandomSampler(Rows(range(9)), num_samples=18)
    assert expected_draws(sampler, 9, 1, seed=0).tolist() == [2] * 9


def test_what_cannot_be_copied_counts_once():
    once = (i for i in [0, 0, 1])
    with pytest.warns(UserWarning, match=r"net_params\['sampler'\] .*each sample once, however"):
        assert expected_draws(once, 2, 1, seed=0).tolist() == [1, 1]
    assert list(once) == [0, 0, 1]


@pytest.mark.parametrize(
    ("own", "message"),
    [
        ([0, 80], r"'iterator_train__sampler'\] draws sample 80: there are samples 0 to 79"),
        (WeightedRandomSampler(np.ones(90), 9), "draws sample 89: there are samples 0 to 79"),
        ([], "draws no sample: there are"),
    ],
)
def test_samples_that_are_not_there(blobs, own, message):
    with pytest.raises(ValueError, match=message):
        counts_of(*blobs, own=own)


def test_weights_may_leave_the_last_samples_out():
    draws = expected_draws(WeightedRandomSampler([1.0, 3.0], 8), 4, 1, seed=0)
    assert draws.tolist() == [2, 6, 0, 0]


@pytest.mark.parametrize("own", [{"sampler": [0, 1]}, {"shuffle": False}, {"batch_sampler": [[0]]}])
def test_one_sampler_is_enough(blobs, own):
    net_params = {f"iterator_train__{name}": value for name, value in own.items()}
    clf = LiftClassifier("precomputed", sampler="balanced", net_params=net_params)
    said = rf"sampler=Balanced\(\) and net_params\['{next(iter(net_params))}'\] both say"
    with pytest.raises(ValueError, match=said):
        clf.fit(*blobs)
