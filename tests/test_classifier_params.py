"""Parameters: nested settings from names, grids, clone, repr."""

from __future__ import annotations

import pickle
from inspect import signature

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklift import ImageEmbedder, LiftClassifier, ZeroShotClassifier
from sklift.adapters import AdaptFormer, LoRA
from sklift.heads import Cosine, Linear
from sklift.losses import CrossEntropy, LogitAdjusted


def test_names_become_recipes():
    clf = LiftClassifier().set_params(adapter__rank=4, loss__tau=0.5, head__scale=30)
    assert isinstance(clf.adapter, AdaptFormer) and clf.adapter.rank == 4
    assert isinstance(clf.loss, LogitAdjusted) and clf.loss.tau == 0.5
    assert isinstance(clf.head, Cosine) and clf.head.scale == 30
    assert clf.get_params()["adapter__rank"] == 4


def test_names_without_settings_stay_names():
    clf = LiftClassifier().set_params(adapter="lora", lr=0.1)
    assert clf.adapter == "lora" and clf.lr == 0.1


@pytest.mark.parametrize("turned", [False, True])
def test_a_name_and_its_setting_together_in_any_order(turned):
    params = [("adapter", "lora"), ("adapter__rank", 2)]
    clf = LiftClassifier().set_params(**dict(params[::-1] if turned else params))
    assert type(clf.adapter).__name__ == "LoRA" and clf.adapter.rank == 2


def test_lists_of_adapters():
    clf = LiftClassifier(adapter=["lora", "layer_norm"]).set_params(adapter__lora__rank=3)
    assert clf.get_params()["adapter__lora__rank"] == 3
    clf = LiftClassifier().set_params(adapter=["adaptformer", "ssf"], adapter__adaptformer__rank=2)
    assert clf.get_params()["adapter__adaptformer__rank"] == 2


@pytest.mark.parametrize(
    ("start", "params", "message"),
    [
        ({}, {"adapter__width": 3}, r"'width'.*AdaptFormer.*\['layers', 'rank', 'scale'\]"),
        ({"loss": "cross_entropy"}, {"loss__tau": 1}, "'tau'.*CrossEntropy"),
        ({"head": Linear()}, {"head__scale": 1}, "'scale'.*Linear"),
        (
            {"adapter": None},
            {"adapter__rank": 1},
            r"adapter=None has no settings, got \['adapter__rank'\]",
        ),
        ({"adapter": "none"}, {"adapter__rank": 1}, "adapter='none' has no settings"),
        ({"adapter": ["lora"]}, {"adapter__rank": 1}, "'rank'.*Combination"),
        (
            {"adapter": "lorra"},
            {"adapter__rank": 1},
            "Unknown adapter 'lorra': choose one of .*'lora'",
        ),
        ({"loss": lambda z, y: z.sum()}, {"loss__tau": 1}, "'tau'.*CallableLoss"),
        ({}, {"rank": 1}, "'rank'.*LiftClassifier"),
    ],
)
def test_settings_that_are_not_there(start, params, message):
    with pytest.raises(ValueError, match=f"(?s){message}"):
        LiftClassifier(**start).set_params(**params)


