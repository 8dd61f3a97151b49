"""Recipes of one's own, as a user writes them: no registration, their settings searched."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.model_selection import GridSearchCV

from sklift import ImageEmbedder, LiftClassifier
from sklift._data import _pictures
from sklift.images import FiveCrop, MinimalistCrop, StoredViews


class Turned(BaseEstimator):
    """Minimalist crops of pictures that are turned at random."""

    def __init__(self, degrees=10):
        self.degrees = degrees

    def view(self, image, size, interpolation, progress, rng):
        angle = rng.uniform(-self.degrees, self.degrees)
        turned = Image.fromarray(image).rotate(angle, Image.Resampling.BICUBIC, expand=True)
        return MinimalistCrop().view(np.asarray(turned), size, interpolation, progress, rng)


class Scales(BaseEstimator):
    """The centre of a picture at several scales."""

    def __init__(self, expands=(0, 4, 8)):
        self.expands = expands

    def cut(self, image, size, interpolation, rng):
        crops = [FiveCrop(e).cut(image, size, interpolation, rng)[4] for e in self.expands]
        return torch.stack(crops)


class Halves(BaseEstimator):
    """The left part of one picture beside the right part of another."""

    def __init__(self, left=0.5):
        self.left = left

    def mix(self, first, second, rng):
        column = round(self.left * first.shape[3])
        mixed = first.clone()
        mixed[..., column:] = second[..., column:]
        return mixed, column / first.shape[3]


@pytest.mark.parametrize(
    ("augmentation", "name", "values"),
    [(Turned(), "degrees", [0, 90]), (Halves(), "left", [0.5, 0.75])],
)
def test_settings_of_an_augmentation_are_searched(quick, shapes, augmentation, name, values):
    X, y = shapes
    grid = {f"augmentation__{name}": values}
    clf = quick(augmentation=augmentation, max_epochs=1)
    search = GridSearchCV(clf, grid, cv=2, error_score="raise", refit=False).fit(X, y)
    assert [p[f"augmentation__{name}"] for p in search.cv_results_["params"]] == values
    one, again, other = (
        clf.set_params(**{f"augmentation__{name}": v}).fit(X, y).decision_function(X)
        for v in (values[0], values[0], values[1])
    )
    np.testing.assert_array_equal(one, again)
    assert np.abs(one - other).max() > 1e-3


def test_settings_of_an_ensembling_are_searched(quick, shapes):
    X, y = shapes
    clf = quick(tta=Scales(), adapter=None, augmentation=None)
    search = GridSearchCV(clf, {"tta__expands": [(0,), (0, 8)]}, cv=2, error_score="raise")
    search.fit(X, y)
    best = search.best_estimator_
    one = best.set_params(tta__expands=(0,)).decision_function(X)
    mean = best.set_params(tta__expands=(0, 8)).decision_function(X)
    eight = best.set_params(tta__expands=(8,)).decision_function(X)
    np.testing.assert_allclose(mean, (one + eight) / 2, atol=1e-4)
    assert np.abs(one - eight).max() > 1e-3


def test_an_own_view_is_never_mistaken_for_another(shapes):
    """Code may change under the same name: features of it are not kept."""
    X = shapes[0]
    features = ImageEmbedder(
        "emoji-tiny", tta=Scales((0,)), compute__precision="float32"
    ).fit_transform(X)

    class Scales2(Scales):
        def cut(self, image, size, interpolation, rng):
            return super().cut(255 - image, size, interpolation, rng)

    Scales2.__name__ = Scales2.__qualname__ = "Scales"
    embedder = ImageEmbedder("emoji-tiny", tta=Scales2((0,)), compute__precision="float32")
    assert np.abs(embedder.fit_transform(X) - features).max() > 1e-3


@pytest.mark.parametrize(
    ("first", "second", "computed"),
    [
        ("fixed", StoredViews(), False),
        (StoredViews(views=MinimalistCrop()), StoredViews(views=MinimalistCrop()), False),
        ("fixed", StoredViews(n_views=3), True),
        ("fixed", StoredViews(views="lift"), True),
        (StoredViews(), StoredViews(views=MinimalistCrop("linear")), True),
        (StoredViews(views=Turned()), StoredViews(views=Turned()), True),
    ],
)
def test_stored_views_are_told_apart_by_their_settings(
    quick, shapes, tmp_path, monkeypatch, first, second, computed
):
    seen, compute = [], _pictures.frozen_features

    def counted(backbone, views, **kwargs):
        seen.append(len(views))
        return compute(backbone, views, **kwargs)

    monkeypatch.setattr(_pictures, "frozen_features", counted)
    params = {"adapter": None, "init": "random", "compute__cache": tmp_path / "cache"}
    quick(augmentation=first, **params).fit(*shapes)
    n = len(seen)
    clf = quick(augmentation=second, **params).fit(*shapes)
    assert (len(seen) > n) is computed
    alone = quick(augmentation=second, **{**params, "compute__cache": False}).fit(*shapes)
    np.testing.assert_array_equal(*(c.decision_function(shapes[0]) for c in (clf, alone)))


def test_a_saved_classifier_needs_the_classes_of_own_recipes(quick, shapes, tmp_path):
    X, y = shapes
    clf = quick(augmentation=Turned(5), tta=Scales((2, 4)), max_epochs=1).fit(X, y)
    clf.save(tmp_path / "model")
    with pytest.raises(ValueError, match=r"'Turned', which is not known here|'Scales'"):
        LiftClassifier.load(tmp_path / "model")
    loaded = LiftClassifier.load(tmp_path / "model", recipes=[Turned, Scales])
    assert loaded.augmentation.degrees == 5 and loaded.tta.expands == (2, 4)
    np.testing.assert_array_equal(loaded.predict_proba(X), clf.predict_proba(X))
    with pytest.raises(ValueError, match=r"tta=Scales.*views of your own code"):
        clf.export(tmp_path / "program.pt2")


def test_every_picture_has_as_many_views(quick, fitted, shapes):
    class Uneven:
        def cut(self, image, size, interpolation, rng):
            return FiveCrop().cut(image, size, interpolation, rng)[: 1 + image[0, 0, 0] % 2]

    X = shapes[0].copy()
    X[3, 0, 0, 0] = 254
    clf = quick(tta=Uneven(), max_epochs=1).fit(*shapes)
    with pytest.raises(ValueError, match=r"tta must cut as many views of every picture"):
        clf.predict(X)
