"""The API reference lists what is public, docstrings have examples, and links have addresses."""

from __future__ import annotations

import importlib
import inspect
import re
import runpy
import xml.etree.ElementTree as ET
import zlib
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
PACKAGES = (
    "",
    "adapters",
    "losses",
    "regularizers",
    "heads",
    "training",
    "images",
    "datasets",
    "displays",
    "metrics",
    "testing",
    "backbones",
    "presets",
)
# What is shown by the examples of what makes or takes it: the parts of an opened tower.
pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="the documentation is not here")


def public() -> dict[str, object]:
    """Everything in the `__all__` of the public packages, by its name below `sklift`."""
    found = {}
    for package in PACKAGES:
        module = importlib.import_module(f"sklift.{package}".rstrip("."))
        for name in module.__all__:
            if name != "__version__":
                found[f"{package}.{name}".lstrip(".")] = getattr(module, name)
    return found


def listed(text: str) -> list[str]:
    """The names in the summaries, and the data that are described in place."""
    blocks = re.findall(r"\.\. autosummary::\n(?:   :.*\n)*\n((?:   \S+\n)+)", text)
    data = re.findall(r"\.\. py:data::((?: +\S+\n)+)", text)
    names = "".join(blocks).split() + "".join(data).split()
    return [name.removeprefix("sklift.") for name in names]


def has_example(obj: object) -> bool:
    return ">>> " in (inspect.getdoc(obj) or "")


def test_the_reference_lists_what_is_public_and_nothing_else():
    pages = sorted((DOCS / "api").glob("*.rst"))
    names = listed("".join(page.read_text(encoding="utf-8") for page in pages))
    assert len(names) == len(set(names))
    assert set(names) - {"presets"} == set(public())


def test_listed_finds_summaries_and_data():
    text = (
        ".. autosummary::\n   :toctree: generated\n\n   losses.LDAM\n   Thing\n\nText.\n\n"
        ".. py:data:: sklift.presets.LIFT\n             sklift.presets.OTHER\n\n   What.\n"
    )
    assert listed(text) == ["losses.LDAM", "Thing", "presets.LIFT", "presets.OTHER"]


def test_public_docstrings_have_examples():
    bare = {name for name, obj in public().items() if callable(obj) and not has_example(obj)}
    assert not bare


def described(obj) -> list[str]:
    """Names that stand under "Parameters" in a docstring, in their order."""
    text = inspect.getdoc(obj) or ""
    section = re.search(r"^Parameters\n-+\n(.*?)(?=^\S[^\n]*\n-{3,}$|\Z)", text, re.M | re.S)
    heads = re.findall(r"^([\w*, ]+?)(?: :.*)?$", section[1] if section else "", re.M)
    return [name.strip(" *") for head in heads if head[0] != " " for name in head.split(",")]


def accepted(obj) -> list[str]:
    """Names of the arguments that a function, or the constructor of a class, takes."""
    kept = [p for p in inspect.signature(obj).parameters if not p.startswith("_")]
    return [p for p in kept if p != "settings"]


@pytest.mark.parametrize("name", sorted(n for n, obj in public().items() if callable(obj)))
def test_docstrings_name_the_parameters_in_their_order(name):
    """A name is never lost, as two were in a merge."""
    obj = public()[name]
    names = [p for p in described(obj) if p != "settings"]
    if names and name != "training.OptimizerRecipe":  # a base: its recipes have the constructors
        assert names == accepted(obj)


def external_names() -> set[str]:
    """What roles in pages, examples and docstrings refer to in the documentation of others."""
    files = [
        *DOCS.glob("*.rst"),
        *(DOCS / "guide").rglob("*.rst"),
        *(ROOT / "examples").glob("*.py"),
        *(ROOT / "sklift").rglob("*.py"),
    ]
    text = "\n".join(file.read_text(encoding="utf-8") for file in files)
    targets = re.findall(r":(?:class|func|meth|mod|attr):`([^`]+)`", text)
    targets = [target.rpartition("<")[2].rstrip(">").lstrip("~") for target in targets]
    return {target for target in targets if re.match(r"(sklearn|torch|skorch)\.", target)}