class TestConstructor:
    """Settings of recipes among the arguments."""

    def test_they_are_those_of_the_recipe(self):
        clf = LiftClassifier(adapter__rank=8, compute__precision="float32")
        same = LiftClassifier(adapter=AdaptFormer(rank=8)).set_params(compute__precision="float32")
        copies = (clone(clf), pickle.loads(pickle.dumps(clf)), same)
        for twin in (clf, *copies):
            assert twin.adapter.rank == 8 and twin.compute.precision == "float32"
            assert repr(twin) == repr(clf) and "adapter=AdaptFormer(rank=8)" in repr(clf)
            assert twin.get_params()["adapter__rank"] == 8
        assert clone(clf).adapter is not clf.adapter
        assert not {"settings", "adapter__rank"} & vars(clf).keys()

    @pytest.mark.parametrize("kind", [LiftClassifier, ImageEmbedder, ZeroShotClassifier])
    def test_tools_see_the_parameters_alone(self, kind):
        assert {*signature(kind).parameters} == kind().get_params(deep=False).keys()

    def test_a_setting_goes_before_that_of_the_object(self):
        assert LiftClassifier(adapter=LoRA(rank=4), adapter__rank=8).adapter.rank == 8

    def test_in_a_pipeline(self, shapes):
        pipeline = make_pipeline(
            ImageEmbedder("emoji-tiny", compute__precision="float32"),
            LiftClassifier("precomputed", head__scale=20, max_epochs=1, random_state=0),
        )
        search = GridSearchCV(
            pipeline, {"liftclassifier__head__scale": [5, 10]}, cv=2, error_score="raise"
        ).fit(*shapes)
        chosen = search.best_params_["liftclassifier__head__scale"]
        assert search.best_estimator_[-1].model_.head.scale == chosen
        assert search.best_estimator_[0].compute.precision == "float32"
        assert pipeline[-1].head.scale == 20

    @pytest.mark.parametrize(
        ("name", "nearest"),
        [
            ("adaptor__rank", "adapter__rank"),
            ("adapter_rank", "adapter__rank"),
            ("rank", "adapter__rank"),
            ("precision", "compute__precision"),
            ("max_epoch", "max_epochs"),
            ("max_iter", "max_epochs"),
            ("n_epochs", "max_epochs"),
            ("class_weight", "loss"),
            ("n_jobs", "compute__num_workers"),
        ],
    )
    def test_what_is_misspelt(self, name, nearest):
        with pytest.raises(TypeError, match=rf"LiftClassifier\(\) .*'{name}'.*mean '{nearest}'\?"):
            LiftClassifier(**{name: 1})
        clf = LiftClassifier(lr=0.5)
        with pytest.raises(ValueError, match=rf"LiftClassifier\((?s:.)*mean '{nearest}'\?"):
            clf.set_params(lr=0.1, **{name: 1})
        assert clf.lr == 0.5  # nothing is half set

    @pytest.mark.parametrize("kind", [LiftClassifier, ImageEmbedder, ZeroShotClassifier])
    def test_what_is_misspelt_after_the_underscores(self, kind):
        message = r"'precison' for estimator Compute\(\).*Did you mean 'precision'\?"
        with pytest.raises(ValueError, match=message):
            kind(compute__precison="float32")
        with pytest.raises(ValueError, match=message):
            kind().set_params(compute__precison="float32")

    def test_what_other_estimators_have(self):
        with pytest.raises(TypeError, match=r"ImageEmbedder\(\) .*'head__scale'"):
            ImageEmbedder(head__scale=3)

    @pytest.mark.parametrize("name", ["lr__x", "net_params__x"])
    def test_what_has_no_settings(self, name):
        with pytest.raises(TypeError, match=rf"unexpected keyword argument '{name}'"):
            LiftClassifier(**{name: 1})
        with pytest.raises(ValueError, match=rf"has no settings, got \['{name}'\]"):
            LiftClassifier().set_params(**{name: 1})
        with pytest.raises(ValueError, match=r"rank='auto' has no settings, got \['rank__x'\]"):
            LiftClassifier(adapter__rank__x=1)


class TestSharedRecipes:
    """A recipe is the user's: whoever sets a setting sets it for one estimator."""

    @pytest.mark.parametrize("as_list", [False, True])
    def test_set_params(self, as_list):
        recipe = LoRA(rank=2)
        value, name = ([recipe], "adapter__lora__rank") if as_list else (recipe, "adapter__rank")
        one, other = LiftClassifier(adapter=value), LiftClassifier(adapter=value)
        one.set_params(**{name: 5})
        assert one.get_params()[name] == 5 and recipe.rank == 2
        assert other.adapter is value
        one.set_params(**{name: 6})
        assert one.get_params()[name] == 6

    def test_combinations_of_one(self):
        combined = LiftClassifier(adapter=["lora"], adapter__lora__rank=2).adapter
        one, other = LiftClassifier(adapter=combined), LiftClassifier(adapter=combined)
        one.set_params(adapter__lora__rank=5)
        assert other.get_params()["adapter__lora__rank"] == 2

    def test_constructor(self):
        recipe = LoRA(rank=2)
        assert LiftClassifier(adapter=recipe, adapter__rank=5).adapter.rank == 5
        assert recipe.rank == 2

    def test_what_is_set_whole_is_the_object(self):
        recipe = LoRA(rank=2)
        assert LiftClassifier().set_params(adapter=recipe).adapter is recipe


