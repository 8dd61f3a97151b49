from __future__ import annotations

import pickle
import subprocess
import sys

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import (
    GridSearchCV,
    StratifiedKFold,
    cross_val_score,
    train_test_split,
)
from sklearn.utils import indexable, resample, shuffle

from sklift.images import ImageSequence

N = 12
Y = np.arange(N) % 2


class Dataset:
    """Items that must not be read unless a test asks for them."""

    n_read = 0

    def __len__(self):
        return N

    def __getitem__(self, i):
        type(self).n_read += 1
        return f"item {i}"


class Counter(ClassifierMixin, BaseEstimator):
    """A classifier that insists on a lazy X."""

    def __init__(self, k=1):
        self.k = k

    def fit(self, X, y):
        assert isinstance(X, ImageSequence)
        assert len(X) == len(y)
        self.classes_ = np.unique(y)
        return self

    def predict(self, X):
        assert isinstance(X, ImageSequence)
        return np.zeros(len(X), dtype=int)


@pytest.fixture
def images(monkeypatch):
    monkeypatch.setattr(Dataset, "n_read", 0)
    return ImageSequence(Dataset())


def test_shape_and_items(images):
    assert images.shape == (N,)
    assert len(images) == N
    assert images[3] == images[np.int64(3)] == images[-9] == "item 3"
    assert list(images) == [f"item {i}" for i in range(N)]
    assert repr(images) == "ImageSequence(Dataset, n_images=12)"
    with pytest.raises(IndexError):
        images[N]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (slice(2, 9, 3), [2, 5, 8]),
        ([4, 4, -1], [4, 4, 11]),
        (np.array([1, 0], dtype=np.uint8), [1, 0]),
        ([], []),
        (np.arange(N) > 8, [9, 10, 11]),
        ((np.arange(N) > 8).tolist(), [9, 10, 11]),
        ((np.array([5, 3]), Ellipsis), [5, 3]),
    ],
)
def test_subsets_are_lazy(images, key, expected):
    subset = images[key]
    assert isinstance(subset, ImageSequence)
    assert Dataset.n_read == 0
    assert list(subset) == [f"item {i}" for i in expected]
    assert list(subset[::-1]) == [f"item {i}" for i in expected[::-1]]


@pytest.mark.parametrize("key", ["a", 1.5, [1.5], [[1, 2]], None, True])
def test_bad_keys(images, key):
    with pytest.raises(IndexError, match="an int, a slice, an integer array or a mask"):
        images[key]


def test_indices_out_of_range(images):
    for key in ([N], np.ones(N - 1, dtype=bool)):
        with pytest.raises(IndexError):
            images[key]


@pytest.mark.parametrize("dataset", [iter([1]), 3, {1, 2}])
def test_what_has_no_index_is_refused(dataset):
    with pytest.raises(TypeError, match="map-style dataset"):
        ImageSequence(dataset)


def test_sklearn_splits_without_reading(images):
    train, test, y_train, _ = train_test_split(images, Y, stratify=Y, random_state=0)
    assert isinstance(train, ImageSequence)
    assert (len(train), len(test), len(y_train)) == (9, 3, 9)
    assert indexable(images, Y)[0] is images
    assert isinstance(shuffle(images, random_state=0), ImageSequence)
    assert isinstance(resample(images, random_state=0), ImageSequence)
    folds = list(StratifiedKFold(3).split(images, Y))
    assert [len(images[fold]) for _, fold in folds] == [4, 4, 4]
    cross_val_score(Counter(), images, Y, cv=3, error_score="raise")
    GridSearchCV(Counter(), {"k": [1, 2]}, cv=3, error_score="raise").fit(images, Y)
    assert Dataset.n_read == 0
    assert train[0] == f"item {train.indices[0]}"


def test_pickle(images):
    copy = pickle.loads(pickle.dumps(images[[3, 1]]))
    assert list(copy) == ["item 3", "item 1"]


def test_no_torch_is_loaded():
    code = "import sys, sklift.images, sklift.images._as_source; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
