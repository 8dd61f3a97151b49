"""A regularizer as a user writes it: one class with its settings, one with the term, no more."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, clone
from sklearn.model_selection import GridSearchCV

from sklift import LiftClassifier
from sklift.regularizers import Regularizer


class NearTerm(Regularizer):
    def __init__(self, weight):
        super().__init__()
        self.weight = weight

    def per_sample(self, outputs):
        distance = outputs.features - outputs.frozen_features
        return self.weight * distance.norm(dim=1) / outputs.frozen_features.norm(dim=1)


class Near(BaseEstimator):
    """Features stay beside the frozen ones."""

    def __init__(self, weight=1.0):
        self.weight = weight

    def build(self, model):
        return NearTerm(self.weight)


def test_it_is_used_unregistered(quick, shapes):
    X, y = shapes[0][8:], shapes[1][8:]
    params = {"lr": 0.02, "max_epochs": 1}
    plain, held = (quick(**params, regularizer=r).fit(X, y) for r in (None, Near(5.0)))
    assert isinstance(held.regularizer_, Near) and held.regularizer_ is not held.regularizer
    in_parts = quick(**params, regularizer=Near(5.0), compute__accumulate=2).fit(X, y)
    without, whole, parts = (clf.predict_proba(X) for clf in (plain, held, in_parts))
    assert abs(whole - without).max() > 1e-3
    np.testing.assert_allclose(parts, whole, atol=1e-4)


def test_its_settings_are_searched():
    X, y = np.repeat(np.eye(4), 5, axis=0), np.repeat(["a", "b", "c", "d"], 5)
    clf = LiftClassifier("precomputed", adapter="feature", max_epochs=1)
    grid = [
        {"regularizer": [Near()], "regularizer__weight": [0.0, 10.0]},
        {"regularizer": ["consistency"], "regularizer__weight": [1.0]},
        {"regularizer": [None, "none"]},
    ]
    search = GridSearchCV(clf, grid, cv=2, error_score="raise", refit=False).fit(X, y)
    assert len(search.cv_results_["params"]) == 5


def test_settings_reach_names():
    clf = LiftClassifier(regularizer="distillation").set_params(regularizer__temperature=4.0)
    assert clf.get_params()["regularizer__temperature"] == 4.0
    with pytest.raises(ValueError, match="regularizer=None has no settings, got"):
        LiftClassifier().set_params(regularizer__weight=1.0)


def test_it_is_cloned_and_printed():
    clf = LiftClassifier(regularizer=Near(weight=2.0))
    twin = clone(clf)
    assert twin.regularizer is not clf.regularizer and twin.regularizer.weight == 2.0
    assert "regularizer=Near(weight=2.0)" in repr(twin)
    assert "Near" in twin._repr_html_()


def test_it_is_saved_and_loaded(quick, shapes, tmp_path):
    est = quick(max_epochs=1, regularizer=Near(2.0)).fit(*shapes)
    est.save(tmp_path / "model.sklift")
    with pytest.raises(ValueError, match=r"'Near', which is not known.*'anchor'.*recipes="):
        LiftClassifier.load(tmp_path / "model.sklift")
    loaded = LiftClassifier.load(tmp_path / "model.sklift", recipes=[Near])
    assert loaded.regularizer.weight == loaded.regularizer_.weight == 2.0
    np.testing.assert_array_equal(loaded.predict_proba(shapes[0]), est.predict_proba(shapes[0]))
    assert loaded.partial_fit(*shapes).net_.regularizer.weight == 2.0


@pytest.mark.parametrize("name", ["consistency", "anchor", "distillation"])
def test_built_in_ones_are_loaded_by_name(tmp_path, name):
    est = LiftClassifier("precomputed", max_epochs=1, regularizer=name)
    est.set_params(regularizer__weight=0.25).fit(np.eye(4), ["a", "b", "a", "b"])
    est.save(tmp_path / "model.sklift")
    loaded = LiftClassifier.load(tmp_path / "model.sklift")
    assert repr(loaded.regularizer_) == repr(est.regularizer_)
    assert loaded.regularizer_.weight == 0.25


def test_settings_that_are_no_data_are_left_out(tmp_path):
    est = LiftClassifier("precomputed", max_epochs=1, regularizer=Near(np.float64(2.0)))
    est.fit(np.eye(4), ["a", "b", "a", "b"])
    est.regularizer_ = est.regularizer = Near(print)  # nothing that a file can hold
    with pytest.warns(UserWarning, match=r"leaves out \['regularizer', 'regularizer_'\]"):
        est.save(tmp_path / "model.sklift")
    with pytest.warns(UserWarning, match="was saved without"):
        assert LiftClassifier.load(tmp_path / "model.sklift").regularizer is None
