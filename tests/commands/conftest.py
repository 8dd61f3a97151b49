from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pytest
from PIL import Image

from sklift._commands import main


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


@pytest.fixture
def sklift(capsys):
    """Run a command in this process; its exit code, stdout and stderr."""

    def run(*words):
        status = main([str(word) for word in words])
        return Outcome(status, *capsys.readouterr())

    return run


def write_pictures(root, X, y):
    for i, (image, name) in enumerate(zip(X, y, strict=True)):
        (root / str(name)).mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(root / str(name) / f"{i:02}.png")
    return root


@pytest.fixture(scope="session")
def photos(shapes, tmp_path_factory):
    """A folder of three classes; not to be changed."""
    return write_pictures(tmp_path_factory.mktemp("commands") / "photos", *shapes)


@pytest.fixture(scope="session")
def model(photos, tmp_path_factory):
    """The file of a model of them, trained on all."""
    file = tmp_path_factory.mktemp("model") / "m.safetensors"
    words = ["fit", photos, "-o", file, "--test_size", "0", "--max_epochs", "2", "--verbose", "0"]
    assert main([*map(str, words), "--backbone", "emoji-tiny"]) == 0
    return file


@pytest.fixture
def damaged(photos, tmp_path):
    """The same pictures, and one that can't be read."""
    folder = tmp_path / "damaged"
    for path in photos.rglob("*.png"):
        (folder / path.parent.name).mkdir(parents=True, exist_ok=True)
        (folder / path.parent.name / path.name).write_bytes(path.read_bytes())
    (folder / "blue square" / "cut.png").write_bytes(b"no picture")
    return folder


@pytest.fixture(scope="session")
def grey():
    """A picture of one level of grey, as an array."""
    return lambda level, side=40: np.full((side, side, 3), level, np.uint8)