def test_links_to_others_have_addresses(tmp_path):
    mapping = runpy.run_path(str(DOCS / "_links.py"))["write_inventories"](tmp_path)
    known = {}
    for _, file in mapping.values():
        lines = zlib.decompress(Path(file).read_bytes().split(b"zlib.\n", 1)[1]).decode()
        known |= {line.split()[0]: line.split()[3] for line in lines.splitlines()}
    assert external_names() <= set(known)
    assert known["skorch.net.NeuralNet"] == "net.html#$"
    grid = "sklearn.model_selection.GridSearchCV"
    assert known[grid] == f"modules/generated/{grid}.html#$"


@pytest.mark.parametrize("name", ["sklearn", "torch", "skorch"])
def test_the_names_behind_the_links_exist(name):
    if name == "sklearn":
        importlib.import_module("sklearn.experimental.enable_halving_search_cv")
    groups = runpy.run_path(str(DOCS / "_links.py"))["PROJECTS"][name][1]
    for full in (full for names in groups.values() for full in names):
        module, _, attribute = full.rpartition(".")
        assert hasattr(importlib.import_module(module), attribute), full


def test_the_house_plan_shows_the_floors_as_they_are():
    tool = runpy.run_path(str(ROOT / "tools" / "draw_house_plan.py"))
    rooms, without_torch = tool["read_rooms"]()
    svg = ET.fromstring(tool["draw"]())
    texts = [e for e in svg.iter("{http://www.w3.org/2000/svg}text")]
    height = {e.text: float(e.get("y", 0)) for e in texts}
    for lower, upper in pairwise(rooms):
        assert height[lower] > height[upper]
    assert sum(e.text == "no torch" for e in texts) == len(set(rooms) & set(without_torch)) > 0


def test_what_a_room_is_for_comes_from_its_docstring():
    purpose = runpy.run_path(str(ROOT / "tools" / "draw_house_plan.py"))["purpose"]
    assert purpose("losses") == "Recipes of losses for long-tailed training"
    assert purpose("embedder").startswith("ImageEmbedder")
    assert purpose("classifier").startswith("Classifiers that are trained")


def test_every_example_has_a_place_in_the_gallery():
    text = (DOCS / "_gallery.py").read_text(encoding="utf-8")
    order = re.findall(r'"(\w+)"', re.search(r"^ORDER = \[.*?\]", text, re.M | re.S)[0])
    examples = (ROOT / "examples").glob("plot_*.py")
    assert sorted(order) == sorted(path.stem.removeprefix("plot_") for path in examples)


def test_tests_that_the_pages_name_exist():
    named = {
        match
        for page in DOCS.rglob("*.rst")
        for match in re.findall(r"``(tests/[\w/]+\.py)(?:::(\w+))?``", page.read_text())
    }
    texts = {file: (ROOT / file).read_text() for file, _ in named if (ROOT / file).is_file()}
    missing = [
        f"{file}::{name}"
        for file, name in sorted(named)
        if file not in texts or (name and not re.search(rf"^ *def {name}\(", texts[file], re.M))
    ]
    assert not missing
    assert sum(bool(name) for _, name in named) > 60


def test_the_page_of_bad_input_has_what_its_search_field_needs():
    conf = (DOCS / "conf.py").read_text(encoding="utf-8")
    for kind in ("css", "js"):
        (names,) = re.findall(rf"^html_{kind}_files = \[(.+)\]$", conf, re.M)
        assert all((DOCS / "_static" / name).is_file() for name in re.findall(r'"(.+?)"', names))
    page = (DOCS / "bad_input.rst").read_text(encoding="utf-8")
    script = (DOCS / "_static" / "filter.js").read_text(encoding="utf-8")
    (place,) = re.findall(r"<div (.+?)></div>", page)
    assert 'class="row-filter"' in place and 'querySelector(".row-filter")' in script
    assert set(re.findall(r"data-(\w+)=", place)) == set(re.findall(r"dataset\.(\w+)", script))
