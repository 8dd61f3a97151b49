"""A fit that must end in time."""

from __future__ import annotations

import time
import warnings

import numpy as np
import pytest
from sklearn.base import BaseEstimator

from sklift import LiftClassifier


@pytest.fixture(scope="module")
def table():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 8)), np.arange(60) % 3
    LiftClassifier("precomputed", max_epochs=1).fit(X, y)  # imports take time
    return X, y


class Slow(BaseEstimator):
    """An optimizer whose steps take a given time."""

    def __init__(self, seconds):
        self.seconds = seconds

    def build(self, groups, lr, weight_decay):
        import torch

        optimizer = torch.optim.SGD(groups, lr=lr)
        optimizer.register_step_pre_hook(lambda *_: time.sleep(self.seconds))
        return optimizer


def slow(seconds, limit, **params):
    settings = {"batch_size": 30, "max_epochs": 50, "random_state": 0, "lr": 0.1, **params}
    optimizer = Slow(seconds)
    return LiftClassifier("precomputed", optimizer=optimizer, compute__time_limit=limit, **settings)


@pytest.mark.filterwarnings("ignore:the loss was still falling")
def test_fewer_epochs_whose_rates_fall_to_their_end(table):
    begun = time.perf_counter()
    clf = slow(0.05, 1.5).fit(*table)
    assert time.perf_counter() - begun < 3
    rates = [row["lr"] for row in clf.history_]
    assert 4 <= len(rates) < 50 and rates[0] == 0.1
    n = len(rates)
    assert rates[-1] <= 0.1 * (1 + np.cos(np.pi * (n - 2) / n)) / 2  # of 50: almost 0.1
    assert rates[n // 2] < 0.09 and clf.net_.planned_epochs == n
    assert clf.predict_proba(table[0]).shape == (60, 3)


def test_enough_time_changes_nothing(table):
    with_limit = slow(0, 1000, max_epochs=3).fit(*table)
    without = slow(0, None, max_epochs=3).fit(*table)
    assert len(with_limit.history_) == 3
    np.testing.assert_array_equal(*(c.predict_proba(table[0]) for c in (with_limit, without)))


def test_time_for_less_than_an_epoch(table):
    clf = slow(0.3, 0.5, batch_size=5)
    begun = time.perf_counter()
    with pytest.warns(UserWarning, match=r"time_limit=0\.5 ended training within epoch 1"):
        clf.fit(*table)
    assert time.perf_counter() - begun < 2.5  # 12 steps of an epoch would take 3.6 s
    assert clf.history_ == [] and clf.predict(table[0]).shape == (60,)


def test_one_batch_is_trained(table):
    start = slow(0, None, max_epochs=1, lr=1e-30).fit(*table).model_.trained_state()
    with pytest.warns(UserWarning, match="ended training"):
        clf = slow(0, 1e-6).fit(*table)
    trained = clf.model_.trained_state()
    assert any(not np.array_equal(start[name], trained[name]) for name in start)


def test_no_warning_of_a_loss_that_falls_where_time_was_up(table):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        slow(0.3, 0.5, batch_size=5).fit(*table)
    assert len(caught) == 1


@pytest.mark.parametrize("wrong", [0, -1.0, "10 s"])
def test_what_is_no_time(wrong, table):
    with pytest.raises(ValueError, match="'time_limit' parameter of Compute must be"):
        slow(0, wrong).fit(*table)


def test_the_plan_grows_if_later_epochs_are_faster(table):
    """The first epoch decodes pictures, and may take most of the time."""
    waits = iter([0.7] + [0.0] * 1000)

    class Once(Slow):
        def build(self, groups, lr, weight_decay):
            import torch

            optimizer = torch.optim.SGD(groups, lr=lr)
            optimizer.register_step_pre_hook(lambda *_: time.sleep(next(waits)))
            return optimizer

    clf = LiftClassifier(
        "precomputed",
        optimizer=Once(0),
        batch_size=60,
        max_epochs=20,
        compute__time_limit=1.2,
        random_state=0,
    ).fit(*table)
    assert len(clf.history_) == 20


def test_time_for_few_epochs_only(table):
    with pytest.warns(UserWarning, match=r"time_limit=0\.5 was enough for \d of 50 epochs only"):
        slow(0.1, 0.5).fit(*table)


@pytest.mark.filterwarnings("ignore:the loss was still falling")
def test_the_bar_ends_full(table, capsys):
    slow(0.05, 1.0, verbose=1).fit(*table)
    assert "100%" in capsys.readouterr().err


def test_no_checkpoint_beside_it(table, tmp_path):
    with pytest.raises(ValueError, match="checkpoint and compute__time_limit exclude each other"):
        slow(0, 10, checkpoint=tmp_path).fit(*table)
    assert not any(tmp_path.iterdir())


def test_an_ample_limit_hides_no_warning(table):
    X, y = np.random.default_rng(0).normal(size=(600, 8)), np.arange(600) % 3
    clf = LiftClassifier("precomputed", head="linear", lr=0.3, max_epochs=5, random_state=0)
    clf.set_params(init="random", batch_size=600, compute__time_limit=1000)
    X[np.arange(600), y] += 1.5
    with pytest.warns(UserWarning, match="still falling"):
        clf.fit(X, y)
