"""Recipes of optimizers, as the estimator uses them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV
from skorch.callbacks import Callback

from sklift import LiftClassifier
from sklift.training import OPTIMIZERS, SGD, Adam, AdamW, TorchOptimizer, resolve_optimizer


@pytest.fixture(scope="module")
def blobs():
    """Features (90, 8) of three directions that overlap, 60 + 20 + 10, and labels."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [60, 20, 10])
    return 1.5 * np.eye(8)[codes] + rng.normal(size=(90, 8)), np.array(["a", "b", "c"])[codes]


def on_features(**params):
    defaults = {"random_state": 0, "batch_size": 30, "max_epochs": 4, "lr": 0.01}
    return LiftClassifier("precomputed", **{**defaults, **params})


class Watch(Callback):
    """Keeps the optimizer, and the rates of its groups at each batch."""

    def __init__(self):
        self.rates = []

    def on_batch_end(self, net, training=False, **kwargs):
        if training:
            self.optimizer = net.optimizer_
            self.rates.append([group["lr"] for group in net.optimizer_.param_groups])


def watched(X, y, **params):
    watch = Watch()
    clf = on_features(net_params={"callbacks": [watch]}, **params).fit(X, y)
    return clf, watch


def assert_same(one, other):
    theirs = other.model_.trained_state()
    for name, tensor in one.model_.trained_state().items():
        assert torch.equal(tensor, theirs[name]), name


@pytest.mark.parametrize(
    ("recipe", "kind", "settings"),
    [
        (SGD(), torch.optim.SGD, {"momentum": 0.9, "nesterov": False}),
        (SGD(np.float64(0.5), nesterov=True), torch.optim.SGD, {"momentum": 0.5, "nesterov": True}),
        (AdamW(), torch.optim.AdamW, {"betas": (0.9, 0.999), "eps": 1e-8}),
        (Adam([0.8, 0.99], eps=1e-6), torch.optim.Adam, {"betas": (0.8, 0.99), "eps": 1e-6}),
        (TorchOptimizer(torch.optim.RMSprop, {"alpha": 0.9}), torch.optim.RMSprop, {"alpha": 0.9}),
    ],
    ids=repr,
)
def test_settings_reach_the_optimizer(blobs, recipe, kind, settings):
    _, watch = watched(*blobs, optimizer=recipe, weight_decay=np.float64(0.02), lr=0.001)
    assert type(watch.optimizer) is kind
    (group,) = watch.optimizer.param_groups
    expected = {**settings, "weight_decay": 0.02, "initial_lr": 0.001}
    assert {name: group[name] for name in expected} == expected


@pytest.mark.parametrize("name", OPTIMIZERS)
class TestEach:
    def test_a_name_is_its_recipe(self, name, blobs):
        recipe = OPTIMIZERS[name]()
        assert_same(
            on_features(optimizer=name).fit(*blobs), on_features(optimizer=recipe).fit(*blobs)
        )

    def test_it_is_cloned_saved_and_searched(self, name, blobs, tmp_path):
        clf = on_features(optimizer=name, max_epochs=1)
        clf.set_params(optimizer__clip_grad_norm=1.0, optimizer__warmup_epochs=0.5).fit(*blobs)
        clf.save(tmp_path / "model")
        loaded = LiftClassifier.load(tmp_path / "model")
        said = f"{OPTIMIZERS[name].__name__}(clip_grad_norm=1.0, warmup_epochs=0.5)"
        assert repr(loaded.optimizer) == repr(clone(clf).optimizer) == said
        grid = {"optimizer__schedule": ["constant", "cosine"]}
        search = GridSearchCV(clf, grid, cv=2, error_score="raise").fit(*blobs)
        assert search.best_estimator_.optimizer.clip_grad_norm == 1


def test_the_default_is_sgd_with_its_defaults(quick, shapes):
    assert_same(quick().fit(*shapes), quick(optimizer=SGD()).fit(*shapes))


@pytest.mark.parametrize(
    "change",
    [
        {"momentum": 0.5},
        {"nesterov": True},
        {"schedule": "linear"},
        {"warmup_epochs": 1},
        {"head_lr_factor": 2},
        {"clip_grad_norm": 1e-3},
    ],
    ids=str,
)
def test_each_setting_matters(blobs, change):
    plain, changed = on_features().fit(*blobs), on_features(optimizer=SGD(**change)).fit(*blobs)
    assert not np.allclose(
        plain.predict_proba(blobs[0]), changed.predict_proba(blobs[0]), rtol=1e-7
    )


