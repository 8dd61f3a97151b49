"""Maps of occlusion: where they are high, which class they explain, what can be looked into."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import BaseEstimator, ClassifierMixin

from sklift.displays import OcclusionDisplay
from sklift.images._as_source import as_image_source


class Corner(ClassifierMixin, BaseEstimator):
    """Whether the top left quarter is white: its share of white is the probability of "lit"."""

    classes_ = np.array(["dark", "lit"])

    def fit(self, X, y=None):
        return self

    def predict_proba(self, X):
        source = as_image_source(X)
        corners = [image[: len(image) // 2, : image.shape[1] // 2] for image in source]
        lit = np.clip([corner.mean() / 255 for corner in corners], 0.01, 0.99)
        return np.stack([1 - lit, lit], axis=1)

    def predict(self, X):
        return self.classes_[self.predict_proba(X).argmax(axis=1)]


def picture(height=40, width=60):
    """Black, with a white quarter at the top left."""
    image = np.zeros((height, width, 3), np.uint8)
    image[: height // 2, : width // 2] = 255
    return image


def test_what_is_needed_is_marked_and_nothing_else():
    display = OcclusionDisplay.from_estimator(Corner(), [picture()], n_cells=4)
    (cells,) = display.maps
    assert display.labels == ["lit"] and display.proba[0] == 0.99
    assert cells[0, 0] == cells.max() > 0.3  # the window on all of the quarter, and no other
    np.testing.assert_array_equal(cells[3], 0)
    np.testing.assert_array_equal(cells[:, 3], 0)


def test_against_the_other_class_it_has_the_other_sign():
    lit = OcclusionDisplay.from_estimator(Corner(), [picture()], n_cells=4)
    dark = OcclusionDisplay.from_estimator(Corner(), [picture()], ["dark"], n_cells=4)
    assert dark.labels == ["dark"] and dark.proba[0] == pytest.approx(0.01)
    assert dark.maps.min() == dark.maps[0, 0, 0] < 0 < lit.maps[0, 0, 0]
    panels = [display.axes_[0].images[1].get_array() for display in (lit, dark)]
    red, blue = (panel[0, 0, :3] for panel in panels)
    assert red[0] > red[2] and blue[2] > blue[0]
    assert panels[0][0, 0, 3] > 0.7 and panels[0][-1, -1, 3] < 0.01


def test_the_fall_of_a_window_is_that_of_the_log_probability():
    (cells,) = OcclusionDisplay.from_estimator(Corner(), [picture()], n_cells=2).maps
    whole = picture()
    grey = np.full_like(whole, round(whole.mean()))
    p, q = Corner().predict_proba([whole, grey])
    code = p.argmax()
    np.testing.assert_allclose(cells, np.log(p[code] / q[code]))


def test_large_pictures_are_reduced():
    display = OcclusionDisplay.from_estimator(Corner(), [picture(600, 1200)], n_cells=2)
    assert display.images[0].shape == (256, 512, 3)


def test_a_classifier_of_ours_and_its_names(fitted, shapes):
    X, y = shapes
    display = OcclusionDisplay.from_estimator(fitted, X[:2], y[:2], n_cells=2)
    assert display.maps.shape == (2, 2, 2) and len(display.axes_) == 2
    assert display.labels == [str(label) for label in y[:2]]
    whole = fitted.predict_proba(X[:2])
    codes = np.searchsorted(fitted.classes_, y[:2])
    np.testing.assert_allclose(display.proba, whole[[0, 1], codes], rtol=1e-4)


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"n_cells": 1}, ValueError, "n_cells must be an int of at least 2, got 1"),
        ({"y": ["blue"]}, ValueError, r"does not know: \['blue'\]"),
        ({"y": ["lit", "lit"]}, ValueError, "inconsistent numbers of samples"),
        ({"estimator": BaseEstimator()}, TypeError, "BaseEstimator has no predict_proba"),
    ],
)
def test_what_is_wrong_is_said(given, error, message):
    with pytest.raises(error, match=message):
        OcclusionDisplay.from_estimator(**{"estimator": Corner(), "X": [picture()], **given})
