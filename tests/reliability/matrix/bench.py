"""What the rows of the matrix need: pictures, labels, files, and estimators."""

from __future__ import annotations

import io
import os
import struct
import zlib
from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from unittest.mock import patch

import numpy as np
from huggingface_hub import constants
from PIL import Image

from sklift import LiftClassifier

COLOURS = np.array([[40, 80, 230], [40, 170, 60], [230, 30, 40]], np.uint8)
NAMES = np.array(["blue square", "green square", "red square"])
_FIT = ("X", "y", "sample_weight")


class Bench:
    """Twelve pictures (30, 30, 3) of three classes, 6 + 4 + 2, in memory and as files."""

    def __init__(self, folder: Path):
        self.folder = Path(folder)
        rng = np.random.default_rng(0)
        self.codes = np.repeat([0, 1, 2], [6, 4, 2])
        self.y = NAMES[self.codes]
        self.X = np.full((12, 30, 30, 3), 255, np.uint8)
        self.X[:, 5:25, 5:25] = COLOURS[self.codes][:, None, None]
        self.X ^= rng.integers(0, 8, self.X.shape, np.uint8)
        self.floats = self.X / 255
        self.features = rng.normal(size=(12, 6)) + 3 * np.eye(6)[self.codes]
        self.good = [self.file(f"{i}.png", encode(image)) for i, image in enumerate(self.X)]

    def file(self, name: str, content: bytes = b"") -> str:
        """The path of a file with this content."""
        path = self.folder / name
        path.write_bytes(content)
        return str(path)

    def pipe(self, name: str) -> str:
        """The path of a pipe that nobody writes to."""
        path = self.folder / name
        if not path.exists():
            os.mkfifo(path)
        return str(path)

    def files(self, *bad) -> list:
        """Paths of the twelve pictures, the last ones replaced by bad ones."""
        return [*self.good[: 12 - len(bad)], *bad]

    def pictures(self, *bad) -> list:
        """The twelve pictures as a list, the last ones replaced by bad ones."""
        return [*self.X[: 12 - len(bad)], *bad]

    def labels(self, *bad) -> list:
        """The twelve labels as a list, the last ones replaced by bad ones."""
        return [*self.y[: 12 - len(bad)].tolist(), *bad]

    def classifier(self, backbone="emoji-tiny", **params) -> LiftClassifier:
        """An unfitted one that is quick to fit."""
        quick = {
            "max_epochs": 1,
            "batch_size": 4,
            "random_state": 0,
            "compute__precision": "float32",
        }
        return LiftClassifier(backbone, **{**quick, "device": "cpu", **params})

    def split(self, given: dict) -> tuple[dict, dict]:
        """Parameters, and arguments of ``fit``, of what a row gives."""
        X = self.features if given.get("backbone") == "precomputed" else self.X
        arguments = {"X": X, "y": self.y} | {k: v for k, v in given.items() if k in _FIT}
        return {k: v for k, v in given.items() if k not in _FIT}, arguments

    @cached_property
    def fitted(self) -> LiftClassifier:
        """Fitted to the pictures; not to be changed."""
        return self.classifier().fit(self.X, self.y)

    @cached_property
    def fitted_to_rows(self) -> LiftClassifier:
        """Fitted to flattened pictures; not to be changed."""
        rows = self.X.reshape(12, -1)
        return self.classifier(reader__image_shape=(30, 30, 3)).fit(rows, self.y)

    @cached_property
    def fitted_to_features(self) -> LiftClassifier:
        """Fitted to features; not to be changed."""
        return self.classifier("precomputed").fit(self.features, self.y)


@dataclass(frozen=True)
class BadFit:
    """Something that ``fit`` refuses: the arguments and parameters that differ from good ones."""

    name: str
    error: type[Exception]
    message: str  # a regular expression
    given: Callable[[Bench], dict]
    when: str = "before training"  # or "when it is read"

    def run(self, bench: Bench) -> None:
        """Do it, with a new classifier."""
        params, arguments = bench.split(self.given(bench))
        bench.classifier(**params).fit(**arguments)


@dataclass(frozen=True)
class BadCall:
    """Something else that is refused."""

    name: str
    error: type[Exception]
    message: str
    run: Callable[[Bench], object]
    when: str = "in prediction"


def encode(image: np.ndarray, form: str = "PNG") -> bytes:
    """A picture as the bytes of a file."""
    content = io.BytesIO()
    Image.fromarray(image).save(content, form)
    return content.getvalue()


def bomb(side: int = 30_000) -> bytes:
    """A PNG of a few bytes that says it has ``side ** 2`` pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        checked = kind + data
        return struct.pack(">I", len(data)) + checked + struct.pack(">I", zlib.crc32(checked))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    pixels = chunk(b"IDAT", zlib.compress(bytes(100)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + pixels + chunk(b"IEND", b"")


@contextmanager
def without_network(folder: Path):
    """Inside, nothing can be fetched and the cache of the hub is empty."""
    offline = patch.object(constants, "HF_HUB_OFFLINE", True)
    with offline, patch.object(constants, "HF_HUB_CACHE", str(folder / "hub")):
        yield
