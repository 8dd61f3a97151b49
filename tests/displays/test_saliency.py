"""Maps of where a model looks: what they show, of whom they can be had, and what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator
from sklearn.frozen import FrozenEstimator
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline

from sklift import ConformalClassifier
from sklift.displays import Report, SaliencyDisplay
from sklift.images import _views


@pytest.fixture(scope="module")
def display(fitted, shapes):
    X, y = shapes
    return fitted.explain(X[::8], y[::8])


def test_the_views_that_the_model_sees_are_shown(display, fitted, shapes):
    X, y = shapes
    assert [image.shape for image in display.images] == [(40, 40, 3)] * 3
    np.testing.assert_array_equal(display.images[0], _views.test_view(X[0], 40).permute(1, 2, 0))
    assert display.labels == y[::8].tolist()
    codes = np.searchsorted(fitted.classes_, y[::8])
    expected = fitted.predict_proba(X[::8])[[0, 1, 2], codes]
    np.testing.assert_allclose(display.proba, expected, rtol=1e-4)


def test_what_is_predicted_is_explained_by_default(fitted, shapes):
    X, _ = shapes
    default = fitted.explain(X[::8])
    assert default.labels == fitted.predict(X[::8]).tolist()
    same = fitted.explain(X[::8], default.labels)
    np.testing.assert_array_equal(default.maps, same.maps)


def test_light_falls_where_the_map_is_high():
    grey = np.full((40, 40, 3), 200, np.uint8)
    maps = np.zeros((2, 4, 4), np.float32)
    maps[0, :2, :2] = 0.25
    lit, dark = SaliencyDisplay([grey, grey], maps, ["a", "b"], np.ones(2)).lit()
    assert (lit[:15, :15] > 190).all() and (lit[30:, 30:] == 40).all() and (dark == 40).all()


def test_the_lit_pictures_are_drawn_with_their_classes(display):
    display.plot()
    titles = [panel.get_title() for panel in display.axes_]
    assert titles[0] == f"{display.labels[0]} ({display.proba[0]:.0%})"
    for panel, image in zip(display.axes_, display.lit(), strict=True):
        np.testing.assert_array_equal(panel.images[0].get_array(), image)


def test_searches_and_wrappers_are_looked_into(fitted, shapes, display):
    X, y = shapes
    search = GridSearchCV(fitted, {})
    search.best_estimator_ = fitted
    wrapper = ConformalClassifier(FrozenEstimator(fitted))
    wrapper.estimator_ = search
    found = SaliencyDisplay.from_estimator(wrapper, X[::8], y[::8])
    np.testing.assert_array_equal(found.maps, display.maps)
    with pytest.raises(TypeError, match=r"Pipeline has no explain.*OcclusionDisplay"):
        SaliencyDisplay.from_estimator(Pipeline([("clf", fitted)]), X[:1])


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"y": ["blue"]}, ValueError, r"does not know: \['blue'\]"),
        ({"y": ["blue square"] * 2}, ValueError, "inconsistent numbers of samples"),
        ({"estimator": BaseEstimator()}, TypeError, "BaseEstimator has no explain"),
        ({"X": ["none.png"]}, FileNotFoundError, "none.png"),
    ],
)
def test_what_is_wrong_is_said(fitted, shapes, given, error, message):
    with pytest.raises(error, match=message):
        SaliencyDisplay.from_estimator(**{"estimator": fitted, "X": shapes[0][:1], **given})


def test_a_report_shows_where_the_model_looked_at_its_mistakes(fitted, shapes, tmp_path):
    X, y = shapes
    report = Report.from_estimator(fitted, X, np.roll(y, 1), n_mistakes=2)
    first = report.mistakes[0]
    assert first["looked_at"][:2] == first["thumbnail"][:2] == b"\xff\xd8"  # JPEG
    assert first["looked_at"] != first["thumbnail"]
    report.save(tmp_path / "r.html")
    assert Report.load(tmp_path / "r.html").mistakes == report.mistakes
    assert report.to_html().count("<img") == 4 and "where the model looks" in report.to_html()
    assert "looked_at" not in report.to_dict()["mistakes"][0]