class TestRates:
    def test_a_schedule_of_ones_own(self, blobs):
        def halves(epoch, n_epochs):
            return 0.5**epoch

        clf, watch = watched(*blobs, optimizer=SGD(schedule=halves))
        rates = 0.01 * 0.5 ** np.arange(4)
        np.testing.assert_allclose([row["lr"] for row in clf.history_], rates)
        np.testing.assert_allclose(np.ravel(watch.rates), np.repeat(rates, 3))

    def test_a_warm_up_of_half_an_epoch(self, blobs):
        _, watch = watched(*blobs, optimizer=SGD(schedule="constant", warmup_epochs=0.5))
        np.testing.assert_allclose(np.ravel(watch.rates)[:4], [0.02 / 3, 0.01, 0.01, 0.01])

    def test_the_heads_own(self, quick, shapes):
        watch = Watch()
        optimizer = SGD(head_lr_factor=10, schedule="linear")
        clf = quick(optimizer=optimizer, lr=0.01, net_params={"callbacks": [watch]}).fit(*shapes)
        np.testing.assert_allclose(watch.rates, [[0.1, 0.01]] * 3 + [[0.05, 0.005]] * 3)
        head, rest = watch.optimizer.param_groups
        assert [id(p) for p in head["params"]] == [id(clf.model_.head.weight)]
        assert len(rest["params"]) > 1
        assert [row["lr"] for row in clf.history_] == [0.01, 0.005]

    def test_a_head_of_no_rate_stays(self, quick, shapes):
        clf = quick(optimizer=SGD(head_lr_factor=0), init="class_mean").fit(*shapes)
        start = quick(lr=1e-12, init="class_mean").fit(*shapes)
        ours, theirs = (c.model_.head.weight for c in (clf, start))
        torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-6)

    def test_groups_of_net_params_keep_theirs(self, quick, shapes):
        """They were overwritten without a word."""
        watch = Watch()
        groups = [("*.scale", {"lr": 0.5, "weight_decay": 0.0, "momentum": 0.3})]
        quick(
            optimizer=SGD(head_lr_factor=10, schedule="linear"),
            lr=0.01,
            net_params={
                "callbacks": [watch],
                "optimizer__param_groups": groups,
                "optimizer__momentum": 0.7,
            },
        ).fit(*shapes)
        np.testing.assert_allclose(watch.rates[-1], [0.25, 0.05, 0.005])
        settings = [(g["momentum"], g["weight_decay"]) for g in watch.optimizer.param_groups]
        assert settings == [(0.3, 0.0), (0.7, 5e-4), (0.7, 5e-4)]

    def test_partial_fit_keeps_them_constant(self, blobs):
        X, y = blobs
        watch = Watch()
        optimizer = AdamW(head_lr_factor=10, warmup_epochs=5)
        clf = on_features(optimizer=optimizer, net_params={"callbacks": [watch]}, adapter="feature")
        clf.partial_fit(X, y, classes=np.unique(y)).partial_fit(X, y)
        np.testing.assert_allclose(watch.rates, [[0.1, 0.01]] * 6)
        assert {row["lr"] for row in clf.history_} == {0.01}
        steps = {int(state["step"]) for state in watch.optimizer.state.values()}
        assert steps == {6}  # the state of all groups is carried on

    def test_a_warm_start_begins_at_the_full_rate(self, blobs):
        clf, watch = watched(*blobs, optimizer=SGD(head_lr_factor=2), warm_start=True)
        first, watch.rates = watch.rates, []
        clf.fit(*blobs)
        assert watch.rates == first


class Sign(torch.optim.Optimizer):
    """Steps of the same length in every weight."""

    def __init__(self, params, lr, decay):
        super().__init__(params, {"lr": lr, "decay": decay})

    @torch.no_grad()
    def step(self, closure):
        with torch.enable_grad():
            closure()
        for group in self.param_groups:
            for p in group["params"]:
                p.mul_(1 - group["lr"] * group["decay"]).sub_(group["lr"] * p.grad.sign())


class SignDescent(BaseEstimator):
    """Somebody's optimizer recipe, that knows nothing of ours."""

    def __init__(self, clip_grad_norm=None):
        self.clip_grad_norm = clip_grad_norm

    def build(self, groups, lr, weight_decay):
        return Sign(groups, lr, decay=weight_decay)


