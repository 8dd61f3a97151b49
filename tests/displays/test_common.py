"""What holds for every display."""

from __future__ import annotations

import inspect
import subprocess
import sys

import numpy as np
import pytest

import sklift.displays
from sklift.displays import (
    AveragePrecisionDisplay,
    ClassCountsDisplay,
    ContactSheetDisplay,
    OcclusionDisplay,
    RecallDisplay,
    ReliabilityDisplay,
    ReviewDisplay,
    SaliencyDisplay,
    SearchResultsDisplay,
    ShotAccuracyDisplay,
    TrainingCurveDisplay,
)
from sklift.displays._style import PALETTE, shorten

DRAWN = {
    AveragePrecisionDisplay: lambda ax: AveragePrecisionDisplay.from_predictions(
        [[1, 0], [0, 1]], [[0.9, 0.4], [0.5, 0.3]], [300, 5], ax=ax
    ),
    ClassCountsDisplay: lambda ax: ClassCountsDisplay.from_counts([3, 1], ax=ax),
    ContactSheetDisplay: lambda ax: ContactSheetDisplay.from_predictions(
        np.zeros((2, 4, 4), np.uint8), [0, 1], [0, 0], ax=ax
    ),
    OcclusionDisplay: lambda ax: OcclusionDisplay(
        [np.zeros((4, 4, 3), np.uint8)] * 2, np.eye(2)[None].repeat(2, 0), ["a", "b"], np.ones(2)
    ).plot(ax),
    RecallDisplay: lambda ax: RecallDisplay.from_predictions([0, 1], [0, 0], [3, 1], ax=ax),
    ReliabilityDisplay: lambda ax: ReliabilityDisplay.from_predictions([0, 1], [0.2, 0.7], ax=ax),
    ReviewDisplay: lambda ax: ReviewDisplay.from_table(
        np.zeros((2, 4, 4), np.uint8),
        {
            "index": [0, 1],
            "picture": ["X[0]", "b.png"],
            "reason": ["unsure", "foreign"],
            "score": [0.1, 0.2],
            "predicted": ["ant", "bee"],
            "probability": [0.5, 0.6],
        },
        ax=ax,
    ),
    SaliencyDisplay: lambda ax: SaliencyDisplay(
        [np.zeros((4, 4, 3), np.uint8)] * 2, np.eye(2)[None].repeat(2, 0), ["a", "b"], np.ones(2)
    ).plot(ax),
    SearchResultsDisplay: lambda ax: SearchResultsDisplay.from_cv_results(
        {"param_rank": [1, 2], "mean_test_score": [0.1, 0.2]}, ax=ax
    ),
    ShotAccuracyDisplay: lambda ax: ShotAccuracyDisplay.from_predictions(
        [0, 1], [0, 0], [3, 1], ax=ax
    ),
    TrainingCurveDisplay: lambda ax: TrainingCurveDisplay.from_history([{"lr": 0.1}], ax=ax),
}


def test_every_display_is_here():
    names = set(sklift.displays.__all__)
    assert {kind.__name__ for kind in DRAWN} == names - {"FindingsReport", "Report", "review_list"}


@pytest.mark.parametrize("kind", DRAWN, ids=lambda kind: kind.__name__)
class TestEveryDisplay:
    def test_it_draws_on_the_given_axes_and_on_new_ones(self, kind):
        import matplotlib.pyplot as plt

        figure, ax = plt.subplots()
        display = DRAWN[kind](ax)
        assert isinstance(display, kind)
        assert display.ax_ is ax
        assert display.figure_ is figure
        assert plt.get_fignums() == [figure.number]
        assert display.plot() is display
        assert display.figure_ is not figure

    def test_nothing_is_cut_off(self, kind):
        display = DRAWN[kind](None)
        display.figure_.draw_without_rendering()
        box = display.figure_.get_tightbbox()
        width, height = display.figure_.get_size_inches()
        assert box.x0 > -0.05 and box.y0 > -0.05
        assert box.x1 < width + 0.05 and box.y1 < height + 0.05

    def test_parameters_are_attributes(self, kind):
        display = DRAWN[kind](None)
        for name in inspect.signature(kind).parameters:
            assert hasattr(display, name)

    def test_matplotlib_is_asked_for(self, kind, monkeypatch):
        monkeypatch.setitem(sys.modules, "matplotlib", None)
        monkeypatch.setitem(sys.modules, "matplotlib.pyplot", None)
        message = rf'{kind.__name__}\.plot needs matplotlib: pip install "scikit-lift\[examples\]"'
        with pytest.raises(ImportError, match=message):
            DRAWN[kind](None)


def test_importing_loads_neither_matplotlib_nor_torch():
    check = (
        "import sklift.displays, sys\n"
        "found = {'matplotlib', 'torch', 'skorch'} & set(sys.modules)\n"
        "assert not found, found"
    )
    done = subprocess.run([sys.executable, "-c", check], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_colours_are_distinct():
    assert len(set(PALETTE)) == len(PALETTE) == 7


@pytest.mark.parametrize(
    ("text", "expected"),
    [("country", "country"), ("country-flag", "country…"), ("a bc  defgh", "a bc…")],
)
def test_long_names_are_cut(text, expected):
    assert shorten(text, 8 if text[0] == "c" else 6) == expected


NAMES = ["US$ 1_{ to US$ 2", "_mine", r"\$x$", "$a$"]


def written(display):
    """All names that a display writes, once it is drawn."""
    display.figure_.canvas.draw()
    ax, drawn = display.ax_, display.ax_.get_legend()
    texts = [*ax.get_xticklabels(), *ax.get_yticklabels(), ax.title, ax.xaxis.label, ax.yaxis.label]
    texts += [] if drawn is None else drawn.get_texts()
    return [text.get_text() for text in texts if not text.get_parse_math()]


@pytest.mark.parametrize("name", NAMES)
def test_names_are_written_as_they_are(name):
    counts = ClassCountsDisplay.from_counts({name: 3, "b": 2})
    assert name in written(counts)
    shots = ShotAccuracyDisplay.from_predictions(["b"], {name: ["b"], "b": ["b"]}, {"b": 3})
    assert written(shots) == [name, "b"]
    results = {f"param_{name}": [name, "b"], "mean_test_score": [0.1, 0.2]}
    search = SearchResultsDisplay.from_cv_results(results)
    assert written(search).count(name) == 2
    pictures = np.zeros((2, 4, 4), np.uint8)
    sheet = ContactSheetDisplay.from_predictions(pictures, [name, "b"], ["b", name])
    sheet.title = name
    assert name in written(sheet.plot())
