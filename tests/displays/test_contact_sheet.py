from __future__ import annotations

import numpy as np
import pytest
from matplotlib.colors import to_hex
from PIL import Image
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from sklift.displays import ContactSheetDisplay
from sklift.displays._style import BLUE, VERMILLION

LABELS = ["ant", "bee", "cat"]
Y_TRUE = ["ant", "bee", "cat", "ant", "bee"]
Y_PRED = ["ant", "ant", "ant", "bee", "bee"]
Y_PROBA = [[0.9, 0.1, 0], [0.7, 0.3, 0], [0.8, 0.1, 0.1], [0.1, 0.8, 0.1], [0.2, 0.6, 0.2]]


@pytest.fixture(scope="module")
def X():
    """Five grey pictures, each of its own level."""
    return np.full((5, 6, 8, 3), np.arange(5, dtype=np.uint8)[:, None, None, None] * 40)


def shown(display):
    """Indices of the pictures on the sheet, by what is drawn."""
    return [int(panel.images[0].get_array()[0, 0, 0]) // 40 for panel in display.axes_]


def titles(display):
    return [panel.get_title() for panel in display.axes_]


def marks(display):
    return "".join(panel.texts[0].get_text() for panel in display.axes_)


def test_worst_mistakes_come_first_and_are_marked(X):
    display = ContactSheetDisplay.from_predictions(X, Y_TRUE, Y_PRED, Y_PROBA)
    assert shown(display) == [2, 3, 1, 4, 0]
    assert marks(display) == "✗✗✗✓✓"
    assert titles(display)[2:] == ["ant (70%)\ntrue: bee (30%)", "bee (60%)", "ant (90%)"]
    assert display.proba_true.tolist() == [0.1, 0.1, 0.3, 0.6, 0.9]
    frames = [to_hex(panel.spines["left"].get_edgecolor()) for panel in display.axes_]
    assert frames == [to_hex(panel.title.get_color()) for panel in display.axes_]
    assert frames == [to_hex(VERMILLION)] * 3 + [to_hex(BLUE)] * 2
    assert display.ax_.get_title() == "5 of 5 pictures, worst mistakes first (mistakes in all: 3)"


def test_among_equals_the_most_confident_mistake_is_first(X):
    y_proba = [[0.5, 0.1, 0.4], [0.8, 0.1, 0.1], [0.6, 0.1, 0.3]]
    display = ContactSheetDisplay.from_predictions(
        X[:3], ["bee"] * 3, ["ant"] * 3, y_proba, labels=LABELS
    )
    assert shown(display) == [1, 2, 0]


def test_without_probabilities_mistakes_are_first_in_their_order(X):
    display = ContactSheetDisplay.from_predictions(X, Y_TRUE, Y_PRED)
    assert shown(display) == [1, 2, 3, 0, 4]
    assert titles(display)[0] == "ant\ntrue: bee"
    assert display.proba_true is None


def test_only_what_is_shown_is_decoded(tmp_path):
    for i in range(4):
        Image.new("RGB", (600, 300), (40 * i,) * 3).save(tmp_path / f"{i}.png")
    (tmp_path / "0.png").write_bytes(b"damaged")
    paths = [tmp_path / f"{i}.png" for i in range(4)]
    y_proba = [[0.9, 0.1], [0.9, 0.1], [0.9, 0.1], [0.8, 0.2]]
    display = ContactSheetDisplay.from_predictions(
        paths, [0, 1, 0, 1], [0, 0, 0, 0], y_proba, n_images=2
    )
    assert shown(display) == [1, 3]
    assert display.images[0].shape == (128, 256, 3)  # reduced, in proportion


def test_a_class_that_the_model_does_not_know_was_given_nothing(X):
    display = ContactSheetDisplay.from_predictions(
        X[:2], ["bee", "new"], ["ant", "ant"], [[0.9, 0.1], [0.6, 0.4]], labels=["ant", "bee"]
    )
    assert shown(display) == [1, 0]
    assert titles(display)[0] == "ant (60%)\ntrue: new (0%)"


def test_names_are_shown_for_labels_and_long_ones_are_cut(X):
    names = {0: "ant", 1: "a $very$ long name of a class that goes on and on"}
    display = ContactSheetDisplay.from_predictions(X[:1], [1], [0], class_names=names)
    first, second = titles(display)[0].split("\n")
    assert first == "ant"
    assert second == "true: a $very$ long name…"
    assert not display.axes_[0].title.get_parse_math()


def test_from_an_estimator(X, counting):
    estimator = counting().fit(X, ["ant", "ant", "bee", "bee", "bee"])
    y = ["ant", "ant", "ant", "bee", "ant"]
    display = ContactSheetDisplay.from_estimator(estimator, X, y, n_images=3)
    assert shown(display) == [4, 2, 1]
    assert marks(display) == "✗✓✓"
    pairs = [(image, label) for image, label in zip(X, y, strict=True)]
    images = FunctionTransformer(lambda pairs: np.array([image for image, _ in pairs]))
    labelled = ContactSheetDisplay.from_estimator(
        make_pipeline(images, estimator), pairs, n_images=3
    )
    assert shown(labelled) == shown(display)


def test_pictures_are_shown_as_the_classifier_reads_them(quick, shapes):
    X, y = shapes
    wide = np.rint(X / 255 * 4095).astype(np.uint16)
    classifier = quick(reader__value_range=12, max_epochs=1).fit(wide, y)
    display = ContactSheetDisplay.from_estimator(classifier, wide, y, n_images=2)
    of_bytes = ContactSheetDisplay.from_estimator(classifier, X, y, n_images=2)
    np.testing.assert_array_equal(display.images, of_bytes.images)


def test_a_fitted_classifier_of_ours(quick, shapes):
    X, names = shapes
    known, y = np.unique(names, return_inverse=True)
    classifier = quick(class_names=known.tolist()).fit(X, y)
    y_true = (y + np.arange(len(y)) % 2) % 3  # labels half of which are wrong
    display = ContactSheetDisplay.from_estimator(classifier, X, y_true, n_images=24)
    proba_true = classifier.predict_proba(X)[np.arange(24), y_true]
    wrong = classifier.predict(X) != y_true
    expected = [*np.sort(proba_true[wrong]), *np.sort(proba_true[~wrong])]
    np.testing.assert_allclose(display.proba_true, expected)
    assert {title.partition(" (")[0] for title in titles(display)} <= set(known)


@pytest.mark.parametrize("n_images", [1, 2, 7, 24, 100])
def test_a_sheet_of_any_size_has_one_panel_per_picture(n_images):
    X = np.zeros((100, 4, 4), np.uint8)
    y = np.arange(100) % 10
    display = ContactSheetDisplay.from_predictions(X, y, np.zeros(100, int), n_images=n_images)
    assert len(display.axes_) == n_images
    assert len(display.ax_.child_axes) == n_images
    boxes = {(round(p.get_position().x0, 6), round(p.get_position().y0, 6)) for p in display.axes_}
    assert len(boxes) == n_images


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"n_images": 0}, "n_images must be an int of at least 1, got 0"),
        ({"y_pred": Y_PRED[:3]}, "inconsistent numbers of samples"),
        ({"y_proba": [[0.5, 0.5]] * 5}, r"y_proba has shape \(5, 2\), for 3 labels"),
        (
            {"y_proba": [[2.0, -1.0, 0.0]] * 5},
            r"probabilities in \[0, 1\]; got values in \[-1, 2\]",
        ),
        ({"y_pred": [0] * 5}, "Mix of label input types"),
        ({"class_names": {"ant": "Ant"}}, "class_names has no name for 2 classes"),
    ],
)
def test_what_is_wrong_is_said(X, settings, message):
    arguments = {"X": X, "y_true": Y_TRUE, "y_pred": Y_PRED, **settings}
    with pytest.raises(ValueError, match=message):
        ContactSheetDisplay.from_predictions(**arguments)
