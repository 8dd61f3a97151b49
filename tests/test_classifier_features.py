"""Features that were computed before, in place of pictures."""

from __future__ import annotations

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
import torch
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from sklift import ImageEmbedder, LiftClassifier
from sklift._store._cache import Cache
from sklift._store._features import StoredFeatures
from sklift._store._memory import MemoryArrays
from sklift.adapters import FeatureAdapter


@pytest.fixture(scope="module")
def blobs():
    """Features (90, 8) float64 of three unlike directions, 60 + 20 + 10, and labels."""
    rng = np.random.default_rng(0)
    codes = np.repeat([0, 1, 2], [60, 20, 10])
    X = 3 * np.eye(8)[codes] + rng.normal(size=(90, 8))
    return X, np.array(["ant", "bee", "cat"])[codes]


@pytest.fixture
def cache(monkeypatch):
    """The cache of the process, empty."""
    empty = Cache.in_memory()
    monkeypatch.setattr("sklift._store._cache._of_process", empty)
    return empty.features


@pytest.fixture
def passed(monkeypatch):
    """How many pictures go through towers."""
    import sklift._data._features as module

    seen, compute = [], module.frozen_features

    def counted(backbone, views, **kwargs):
        seen.append(len(views))
        return compute(backbone, views, **kwargs)

    monkeypatch.setattr(module, "frozen_features", counted)
    return seen


def make(**params):
    return LiftClassifier("precomputed", **{"random_state": 0, **params})


def test_the_head_learns_features(blobs):
    clf = make().fit(*blobs)
    assert clf.score(*blobs) > 0.9
    assert clf.adapter_ is None and clf.init_ == "class_mean"
    assert clf.n_features_in_ == 8 and clf.n_trainable_params_ == 3 * 8


def test_the_feature_adapter_learns_too(blobs):
    clf = make(adapter=FeatureAdapter(2))
    clf.fit(*blobs)
    assert clf.adapter_.rank == 2 and clf.n_trainable_params_ > 3 * 8
    assert clf.history_[-1]["train_loss"] < clf.history_[0]["train_loss"]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_of_the_features_is_kept(blobs, dtype):
    X, y = blobs
    clf = make().fit(X.astype(dtype), y)
    assert clf.decision_function(X.astype(dtype)).dtype == dtype
    assert pickle.loads(pickle.dumps(clf)).decision_function(X).dtype == dtype
    again = clone(clf).fit(X.astype(dtype), y)
    np.testing.assert_array_equal(clf.predict_proba(X), again.predict_proba(X))


def test_tensors_and_columns_as_other_libraries_hold_them(blobs):
    X, y = blobs[0].astype(np.float32), blobs[1]
    expected = make(max_epochs=1).fit(X, y).predict_proba(X)
    tensor = torch.from_numpy(X).requires_grad_()
    weight = pd.Series(np.ones(len(y)))  # read-only once it is an array
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = make(max_epochs=1).fit(tensor, y, weight).predict_proba(tensor)
    np.testing.assert_array_equal(found, expected)
    halves = tensor.bfloat16()
    assert make(max_epochs=1).fit(halves, y).predict_proba(halves).dtype == expected.dtype
    with pytest.raises(ValueError, match="contains NaN"):
        make().fit(np.ma.masked_array(X, X > 3), y)


def test_pictures_given_as_features_are_told_apart(blobs, shapes):
    with pytest.raises(ValueError, match="Found array with dim 4"):
        make().fit(*shapes)
    clf = make().fit(*blobs)
    with pytest.raises(ValueError, match="X has 5 features, but LiftClassifier is expecting 8"):
        clf.predict(blobs[0][:, :5])


@pytest.mark.parametrize(
    ("params", "message"),
    [
        ({"adapter": "lora"}, "(?s)precomputed.*FeatureAdapter|feature"),
        ({"init": "text"}, "needs a text tower"),
        ({"tta": "fivecrop"}, "tta makes views of pictures"),
    ],
)
def test_what_needs_pictures_is_refused(blobs, params, message):
    with pytest.raises((ValueError, TypeError), match=message):
        make(**params).fit(*blobs)


def test_only_the_classifier_takes_features():
    with pytest.raises(ValueError, match="only LiftClassifier takes it"):
        ImageEmbedder("precomputed").fit()


def test_columns_have_names(blobs):
    import pandas as pd

    X = pd.DataFrame(blobs[0], columns=list("abcdefgh"))
    clf = make().fit(X, blobs[1])
    assert clf.feature_names_in_.tolist() == list("abcdefgh")
    with pytest.raises(ValueError, match="feature names"):
        clf.predict(X[list("hgfedcba")])


