"""Pictures that every test of the estimator may use."""

from __future__ import annotations

import os
import signal

if "PYTEST_XDIST_WORKER" in os.environ:  # each core has a worker of its own already
    os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
import pytest

from sklift import LiftClassifier

NAMES = np.array(["blue square", "green circle", "red triangle"])


@pytest.fixture(scope="session")
def shapes():
    """24 pictures (48, 48, 3) of three coloured shapes, 12 + 8 + 4, and their names."""
    codes = np.repeat([0, 1, 2], [12, 8, 4])
    rng = np.random.default_rng(0)
    rows, columns = np.mgrid[:48, :48]
    X = np.full((24, 48, 48, 3), 255, np.uint8)
    for image, code in zip(X, codes, strict=True):
        top, left = rng.integers(20, 28, 2)
        dy, dx = rows - top, columns - left
        inside = [
            np.maximum(abs(dy), abs(dx)) < 14,
            dy**2 + dx**2 < 14**2,
            (dy < 12) & (dy > 2 * abs(dx) - 14),
        ][code]
        image[inside] = 0
        image[inside, 2 - code] = rng.integers(170, 256)
    return X, NAMES[codes]


@pytest.fixture
def in_a_terminal():
    """Ctrl-C is heard: a process in the background may have been started with it ignored."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture(scope="session")
def quick():
    """A classifier on the embedded backbone that fits in a fraction of a second."""

    def make(**params):
        defaults = {
            "max_epochs": 2,
            "batch_size": 8,
            "random_state": 0,
            "compute__precision": "float32",
        }
        return LiftClassifier("emoji-tiny", **{**defaults, **params})

    return make


@pytest.fixture(scope="session")
def fitted(quick, shapes):
    """Fitted on `shapes`; not to be changed."""
    return quick().fit(*shapes)
