"""Length of training: chosen by the number of pictures, and a warning where it was too short."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from sklift import LiftClassifier
from sklift._fitting._learned import warn_if_unlearned
from sklift._fitting._length import choose_batch_size, choose_max_epochs
from sklift.presets import LIFT_PLUS


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    y = np.repeat(np.arange(6), [60, 40, 30, 20, 10, 5])
    centres = rng.normal(size=(6, 20))
    return centres[y] + rng.normal(scale=2.0, size=(len(y), 20)), y


class TestChoice:
    @pytest.mark.parametrize(
        ("n", "batch_size", "max_epochs"),
        [
            (1, 16, 50),
            (50, 16, 50),
            (100, 16, 43),
            (1024, 16, 5),
            (2047, 16, 5),
            (2048, 32, 5),
            (8191, 64, 5),
            (8192, 128, 5),
            (115_846, 128, 5),
        ],
    )
    def test_of_a_tuned_tower(self, n, batch_size, max_epochs):
        size = choose_batch_size(n, frozen=False)
        assert (size, choose_max_epochs(n, size)) == (batch_size, max_epochs)

    def test_steps_grow_with_the_pictures_and_reach_the_papers(self):
        def steps(n):
            size = choose_batch_size(n, frozen=False)
            return choose_max_epochs(n, size) * -(-n // size)

        assert [steps(n) for n in (50, 100, 500, 1000)] == [200, 301, 320, 315]
        for n in range(100, 20_000, 37):
            assert steps(n) >= 300
        assert steps(100_000) == 5 * 782

    def test_of_features(self):
        sizes = [choose_batch_size(n, frozen=True) for n in (10, 1000, 10**6)]
        assert sizes == [128, 128, 128]

    def test_is_an_attribute(self, table):
        X, y = table
        clf = LiftClassifier("precomputed", random_state=0).fit(X, y)
        assert (clf.batch_size_, clf.max_epochs_) == (128, 50) and len(clf.history_) == 50
        clf = LiftClassifier("precomputed", adapter="feature", random_state=0).fit(X, y)
        assert (clf.batch_size_, clf.max_epochs_) == (16, 28)
        assert clf.get_params()["max_epochs"] == clf.get_params()["batch_size"] == "auto"

    def test_of_pictures(self, shapes):
        clf = LiftClassifier("emoji-tiny", random_state=0)
        clf = clf.fit(*shapes)
        assert (clf.batch_size_, clf.max_epochs_, len(clf.history_)) == (16, 50, 50)
        clf = LiftClassifier("emoji-tiny", adapter=None, random_state=0).fit(*shapes)
        assert (clf.batch_size_, clf.max_epochs_) == (128, 50)

    def test_one_of_them_is_given(self, table):
        clf = LiftClassifier("precomputed", batch_size=10, random_state=0).fit(*table)
        assert (clf.batch_size_, clf.max_epochs_) == (10, 18)
        clf = LiftClassifier("precomputed", max_epochs=3, random_state=0).fit(*table)
        assert (clf.batch_size_, clf.max_epochs_, len(clf.history_)) == (128, 3, 3)

    def test_pictures_of_weight_zero_do_not_count(self, table):
        X, y = table
        weight = np.ones(len(X))
        weight[::2] = 0
        clf = LiftClassifier("precomputed", batch_size=10, random_state=0)
        assert clf.fit(X, y, sample_weight=weight).max_epochs_ == 34  # 9 steps an epoch
        assert clf.fit(X[1::2], y[1::2]).max_epochs_ == 34

    def test_passes_that_are_given_one_by_one(self, table):
        X, y = table
        clf = LiftClassifier("precomputed", random_state=0)
        clf.partial_fit(X, y, classes=np.unique(y)).partial_fit(X, y)
        assert len(clf.history_) == 2 and clf.batch_size_ == 128

    @pytest.mark.parametrize("name", ["max_epochs", "batch_size"])
    def test_another_word(self, name, table):
        with pytest.raises(ValueError, match=f"'{name}' parameter .* must be .*auto"):
            LiftClassifier("precomputed", **{name: "papers"}).fit(*table)


def history(losses, rates=None, accuracy=0.5):
    rates = np.ones(len(losses)) if rates is None else rates
    rows = zip(losses, rates, strict=True)
    return [{"train_loss": loss, "lr": lr, "train_acc": accuracy} for loss, lr in rows]


def is_warned(*args, **kwargs):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        warn_if_unlearned(history(*args, **kwargs))
    return len(caught) == 1


class TestWarning:
    def test_a_loss_that_still_falls(self):
        assert is_warned([2.0, 1.8, 1.6, 1.4, 1.2])

    def test_a_loss_that_stands_still(self):
        assert not is_warned([2.0, 1.2, 1.0, 0.98, 0.97])
        assert not is_warned([1.0] * 5)

    def test_falls_are_compared_per_learning_rate(self):
        losses = [2.0, 1.6, 1.3, 1.15, 1.05]
        assert not is_warned(losses)
        assert is_warned(losses, [1.0, 0.9, 0.6, 0.3, 0.1])

    def test_pictures_that_are_learned(self):
        assert not is_warned([2.0, 1.8, 1.6, 1.4, 1.2], accuracy=0.95)

    def test_too_few_epochs_to_tell(self):
        assert not is_warned([2.0, 1.5, 1.0])

    def test_rates_of_zero(self):
        assert not is_warned([2.0, 1.5, 1.0, 0.5], [0.0] * 4)

    def test_the_papers_length_on_few_pictures(self, table):
        short = LiftClassifier("precomputed", **LIFT_PLUS | {"adapter": None}, random_state=0)
        with pytest.warns(UserWarning, match=r"still falling.*raise max_epochs \(10, for instance"):
            short.fit(*table)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            longer = LiftClassifier("precomputed", random_state=0).fit(*table)
        assert longer.history_[-1]["train_loss"] < short.history_[-1]["train_loss"]

    def test_not_where_early_stopping_has_decided(self):
        rng, y = np.random.default_rng(4), np.repeat(np.arange(3), [20, 12, 8])
        X = rng.normal(size=(40, 6)) + np.array([0, 2, -2])[y][:, None]
        clf = LiftClassifier("precomputed", early_stopping=True, random_state=0)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            history = clf.fit(X, y).history_
        assert len(history) < clf.max_epochs_
        with pytest.warns(UserWarning, match="still falling"):  # as it is without
            warn_if_unlearned(history)