@pytest.mark.parametrize("last", [make(), LogisticRegression()], ids=["lift", "logistic"])
def test_a_search_computes_each_feature_once(shapes, cache, passed, last):
    X, y = shapes
    pipeline = make_pipeline(ImageEmbedder("emoji-tiny"), last)
    name = type(last).__name__.lower()
    grid = {f"{name}__{'lr' if name == 'liftclassifier' else 'C'}": [0.01, 0.1, 1.0]}
    search = GridSearchCV(pipeline, grid, cv=2, scoring="balanced_accuracy").fit(X, y)
    assert sum(passed) == len(np.unique(X.reshape(len(X), -1), axis=0)) == 24
    assert search.score(X, y) > 0.8 and sum(passed) == 24


class TestCache:
    def test_equal_pictures_pass_once(self, shapes, cache, passed):
        X = shapes[0][[0, 1, 0, 0, 1]]
        features = ImageEmbedder("emoji-tiny").fit_transform(X)
        assert passed == [2]
        np.testing.assert_array_equal(features, features[[0, 1, 0, 0, 1]])

    def test_other_features_of_a_picture_are_others(self, shapes, cache, passed):
        X = shapes[0][:3]
        plain = ImageEmbedder("emoji-tiny", compute__precision="float32").fit_transform(X)
        others = [
            ImageEmbedder("emoji-tiny", compute__precision="float32", **kind).fit_transform(X)
            for kind in ({"projected": True}, {"tta": "fivecrop"}, {"tta": "tencrop"})
        ]
        assert passed == [3] * 4
        assert all(np.abs(plain[:, :99] - other[:, :99]).max() > 1e-3 for other in others)
        expand = ImageEmbedder(
            "emoji-tiny", tta="fivecrop", tta__expand=8, compute__precision="float32"
        )
        assert np.abs(expand.fit_transform(X) - others[1]).max() > 1e-3

    def test_random_views_are_not_kept(self, shapes, cache, passed):
        embedder = ImageEmbedder("emoji-tiny", tta=2)
        embedder.fit_transform(shapes[0][:2])
        embedder.fit_transform(shapes[0][:2])
        assert passed == [2, 2] and cache.n_bytes == 0

    def test_false_keeps_nothing(self, shapes, cache, passed):
        embedder = ImageEmbedder("emoji-tiny", compute__cache=False)
        embedder.fit_transform(shapes[0][:2])
        embedder.fit_transform(shapes[0][:2])
        assert passed == [2, 2] and cache.n_bytes == 0

    def test_a_folder_serves_other_processes(self, shapes, cache, passed, tmp_path):
        embedder = ImageEmbedder("emoji-tiny", compute__cache=tmp_path / "features")
        first = embedder.fit_transform(shapes[0])
        again = clone(embedder).fit_transform(shapes[0])
        assert passed == [24] and cache.n_bytes == 0
        np.testing.assert_array_equal(first, again)

    def test_a_changed_file_is_seen(self, shapes, cache, passed, tmp_path):
        from PIL import Image

        path = tmp_path / "a.png"
        embedder = ImageEmbedder("emoji-tiny").fit()
        features = []
        for image in shapes[0][[0, -1]]:
            Image.fromarray(image).save(path)
            features.append(embedder.transform([path]))
        assert passed == [1, 1] and np.abs(features[0] - features[1]).max() > 1e-3

    def test_the_memory_is_bounded(self):
        cache = MemoryArrays(max_bytes=3 * 16)
        for i in range(5):
            cache.add({bytes([i]): np.full(4, i, np.float32)})
            cache.find([bytes([0])])
        assert cache.n_bytes == 48
        assert sorted(cache.find([bytes([i]) for i in range(5)])) == [b"\x00", b"\x03", b"\x04"]

    def test_the_file_is_bounded(self, tmp_path):
        cache = StoredFeatures(tmp_path, max_bytes=3 * 16)
        for i in range(5):
            cache.add({bytes([i]): np.full(4, i, np.float32)})
        found = cache.find([bytes([i]) for i in range(5)])
        assert {k: v.tolist() for k, v in found.items()} == {bytes([i]): [i] * 4 for i in (2, 3, 4)}

    def test_a_damaged_file_says_so(self, shapes, tmp_path):
        (tmp_path / StoredFeatures.name).write_bytes(b"no database" * 100)
        expected = ImageEmbedder("emoji-tiny", compute__cache=False).fit_transform(shapes[0])
        with pytest.warns(UserWarning, match=r"can't be used .*delete the file"):
            features = ImageEmbedder("emoji-tiny", compute__cache=tmp_path).fit_transform(shapes[0])
        np.testing.assert_array_equal(features, expected)

    @pytest.mark.parametrize(("cache", "error"), [(3, TypeError), (__file__, ValueError)])
    def test_what_is_no_cache(self, shapes, cache, error):
        with pytest.raises(error, match="cache"):
            ImageEmbedder("emoji-tiny", compute__cache=cache).fit_transform(shapes[0])
