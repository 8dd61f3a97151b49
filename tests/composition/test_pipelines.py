"""Pipelines that start from paths, tables or pictures, and pandas as their output."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import sklearn
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklift import ImageEmbedder, LiftClassifier


def in_folder(names, root):
    """File names to paths."""
    return [Path(root) / name for name in names]


def test_names_of_files_to_paths(quick, shapes, folder):
    y = shapes[1]
    names = [f"{i}.png" for i in range(len(y))]
    rooted = FunctionTransformer(in_folder, kw_args={"root": folder})
    pipeline = make_pipeline(rooted, quick(max_epochs=1))
    assert cross_val_score(pipeline, names, y, cv=2, error_score="raise").mean() > 0.8
    search = GridSearchCV(pipeline, {"liftclassifier__adapter__rank": [1, 2]}, cv=2).fit(names, y)
    assert search.best_estimator_[-1].adapter_.rank in (1, 2)


def test_pictures_are_changed_on_the_way(quick, shapes):
    """The negative of the negative is the picture."""
    X, y = shapes
    plain = quick().fit(X, y)
    pipeline = make_pipeline(FunctionTransformer(np.invert), quick()).fit(~X, y)
    np.testing.assert_array_equal(pipeline.predict_proba(~X), plain.predict_proba(X))


@pytest.mark.parametrize("chosen", ["path", ["path"]], ids=["series", "column"])
def test_a_column_of_a_table(quick, shapes, paths, chosen):
    table = pd.DataFrame({"path": paths, "label": shapes[1]}, index=range(100, 124))
    grid = {"loss__tau": [0.5, 1.0]}
    search = GridSearchCV(quick(max_epochs=1), grid, cv=2, error_score="raise")
    search.fit(table[chosen], table["label"])
    assert search.best_score_ > 0.8
    expected = quick(max_epochs=1).set_params(**search.best_params_).fit(*shapes)
    np.testing.assert_allclose(
        search.predict_proba(table[chosen]), expected.predict_proba(shapes[0]), atol=1e-5
    )


def test_the_column_picked_inside(quick, shapes, paths):
    table = pd.DataFrame({"hour": range(24), "path": paths})
    pipeline = make_pipeline(FunctionTransformer(itemgetter("path")), quick(max_epochs=1))
    assert cross_val_score(pipeline, table, shapes[1], cv=2, error_score="raise").mean() > 0.8


@pytest.mark.parametrize(
    "last",
    [LiftClassifier("precomputed", random_state=0), LogisticRegression(class_weight="balanced")],
    ids=["lift", "logistic"],
)
def test_features_in_front(shapes, paths, last):
    pipeline = make_pipeline(ImageEmbedder("emoji-tiny"), last)
    scores = cross_val_score(pipeline, paths, shapes[1], cv=2, error_score="raise")
    assert scores.mean() > 0.8
    assert pipeline.fit(paths, shapes[1]).predict_proba(paths).shape == (24, 3)


def test_pandas_output(shapes, paths):
    X = pd.DataFrame({"path": paths}, index=range(100, 124))
    with sklearn.config_context(transform_output="pandas"):
        embedder = ImageEmbedder("emoji-tiny")
        features = embedder.fit_transform(X)
        pipeline = make_pipeline(embedder, LiftClassifier("precomputed")).fit(X, shapes[1])
    assert isinstance(features, pd.DataFrame) and features.index.equals(X.index)
    names = [f"imageembedder{i}" for i in range(192)]
    assert features.columns.tolist() == embedder.get_feature_names_out().tolist() == names
    assert pipeline[-1].feature_names_in_.tolist() == names
    np.testing.assert_array_equal(features, ImageEmbedder("emoji-tiny").fit_transform(shapes[0]))
