"""imbalanced-learn: its samplers want two dimensions, its pipeline samples in training only."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV, cross_validate

from sklift import ImageEmbedder, LiftClassifier

pytest.importorskip("imblearn")

from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.pipeline import make_pipeline
from imblearn.under_sampling import RandomUnderSampler

SAMPLERS = [(RandomOverSampler(random_state=0), 12), (RandomUnderSampler(random_state=0), 4)]


@pytest.fixture(params=["column", "table", "rows"])
def table(request, shapes, paths):
    """Pictures in two dimensions, and the ``image_shape`` that the classifier needs for it."""
    if request.param == "column":
        return paths[:, None], None
    if request.param == "table":
        return pd.DataFrame({"path": paths}), None
    return shapes[0].reshape(24, -1), (48, 48, 3)


@pytest.mark.parametrize(("sampler", "n"), SAMPLERS, ids=["over", "under"])
def test_samplers(quick, shapes, table, sampler, n):
    X, image_shape = table
    pipeline = make_pipeline(sampler, quick(max_epochs=1, reader__image_shape=image_shape))
    pipeline.fit(X, shapes[1])
    assert pipeline[-1].class_counts_.tolist() == [n] * 3
    assert pipeline.predict(X).shape == (24,) and pipeline.score(X, shapes[1]) > 0.8


def test_outside_of_a_pipeline(quick, shapes, table):
    X, image_shape = table
    drawn, labels = RandomOverSampler(random_state=0).fit_resample(X, shapes[1])
    assert set(Counter(labels).values()) == {12} and drawn.shape == (36, np.shape(X)[1])
    clf = quick(max_epochs=1, reader__image_shape=image_shape).fit(drawn, labels)
    assert clf.class_counts_.tolist() == [12] * 3


def test_only_the_training_folds_are_sampled(quick, shapes, paths):
    pipeline = make_pipeline(RandomOverSampler(random_state=0), quick(max_epochs=1))
    results = cross_validate(
        pipeline, paths[:, None], shapes[1], cv=2, return_estimator=True, error_score="raise"
    )
    assert [p[-1].class_counts_.tolist() for p in results["estimator"]] == [[6] * 3] * 2
    assert results["test_score"].mean() > 0.8


def test_samplers_in_a_grid(quick, shapes, paths):
    pipeline = make_pipeline(RandomOverSampler(random_state=0), quick(max_epochs=1))
    grid = {
        "randomoversampler": ["passthrough", *(sampler for sampler, _ in SAMPLERS)],
        "liftclassifier__adapter__rank": [2],
    }
    search = GridSearchCV(pipeline, grid, cv=2, error_score="raise")
    search.fit(paths[:, None], shapes[1])
    assert len(search.cv_results_["params"]) == 3
    assert search.best_estimator_[-1].adapter_.rank == 2


def test_new_samples_between_features(shapes):
    pipeline = make_pipeline(
        ImageEmbedder("emoji-tiny"),
        SMOTE(k_neighbors=2, random_state=0),
        LiftClassifier("precomputed", adapter="feature", random_state=0),
    ).fit(*shapes)
    assert pipeline[-1].class_counts_.tolist() == [12] * 3
    assert pipeline.score(*shapes) > 0.8


def test_what_it_refuses(shapes, paths):
    sampler = RandomOverSampler()
    with pytest.raises(ValueError, match="dim 4"):
        sampler.fit_resample(*shapes)
    with pytest.raises(ValueError, match="Expected 2D array, got 1D array"):
        sampler.fit_resample(paths, shapes[1])