def test_a_class_in_place_of_a_recipe():
    with pytest.raises(TypeError, match=r"pass AdaptFormer\(\), not AdaptFormer"):
        LiftClassifier(adapter=AdaptFormer).set_params(adapter__rank=1)
    clf = LiftClassifier(adapter=AdaptFormer)  # what is wrong is said by fit
    assert clf.get_params()["adapter"] is clone(clf).adapter is AdaptFormer


@pytest.mark.slow
def test_the_grid_of_the_guide_in_two_processes(quick, shapes):
    X, y = shapes
    grid = {"adapter__rank": [4, 16], "loss__tau": [0.5, 1.0]}
    search = GridSearchCV(quick(max_epochs=1), grid, n_jobs=2, cv=2).fit(X, y)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
    best = search.best_estimator_
    assert best.adapter_.rank == search.best_params_["adapter__rank"]
    assert best.loss_.tau == search.best_params_["loss__tau"]


def test_a_grid_over_recipes_and_their_settings(quick, shapes):
    X, y = shapes
    grid = [
        {"adapter": ["adaptformer", "lora"], "adapter__rank": [1, 2]},
        {"adapter": [None], "head__scale": [10, 30], "loss": ["cross_entropy", LogitAdjusted(2)]},
    ]
    search = GridSearchCV(quick(max_epochs=1), grid, cv=2, error_score="raise", refit=False)
    search.fit(X, y)
    assert len(search.cv_results_["params"]) == 8
    sizes = {(p["adapter"], p["adapter__rank"]) for p in search.cv_results_["params"][:4]}
    assert sizes == {("adaptformer", 1), ("adaptformer", 2), ("lora", 1), ("lora", 2)}


def test_settings_reach_the_model(quick, shapes):
    small, large = (
        quick(max_epochs=1).set_params(adapter__rank=r, head__scale=40).fit(*shapes) for r in (1, 5)
    )
    assert large.n_trainable_params_ - small.n_trainable_params_ == 4 * 6 * (2 * 192 + 1)
    assert large.model_.head.scale == 40


def test_fit_leaves_parameters_alone(quick, shapes):
    recipe = AdaptFormer()
    clf = quick(max_epochs=1, adapter=recipe, class_names=None, net_params={})
    before = clf.get_params(deep=False)
    clf.fit(*shapes)
    after = clf.get_params(deep=False)
    assert all(after[name] is before[name] for name in before)
    assert recipe.rank == "auto" and isinstance(clf.adapter_.rank, int)


def test_clone(quick, fitted):
    clf = quick(adapter=AdaptFormer(rank=3), loss="focal", class_names={"a": "b"})
    twin = clone(clf)
    assert twin.adapter is not clf.adapter and twin.get_params().keys() == clf.get_params().keys()
    assert twin.adapter.rank == 3 and twin.class_names == {"a": "b"}
    assert not hasattr(clone(fitted), "net_")
    again = LiftClassifier(**clf.get_params(deep=False))
    assert repr(again) == repr(clf)


def test_repr(fitted):
    assert repr(LiftClassifier()) == "LiftClassifier()"
    clf = LiftClassifier("emoji-tiny", loss=CrossEntropy(), adapter=AdaptFormer(rank=3))
    assert "adapter=AdaptFormer(rank=3)" in repr(clf) and "loss=CrossEntropy()" in repr(clf)
    for estimator in (clf, fitted):
        assert "LiftClassifier" in estimator._repr_html_()


def test_a_recipe_of_ones_own(quick, shapes):
    import torch

    class Half:
        def build(self, n_features, n_classes):
            return torch.nn.Linear(n_features, n_classes, bias=False)

    clf = quick(head=Half()).fit(*shapes)
    assert isinstance(clf.head_, Half) and clf.predict_proba(shapes[0]).shape == (24, 3)


def test_a_function_as_loss(quick, shapes):
    import torch

    clf = quick(loss=torch.nn.functional.cross_entropy).fit(*shapes)
    twin = quick(loss="cross_entropy").fit(*shapes)
    np.testing.assert_allclose(
        clf.decision_function(shapes[0]), twin.decision_function(shapes[0]), atol=1e-3
    )