def test_an_optimizer_of_ones_own(quick, shapes, tmp_path):
    watch = Watch()
    clf = quick(
        optimizer=SignDescent(), lr=1e-3, weight_decay=0.1, net_params={"callbacks": [watch]}
    )
    clf.set_params(optimizer__clip_grad_norm=1.0).fit(*shapes)
    assert type(watch.optimizer) is Sign and watch.optimizer.param_groups[0]["decay"] == 0.1
    np.testing.assert_allclose([row["lr"] for row in clf.history_], [1e-3, 5e-4])  # the cosine
    assert clf.score(*shapes) > 0.8
    clf.set_params(net_params=None).save(tmp_path / "model")
    loaded = LiftClassifier.load(tmp_path / "model", recipes=[SignDescent])
    assert repr(loaded.optimizer) == "SignDescent(clip_grad_norm=1.0)"


class TestClassesOfTorch:
    def test_settings_make_a_recipe_of_it(self, blobs):
        clf = on_features(optimizer=torch.optim.RMSprop)
        clf.set_params(optimizer__settings={"alpha": 0.5}, optimizer__schedule="constant")
        assert isinstance(clone(clf).optimizer, TorchOptimizer)
        assert {row["lr"] for row in clf.fit(*blobs).history_} == {0.01}

    def test_they_are_left_out_of_files(self, blobs, tmp_path):
        clf = on_features(optimizer=TorchOptimizer(torch.optim.AdamW)).fit(*blobs)
        with pytest.warns(UserWarning, match=r"leaves out \['optimizer'\]"):
            clf.save(tmp_path / "model")

    def test_one_without_weight_decay(self, blobs):
        clf = on_features(optimizer=torch.optim.Rprop)
        with pytest.raises(ValueError, match=r"Rprop takes no weight_decay: set weight_decay=0"):
            clf.fit(*blobs)
        assert clf.set_params(weight_decay=0).fit(*blobs).score(*blobs) > 0.5

    @pytest.mark.parametrize(
        ("recipe", "error", "message"),
        [
            (TorchOptimizer(dict), TypeError, "optimizer__optimizer_class must be a torch.optim"),
            (
                TorchOptimizer(torch.optim.RMSprop, {"beta": 0.9}),
                ValueError,
                r"optimizer__settings has \['beta'\], which RMSprop does not take: .*'alpha'",
            ),
        ],
    )
    def test_mistakes(self, blobs, recipe, error, message):
        with pytest.raises(error, match=message):
            on_features(optimizer=recipe).fit(*blobs)


@pytest.mark.parametrize(
    ("recipe", "error", "message"),
    [
        (SGD(momentum="0.9"), TypeError, "optimizer__momentum must be an instance of"),
        (Adam(betas=0.9), TypeError, "optimizer__betas must be two numbers, got 0.9"),
        (Adam(betas=(0.9,)), ValueError, r"optimizer__betas must be two numbers, got \(0.9,\)"),
        (Adam(eps=-1), ValueError, "optimizer__eps == -1, must be >= 0"),
        (AdamW(head_lr_factor=np.inf), ValueError, "optimizer__head_lr_factor == inf"),
        (AdamW(warmup_epochs=None), TypeError, "optimizer__warmup_epochs must be an instance of"),
        (SGD(clip_grad_norm=0), ValueError, "optimizer__clip_grad_norm == 0, must be > 0"),
    ],
)
def test_mistakes_are_found_before_the_data_is_looked_at(recipe, error, message):
    with pytest.raises(error, match=message):
        on_features(optimizer=recipe).fit("no data", None)


def test_what_is_no_optimizer(blobs):
    class Forgetful:
        def build(self, groups, lr, weight_decay):
            SGD().build(groups, lr, weight_decay)

    with pytest.raises(TypeError, match=r"Forgetful\.build must return a torch\.optim\."):
        on_features(optimizer=Forgetful()).fit(*blobs)
    with pytest.raises(ValueError, match=r"sets \['colour'\] of the optimizer, but SGD has only"):
        on_features(net_params={"optimizer__colour": 3}).fit(*blobs)
    optimizer = SGD().build([{"params": [torch.zeros(1)]}], 0.1, 0)
    with pytest.raises(TypeError, match=r"optimizer must be one of .* or an object with a 'build'"):
        resolve_optimizer(optimizer)
