"""Ensembles and reductions of scikit-learn around the classifier."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.ensemble import BaggingClassifier, StackingClassifier, VotingClassifier
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline

from sklift import LiftClassifier


@pytest.fixture
def members(task):
    """Two unlike classifiers; names as a list, since ensembles number the labels."""
    return [
        ("balanced", task.make(class_names=task.names)),
        ("plain", task.make(class_names=task.names, loss="cross_entropy")),
    ]


def test_soft_votes_are_means(task, members):
    voting = VotingClassifier(members, voting="soft", weights=[2, 1]).fit(task.X, task.y)
    parts = [clf.fit(task.X, task.y).predict_proba(task.X) for _, clf in members]
    np.testing.assert_allclose(
        voting.predict_proba(task.X), (2 * parts[0] + parts[1]) / 3, atol=1e-4
    )
    assert voting.classes_.tolist() == task.names and voting.score(task.X, task.y) > 0.8


def test_hard_votes(task, members):
    voting = VotingClassifier(members).fit(task.X, task.y)
    assert voting.predict(task.X).dtype == task.y.dtype
    assert voting.score(task.X, task.y) > 0.8


@pytest.mark.parametrize("method", ["auto", "decision_function", "predict"])
def test_stacking(task, members, method):
    stack = StackingClassifier(members, cv=2, stack_method=method)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", "the labels are no names")
        stack.fit(task.X, task.y)
    assert stack.score(task.X, task.y) > 0.8
    assert stack.transform(task.X).shape == (len(task.y), 2 if method == "predict" else 6)


def test_names_reach_the_members(quick, shapes):
    X, y = shapes
    names = np.unique(y).tolist()
    stack = StackingClassifier([("lift", quick(class_names=names))], cv=2).fit(X, y)
    assert stack.estimators_[0].init_ == "text"
    assert stack.estimators_[0].class_names_ == names


def test_names_by_label_are_not_found_by_number(quick, shapes):
    X, y = shapes
    named = quick(class_names={name: f"a {name}" for name in y})
    assert named.fit(X, y).init_ == "text"
    with pytest.raises(ValueError, match="numbers the labels in ensembles"):
        VotingClassifier([("lift", named)]).fit(X, y)


def test_classes_in_ensembles_are_numbers(task):
    with pytest.raises(ValueError, match=r"give classes=range\(3\) and a list as class_names"):
        VotingClassifier([("lift", task.make(classes=task.names))]).fit(task.X, task.y)
    numbered = task.make(classes=range(3), class_names=task.names)
    voting = VotingClassifier([("lift", numbered)]).fit(task.X, task.y)
    assert voting.estimators_[0].classes_.tolist() == [0, 1, 2]
    assert voting.score(task.X, task.y) > 0.8


def test_one_against_the_rest(task):
    # "class_mean": there is no name for "the rest"
    binary = OneVsRestClassifier(task.make(init="class_mean")).fit(task.X, task.y)
    counts = np.bincount(task.codes)
    assert [clf.class_counts_.tolist() for clf in binary.estimators_] == [
        [counts.sum() - n, n] for n in counts
    ]
    assert binary.score(task.X, task.y) > 0.8
    assert binary.decision_function(task.X).shape == (len(task.y), 3)


@pytest.mark.parametrize("form", ["paths", "rows"])
def test_bagging_of_tables_of_pictures(quick, shapes, paths, form):
    """Bagging wants two dimensions: a column of paths, or pictures as rows."""
    X, y = (paths[:, None] if form == "paths" else shapes[0].reshape(24, -1)), shapes[1]
    clf = quick(
        max_epochs=1,
        class_names=np.unique(y).tolist(),
        reader__image_shape=None if form == "paths" else (48, 48, 3),
    )
    bag = BaggingClassifier(clf, n_estimators=2, random_state=0).fit(X, y)
    assert bag.score(X, y) > 0.8 and len(bag.estimators_) == 2
    with pytest.raises(ValueError, match="dim 4"):
        clone(bag).fit(shapes[0], y)


def test_bagging_with_a_rare_class(blobs):
    """Bagging draws by weights, of which a rare class may get none; a pipeline takes no weights."""
    X, y = blobs[0][:-9], blobs[1][:-9]  # one of the last class
    clf = LiftClassifier("precomputed", classes=range(3), random_state=0)
    with pytest.raises(ValueError, match="sample_weight is zero for all samples of class 2"):
        BaggingClassifier(clf, n_estimators=5, random_state=0).fit(X, y)
    bag = BaggingClassifier(make_pipeline(clf), n_estimators=5, random_state=0).fit(X, y)
    drawn = [member[-1].class_counts_[2] for member in bag.estimators_]
    assert min(drawn) == 0 < max(drawn)
    assert np.isfinite(bag.predict_proba(X)).all() and bag.score(X, y) > 0.8


def test_bagging_of_features(blobs):
    clf = LiftClassifier("precomputed", classes=range(3))
    bag = BaggingClassifier(clf, n_estimators=3, random_state=0).fit(*blobs)
    parts = [clf.predict_proba(blobs[0]) for clf in bag.estimators_]
    np.testing.assert_allclose(bag.predict_proba(blobs[0]), np.mean(parts, axis=0), atol=1e-6)
    assert np.ptp(parts, axis=0).max() > 1e-3  # each from a sample of its own
