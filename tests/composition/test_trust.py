"""Sets, foreign samples and sure labels around LiftClassifier, of pictures and of features."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal
from PIL import Image
from sklearn.frozen import FrozenEstimator
from sklearn.pipeline import make_pipeline

from sklift import (
    ConformalClassifier,
    ImageEmbedder,
    NoveltyDetector,
    SelectiveClassifier,
)


@pytest.fixture(scope="module")
def fitted(task):
    return FrozenEstimator(task.make().fit(task.X, task.y))


@pytest.mark.parametrize("kind", [ConformalClassifier, SelectiveClassifier, NoveltyDetector])
def test_around_a_fitted_classifier(task, fitted, kind):
    made = pickle.loads(pickle.dumps(kind(fitted).fit(task.X, task.y)))
    assert made.classes_.tolist() == task.names
    if kind is NoveltyDetector:
        assert made.novelty_score_ == "energy"
        n = len(task.y)
        assert (made.predict(task.X) == -1).sum() == n - np.ceil(0.95 * (n + 1) - 1e-9)
        return
    assert_array_equal(made.predict_proba(task.X), fitted.predict_proba(task.X))
    if kind is ConformalClassifier:
        inside = made.predict_set(task.X)
        assert inside[np.arange(len(task.y)), task.codes].mean() >= 0.9
    else:
        said = ~made.predict(task.X).mask
        assert_array_equal(made.predict(task.X)[said], fitted.predict(task.X)[said])


def test_held_out_in_turn(task):
    clf = task.make(classes=task.names)
    made = ConformalClassifier(clf, cv=2, random_state=0).fit(task.X, task.y)
    assert made.estimator_.class_counts_.sum() == len(task.y)
    assert made.predict_set(task.X).shape == (len(task.y), 3)


def test_a_detector_of_pictures_empties_the_sets_of_foreign_ones(shapes, quick):
    X, y = shapes
    pictures = make_pipeline(ImageEmbedder("emoji-tiny"), NoveltyDetector(false_alarm_rate=0.1))
    clf = ConformalClassifier(
        quick(max_epochs=1), outlier_detector=pictures, cv=2, random_state=0, coverage=0.8
    ).fit(X, y)
    noise = np.random.default_rng(0).integers(0, 255, (4, *X.shape[1:])).astype(np.uint8)
    assert (clf.outlier_detector_.predict(noise) == -1).all()
    assert not clf.predict_set(noise).any()
    assert clf.predict_set(X).any(axis=1).mean() > 0.8


def test_the_set_of_a_picture_that_can_not_be_read_is_empty(shapes, quick, tmp_path):
    X, y = shapes
    clf = quick(max_epochs=1, reader__on_error="skip").fit(X, y)
    sets = ConformalClassifier(FrozenEstimator(clf)).fit(X, y)
    Image.fromarray(X[0]).save(tmp_path / "good.png")
    (tmp_path / "bad.png").write_bytes(b"no picture")
    with pytest.warns(UserWarning, match="1 of 2 pictures in X can't be read"):
        inside = sets.predict_set([str(tmp_path / "good.png"), str(tmp_path / "bad.png")])
    assert inside.any(axis=1).tolist() == [True, False]
