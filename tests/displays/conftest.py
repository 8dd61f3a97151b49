"""No window is opened, and no figure stays open."""

from __future__ import annotations

import matplotlib
import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin


@pytest.fixture(autouse=True)
def headless():
    import matplotlib.pyplot as plt

    before = matplotlib.get_backend()
    plt.switch_backend("agg")
    yield
    plt.close("all")
    plt.switch_backend(before)


class Counting(ClassifierMixin, BaseEstimator):
    """A classifier that predicts from the mean of X, and tells its training counts."""

    def __init__(self, shift=0.0):
        self.shift = shift

    def fit(self, X, y):
        self.classes_, self.class_counts_ = np.unique(y, return_counts=True)
        return self

    def predict_proba(self, X):
        level = np.asarray(X, float).reshape(len(X), -1).mean(axis=1)
        level = np.clip(level / max(1, level.max()) + self.shift, 0, 1)
        rest = np.zeros((len(X), len(self.classes_) - 2))
        return np.column_stack([1 - level, level, rest])

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


@pytest.fixture(scope="session")
def counting():
    return Counting
