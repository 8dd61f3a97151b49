"""Cases of ``growth.py``, by name, and the data that they use."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from torch import nn

from sklift import LiftClassifier
from sklift.backbones import OwnTower

ROWS = (1_000, 10_000, 100_000, 1_000_000)
MANY = (1_000, 10_000, 100_000)
FEW = (100, 1_000, 10_000)
CLASSES = (10, 100, 1_000, 8_142)
N_OF_CLASSES = 16_284  # rows while the number of classes varies: two of each at the most
WIDTH = 64


@dataclass(frozen=True)
class Case:
    """A call, prepared by a size; ``against`` says of what."""

    name: str
    against: str
    sizes: Sequence[int]
    prepare: Callable[[int], Callable[[], object]]


CASES: dict[str, Case] = {}


def case(name: str, against: str, sizes: Sequence[int], *given):
    """Add a case; ``given`` are arguments of the function behind the size."""

    def add(prepare):
        key = f"{name} / {against}"
        assert key not in CASES
        CASES[key] = Case(name, against, sizes, lambda size: prepare(size, *given))
        return prepare

    return add


def by_rows_and_classes(name: str, sizes: Sequence[int] = ROWS, n: int = N_OF_CLASSES):
    """Add a case of rows (of 10 classes) and one of classes: ``prepare(n_rows, n_classes)``."""

    def add(prepare):
        case(name, "rows", sizes, 10)(prepare)
        case(name, "classes", CLASSES)(lambda size: prepare(n, size))
        return prepare

    return add


def table(n: int, n_classes: int, width: int = WIDTH):
    """Features, float32, and labels, each as often as the others."""
    X = np.random.default_rng(0).standard_normal((n, width), dtype=np.float32)
    y = np.arange(n) % n_classes
    X += 0.5 * np.random.default_rng(1).standard_normal((n_classes, width), np.float32)[y]
    return X, y


def names(n_classes: int) -> np.ndarray:
    """Names of two words."""
    return np.array([f"Genus{i // 90} species{chr(97 + i % 26)}{i}" for i in range(n_classes)])


def head(**params) -> LiftClassifier:
    """A classifier on features; one epoch, so that its number does not follow the rows."""
    given = {"max_epochs": 1, "random_state": 0, "compute__precision": "float32", **params}
    return LiftClassifier("precomputed", **given)


def tower() -> OwnTower:
    """A backbone that costs nothing: the mean colours of 16 patches."""
    half = (0.5, 0.5, 0.5)
    return OwnTower(nn.Sequential(nn.AvgPool2d(4), nn.Flatten()), 16, half, half)


def pictures(n: int, seed: int = 0) -> np.ndarray:
    """Small pictures of noise."""
    return np.random.default_rng(seed).integers(0, 256, (n, 16, 16, 3), dtype=np.uint8)


def in_folder(run: Callable[[Path], object]) -> Callable[[], object]:
    """A call with an empty folder."""

    def call():
        with tempfile.TemporaryDirectory() as folder:
            return run(Path(folder))

    return call


def fitted(n_classes: int, **params) -> LiftClassifier:
    """Fitted on few rows."""
    return head(**params).fit(*table(2 * n_classes, n_classes))
