"""Parameters: nested settings from names, grids, clone, repr."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from sklift import LiftClassifier
from sklift.adapters import AdaptFormer
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


def test_a_class_in_place_of_a_recipe():
    with pytest.raises(TypeError, match=r"pass AdaptFormer\(\), not AdaptFormer"):
        LiftClassifier(adapter=AdaptFormer).set_params(adapter__rank=1)


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
