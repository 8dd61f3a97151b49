"""The two kinds of input that everything here is tried on: pictures and precomputed features."""

from __future__ import annotations

from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image

from sklift import LiftClassifier


@pytest.fixture(scope="session")
def blobs():
    """Features (90, 8) that overlap somewhat, 60 + 20 + 10, and labels, in the order of these."""
    codes = np.repeat([0, 1, 2], [60, 20, 10])
    X = 3 * np.eye(8)[codes] + np.random.default_rng(0).normal(size=(90, 8))
    return X, np.array(["ant", "bee", "cat"])[codes]


@pytest.fixture(scope="session", params=["pictures", "features"])
def task(request, quick, shapes, blobs):
    """``make`` builds a fast classifier for ``X`` with labels ``y``; ``codes`` number them."""
    if request.param == "pictures":
        make, (X, y) = partial(quick, max_epochs=1), shapes
    else:
        make, (X, y) = partial(LiftClassifier, "precomputed", random_state=0), blobs
    names, codes = np.unique(y, return_inverse=True)
    adapter = "adaptformer" if request.param == "pictures" else "feature"
    return SimpleNamespace(
        kind=request.param, make=make, X=X, y=y, names=names.tolist(), codes=codes, adapter=adapter
    )


@pytest.fixture(scope="session")
def pair(task):
    """The two rarer classes of ``task`` alone."""
    chosen = task.codes > 0
    return SimpleNamespace(**{**vars(task), "X": task.X[chosen], "y": task.y[chosen]})


@pytest.fixture(scope="session")
def folder(shapes, tmp_path_factory):
    """The pictures of ``shapes`` as files 0.png, 1.png, ..."""
    root = tmp_path_factory.mktemp("pictures")
    for i, image in enumerate(shapes[0]):
        Image.fromarray(image).save(root / f"{i}.png")
    return root


@pytest.fixture(scope="session")
def paths(folder):
    """Their paths."""
    return np.array([str(folder / f"{i}.png") for i in range(24)])
