"""The most likely mistakes: what is raised says what to do, and shows nothing from below.

The messages are those of docs/mistakes.rst.
"""

from __future__ import annotations

import re
import traceback
from pathlib import Path

import numpy as np
import pytest
from huggingface_hub import constants
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.validation import check_is_fitted

from sklift import ImageEmbedder, LiftClassifier
from sklift.backbones import _weights

BELOW = {"torch", "skorch", "open_clip", "timm"}
PAGE = Path(__file__).parents[2] / "docs" / "mistakes.rst"


class Case:
    """What a beginner has: files, pictures in memory, and their labels."""

    def __init__(self, quick, shapes, paths):
        self.quick, self.paths = quick, [Path(path).name for path in paths]
        self.X, self.y = shapes
        self.codes = np.unique(self.y, return_inverse=True)[1]


MISTAKES = {
    "a path that isn't there": (
        FileNotFoundError,
        lambda c: c.quick().fit(["cat1.jpg", *c.paths[1:]], c.y),
    ),
    "a folder in place of its files": (TypeError, lambda c: c.quick().fit(".", c.y)),
    "a single picture": (ValueError, lambda c: c.quick().fit(c.X, c.y).predict(c.X[0])),
    "floats from 0 to 255": (ValueError, lambda c: c.quick().fit(c.X.astype(float), c.y)),
    "channels first": (ValueError, lambda c: c.quick().fit(c.X.transpose(0, 3, 1, 2), c.y)),
    "a misspelt adapter": (ValueError, lambda c: c.quick(adapter="adapt_former").fit(c.X, c.y)),
    "a misspelt loss": (ValueError, lambda c: c.quick(loss="logit-adjusted").fit(c.X, c.y)),
    "a misspelt backbone": (ValueError, lambda c: LiftClassifier("ViT-B16").fit(c.X, c.y)),
    "a misspelt setting": (
        ValueError,
        lambda c: GridSearchCV(c.quick(), {"adapter__rnk": [2, 4]}, cv=2).fit(c.X, c.y),
    ),
    "labels of another number": (ValueError, lambda c: c.quick().fit(c.X, c.y[:-1])),
    "labels left out": (ValueError, lambda c: c.quick().fit(c.X)),
    "one class only": (ValueError, lambda c: c.quick().fit(c.X[:5], c.y[:5])),
    "a class without a name": (
        ValueError,
        lambda c: c.quick(class_names={0: "lynx", 1: "red fox"}).fit(c.X, c.codes),
    ),
    "fewer names than classes": (
        ValueError,
        lambda c: c.quick(class_names=["lynx", "red fox"]).fit(c.X, c.codes),
    ),
    "a prediction before fit": (NotFittedError, lambda c: c.quick().predict(c.X)),
    "pictures for features": (ValueError, lambda c: LiftClassifier("precomputed").fit(c.X, c.y)),
    "features for pictures": (
        ValueError,
        lambda c: c.quick().fit(ImageEmbedder("emoji-tiny").fit_transform(c.X), c.y),
    ),
    "a GPU that isn't there": (ValueError, lambda c: c.quick(device="cuda:99").fit(c.X, c.y)),
    "no network": (ConnectionError, lambda c: LiftClassifier("ViT-B-16").fit(c.X, c.y)),
}


@pytest.fixture
def case(quick, shapes, paths, folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    monkeypatch.setattr(_weights, "cached_file", lambda *names: None)
    return Case(quick, shapes, paths)


def chain(error):
    """The exception and those that would be shown with it."""
    while error is not None:
        yield error
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def folders(error):
    """The folders of the source file of each frame, from the outermost frame."""
    frames = traceback.extract_tb(error.__traceback__)
    return [set(Path(frame.filename).parts) for frame in frames]


def documented() -> dict[str, str]:
    """Title -> message in the table of the page; the dots stand for what differs."""
    rows = re.findall(r"\* - ([^\n]+)\n\s+- ``(.+?)``\n", PAGE.read_text("utf-8"), re.DOTALL)
    return {" ".join(t.split()): " ".join(message.split()) for t, message in rows}


@pytest.mark.parametrize("title", MISTAKES)
def test_what_is_said(case, title):
    """The message of the page, and nothing from below in any traceback that is shown."""
    kind, action = MISTAKES[title]
    with pytest.raises(kind) as caught:
        action(case)
    error = caught.value
    shown = " ".join("\n".join([str(error), *getattr(error, "__notes__", ())]).split())
    expected = documented()[title]
    pattern = ".*".join(re.escape(part.strip()) for part in expected.split("..."))
    for shown_too in chain(error):
        assert not BELOW & set().union(*folders(shown_too))
    assert re.fullmatch(pattern, f"{type(error).__name__}: {shown}")


def test_the_page_has_no_other():
    assert list(documented()) == list(MISTAKES)


@pytest.mark.parametrize("method", ["predict", "predict_proba", "decision_function"])
@pytest.mark.parametrize("name", ["folder", "notes.png"])
def test_a_file_that_is_no_picture(case, fitted, tmp_path, method, name):
    """Found only when it is read, in the midst of a pass: it is named all the same."""
    (tmp_path / "notes.png").write_text("no picture")
    (tmp_path / "folder").mkdir()
    with pytest.raises(ValueError, match=rf"{name}: (this is a directory|no picture)") as caught:
        getattr(fitted, method)([tmp_path / name, *case.paths])
    for error in chain(caught.value):
        assert not BELOW & folders(error)[-1]


def test_nothing_is_half_fitted_after_a_mistake(case):
    clf = case.quick()
    with pytest.raises(ValueError, match="23 labels"):
        clf.fit(case.X, case.y[:-1])
    with pytest.raises(NotFittedError):
        check_is_fitted(clf)
    assert clf.fit(case.X, case.y).score(case.X, case.y) > 0.8
