"""Signs of life: what is shown, when, and where."""

from __future__ import annotations

import numpy as np
import pytest

from sklift import ImageEmbedder, LiftClassifier
from sklift._compute import _progress
from sklift._compute._progress import with_progress

BATCHES = [np.zeros(3), np.ones(2)]


@pytest.fixture
def at_once(monkeypatch):
    """Bars of passes that take no time."""
    monkeypatch.setattr(_progress, "SOON", 0)


def test_batches_pass_through_and_are_counted(at_once, capfd):
    assert [b.sum() for b in with_progress(BATCHES, 5, "predict", True)] == [0, 2]
    shown = capfd.readouterr().err
    assert shown.startswith("\rpredict:   0%") and "5/5" in shown


def test_quick_passes_and_silent_ones_show_nothing(at_once, monkeypatch, capfd):
    assert len(list(with_progress(BATCHES, 5, "predict", False))) == 2
    monkeypatch.setattr(_progress, "SOON", 60)
    assert len(list(with_progress(BATCHES, 5, "predict", True))) == 2
    assert capfd.readouterr().err == ""


def test_each_part_of_a_fit_and_a_prediction(at_once, shapes, capfd):
    params = {"adapter": None, "max_epochs": 1, "compute__cache": False, "verbose": 1}
    clf = LiftClassifier("emoji-tiny", init="class_mean", **params).fit(*shapes)
    loading, _, rest = capfd.readouterr().err.partition("\n")
    assert loading == "loading the backbone 'emoji-tiny'"
    assert rest.index("features: ") < rest.index("fit: ")
    clf.predict(shapes[0])
    shown = capfd.readouterr().err
    assert f"{len(shapes[0])}/{len(shapes[0])}" in shown and shown.startswith("\rpredict: ")
    assert "features" not in shown  # one bar, not one in another
    clf.partial_fit(*shapes)
    assert "loading" not in capfd.readouterr().err


def test_no_word_without_verbose(at_once, shapes, capfd):
    LiftClassifier("emoji-tiny", adapter=None, max_epochs=1).fit(*shapes).predict(shapes[0])
    ImageEmbedder("emoji-tiny").fit_transform(shapes[0])
    assert capfd.readouterr().err == ""


def test_features_of_an_embedder(at_once, shapes, capfd):
    embedder = ImageEmbedder("emoji-tiny", compute__cache=False, verbose=1)
    embedder.fit_transform(shapes[0])
    assert "features: 100%" in capfd.readouterr().err


def test_rows_of_features_need_no_backbone(at_once, capfd):
    X = np.eye(8, 4, dtype=np.float32)
    LiftClassifier("precomputed", max_epochs=1, verbose=1).fit(X, [0, 1] * 4)
    assert "loading" not in capfd.readouterr().err
