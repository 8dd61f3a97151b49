from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC

from sklift.displays import ReliabilityDisplay
from sklift.metrics import expected_calibration_error, reliability_curve


def simulated(n_samples, n_classes):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (n_samples, n_classes))
    y_proba = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    return rng.integers(n_classes, size=n_samples), y_proba


def lefts(bars):
    return np.array([bar.get_x() for bar in bars])


@pytest.mark.parametrize("n_classes", [3, 1000])
def test_bars_gaps_and_histogram(n_classes):
    y, y_proba = simulated(400, n_classes)
    labels = np.arange(n_classes)
    display = ReliabilityDisplay.from_predictions(y, y_proba, labels=labels, n_bins=10)
    confidence, accuracy, weight = reliability_curve(y, y_proba, labels=labels, n_bins=10)
    np.testing.assert_allclose([bar.get_height() for bar in display.bars_], accuracy)
    np.testing.assert_allclose([bar.get_height() for bar in display.histogram_], weight)
    for bars in (display.bars_, display.histogram_):
        assert (lefts(bars) < confidence).all()
        assert (confidence <= lefts(bars) + 0.1 + 1e-9).all()
    gaps = [np.abs(np.diff(segment[:, 1]))[0] for segment in display.gaps_.get_segments()]
    error = expected_calibration_error(y, y_proba, labels=labels, n_bins=10)
    assert np.sum(weight * gaps) == pytest.approx(error)
    top, bottom = display.axes_
    texts = [text.get_text() for text in top.get_legend().get_texts()]
    assert texts[0] == f"ECE = {error:.3f}"
    assert f"mean confidence {y_proba.max(axis=1).mean():.2f}" in texts
    assert f"accuracy {(y_proba.argmax(axis=1) == y).mean():.2f}" in texts
    assert (top.get_ylabel(), bottom.get_xlabel()) == ("accuracy", "confidence")


def test_a_confidence_on_an_edge_is_in_the_bin_below():
    display = ReliabilityDisplay.from_predictions([1, 1], [0.6, 1.0], labels=[0, 1], n_bins=5)
    assert lefts(display.bars_) == pytest.approx([0.4, 0.8])


def test_from_an_estimator():
    X, y = [[0.0], [1.0], [2.0], [3.0]], ["ant", "ant", "bee", "bee"]
    estimator = LogisticRegression().fit(X, y)
    display = ReliabilityDisplay.from_estimator(estimator, X, y, n_bins=4)
    expected = reliability_curve(y, estimator.predict_proba(X), labels=["ant", "bee"], n_bins=4)
    np.testing.assert_allclose([display.confidence, display.accuracy, display.weight], expected)


def test_both_panels_lie_in_the_given_axes():
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 2)
    display = ReliabilityDisplay.from_predictions(*simulated(50, 3), ax=axes[1])
    assert display.ax_ is axes[1]
    figure.draw_without_rendering()
    outer = axes[1].get_position()
    for panel in display.axes_:
        box = panel.get_position()
        assert outer.x0 - 1e-6 <= box.x0 < box.x1 <= outer.x1 + 1e-6
        assert outer.y0 - 1e-6 <= box.y0 < box.y1 <= outer.y1 + 1e-6
    top, bottom = (panel.get_position() for panel in display.axes_)
    assert bottom.y1 < top.y0


def test_what_is_wrong_is_said():
    X, y = [[0.0], [1.0]], [0, 1]
    with pytest.raises(ValueError, match="LinearSVC has no predict_proba"):
        ReliabilityDisplay.from_estimator(LinearSVC().fit(X, y), X, y)
    with pytest.raises(ValueError, match="y_proba must be probabilities"):
        ReliabilityDisplay.from_predictions(y, [[3.0, -1.0]] * 2)
