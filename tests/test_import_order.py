"""The rooms of the package import one way only: from the rows above them."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1] / "sklift"

ROOMS = (
    "_core",
    "_store",
    "_classes",
    "_compute",
    "metrics",
    "images",
    "datasets",
    "displays",
    "losses",
    "regularizers",
    "heads",
    "training",
    "backbones",
    "adapters",
    "_model",
    "_data",
    "_net",
    "_estimator",
    "_fitting",
    "_persistence",
    "classifier",
    "embedder",
    "zero_shot",
    "presets",
    "testing",
    "_commands",
)
ROW = {room: row for row, room in enumerate(ROOMS, start=1)}
ENTRY_POINTS = ("__init__", "__main__")
WITHOUT_TORCH = ("_core", "_store", "metrics", "datasets", "displays", "__init__")
BACKBONE_WORDS = {"resblocks", "ln_2", "in_proj_weight"}


def room_of(path: Path, root: Path) -> str:
    return path.relative_to(root).parts[0].removesuffix(".py")


def row_of(room: str) -> int | None:
    """The room's row; None for an unknown room."""
    return ROW.get(room)


def imported_modules(tree: ast.AST, package: list[str], root: Path) -> set[str]:
    """Absolute names of all that is imported, at the top of the file or inside a function."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *filter(None, [node.module])])
            if module == "sklift":  # `from sklift import losses` is the room, not the package
                found |= {f"sklift.{a.name}" for a in node.names if is_room(a.name, root)}
                found |= {"sklift" for a in node.names if not is_room(a.name, root)}
            else:
                found.add(module)
    return found


def is_room(name: str, root: Path) -> bool:
    return (root / name).is_dir() or (root / f"{name}.py").is_file()


def violations(path: Path, root: Path = ROOT) -> list[str]:
    """What `path` does that its room must not do, one sentence each."""
    room = room_of(path, root)
    tree = ast.parse(path.read_text(encoding="utf-8"))
    modules = imported_modules(tree, ["sklift", *path.relative_to(root).parts[:-1]], root)
    packages = {module.partition(".")[0] for module in modules}
    found = []
    if room not in ENTRY_POINTS:
        row = row_of(room)
        if row is None:
            found.append(f"{room} has no row in the table of rooms")
        for module in modules:
            target = module.partition(".")[2].partition(".")[0]
            if module.partition(".")[0] != "sklift" or row is None or target == room:
                continue
            target_row = row_of(target) if target else None
            if target_row is None or target_row >= row:
                found.append(f"{room} (row {row}) imports {module}")
    if room in WITHOUT_TORCH and packages & {"torch", "torchvision", "open_clip", "timm"}:
        found.append(f"{room} imports torch")
    if room != "_net" and "skorch" in packages:
        found.append(f"{room} imports skorch")
    if room != "backbones":
        found += [f"{room} says {word}" for word in sorted(said(tree) & BACKBONE_WORDS)]
    return found


def said(tree: ast.AST) -> set[str]:
    """Attribute names, and whole string constants such as the argument of a `getattr`."""
    attributes = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    constants = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    return attributes | {value for value in constants if isinstance(value, str)}


@pytest.mark.parametrize("path", sorted(ROOT.rglob("*.py")), ids=lambda p: str(p.relative_to(ROOT)))
def test_a_room_keeps_to_its_row(path):
    assert violations(path) == []


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        ("losses/_a.py", "from sklift.heads import Cosine", "losses (row #) imports sklift.heads"),
        ("losses/_a.py", "from ..heads._x import y", "losses (row #) imports sklift.heads._x"),
        ("losses/_a.py", "def f():\n    from sklift import heads", "imports sklift.heads"),
        ("losses/_a.py", "import sklift", "losses (row #) imports sklift"),
        ("losses/_a.py", "from sklift import LiftClassifier", "losses (row #) imports sklift"),
        ("_core/_a.py", "from ..losses import x", "_core (row #) imports sklift.losses"),
        ("classifier.py", "from . import embedder", "classifier (row #) imports sklift.embedder"),
        ("metrics/_a.py", "import torch.nn as nn", "metrics imports torch"),
        ("_core/_a.py", "def f():\n    from torch import nn", "_core imports torch"),
        ("_model.py", "from skorch.net import NeuralNet", "_model imports skorch"),
        ("adapters/_a.py", "def f(block):\n    return block.ln_2", "adapters says ln_2"),
        (
            "_fitting/_a.py",
            "from ..classifier import x",
            "_fitting (row #) imports sklift.classifier",
        ),
        ("adapters/_a.py", "getattr(x, 'resblocks')", "adapters says resblocks"),
        ("plots.py", "import ast", "plots has no row in the table of rooms"),
    ],
)
def test_what_breaks_the_order_is_found(tmp_path, name, source, expected):
    for room in ("_core", "_fitting", "losses", "heads", "metrics", "adapters"):
        (tmp_path / room).mkdir()
    (tmp_path / "embedder.py").touch()
    (tmp_path / name).write_text(source)
    expected = expected.replace("#", str(row_of(name.partition("/")[0].removesuffix(".py"))))
    assert [expected in sentence for sentence in violations(tmp_path / name, tmp_path)] == [True]


@pytest.mark.parametrize(
    ("name", "source"),
    [
        (
            "heads/_a.py",
            "from sklift.losses import x\nfrom ._b import y\nfrom .._core import z",
        ),
        ("_net.py", "import skorch, torch\nfrom ._model import TunedModel"),
        ("_compute/_a.py", "from .._store._b import find"),
        ("__init__.py", "from .classifier import LiftClassifier"),
        ("backbones/_a.py", "def f(block):\n    return block.ln_2"),
    ],
)
def test_what_keeps_the_order_passes(tmp_path, name, source):
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text(source)
    assert violations(tmp_path / name, tmp_path) == []


@pytest.mark.parametrize(
    "statement",
    [
        "import sklift",
        "from sklift import LiftClassifier; LiftClassifier()",
        "import sklift._core._recipes",
        "import sklift.metrics",
        "import sklift.datasets",
        "import sklift; sklift.metrics.long_tail_report; sklift.datasets; sklift.LiftClassifier",
        "from sklift import *; LiftClassifier(), ZeroShotClassifier(), ImageEmbedder()",
    ],
)
def test_no_torch_is_loaded_by(statement):
    check = f"{statement}\nimport sys\nassert 'torch' not in sys.modules, 'torch was imported'"
    done = subprocess.run(
        [sys.executable, "-c", check], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_the_package_says_what_it_has_and_nothing_else():
    import sklift

    public = {room for room in ROOMS if not room.startswith("_")}
    public -= {"classifier", "embedder", "zero_shot"}
    assert {*sklift.__all__, *public} <= set(dir(sklift))
    assert all(getattr(sklift, room).__name__ == f"sklift.{room}" for room in public)
    with pytest.raises(AttributeError, match="module 'sklift' has no attribute 'nothing'"):
        _ = sklift.nothing
