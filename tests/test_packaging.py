"""What is written twice agrees, and the package holds what it must."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from configparser import ConfigParser
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
import yaml

import sklift

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
SOURCES = [path for path in (ROOT / "sklift").rglob("*.py") if "__pycache__" not in path.parts]
TESTS = [path for path in (ROOT / "tests").rglob("*.py") if "__pycache__" not in path.parts]
PUBLIC = (
    "sklift",
    *(
        f"sklift.{room}"
        for room in (
            "adapters",
            "datasets",
            "displays",
            "heads",
            "images",
            "losses",
            "metrics",
            "regularizers",
        )
    ),
)


def test_ci_runs_the_second_command_of_the_readme():
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    (command,) = re.findall(r"^tests='(.+)'$", script, flags=re.MULTILINE)
    assert command in (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    assert 'bash -c "$tests"' in script


def test_the_oldest_environment_pins_the_lower_bounds():
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    extras = PROJECT["optional-dependencies"]
    bounds = PROJECT["dependencies"] + extras["examples"] + extras["test"]
    bounds = [bound for bound in bounds if not bound.startswith("scikit-lift[")]
    pins = tox["testenv:oldest"]["deps"].split()
    assert sorted(pins) == sorted(bound.replace(">=", "==") for bound in bounds)


def test_the_prereleases_are_those_of_every_requirement():
    """Nothing is pinned, and pip takes what is not released yet."""
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    environment = tox["testenv:prereleases"]
    assert environment.getboolean("pip_pre")
    assert "deps" not in environment and tox["testenv"]["extras"] == "test"


def test_the_lint_environment_has_the_tools_of_the_extra():
    tox = ConfigParser()
    tox.read(ROOT / "tox.ini", encoding="utf-8")
    tools = PROJECT["optional-dependencies"]["lint"]
    assert tox["testenv:lint"]["deps"].split() == [*tools, "numpy"]
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    for command in tox["testenv:lint"]["commands"].strip().splitlines():
        assert command in script.splitlines()


def test_all_that_is_imported_is_declared():
    extras = PROJECT["optional-dependencies"]
    tools = {"test", "docs", "lint", "dev"}
    declared = PROJECT["dependencies"] + [
        bound for name in extras.keys() - tools for bound in extras[name]
    ]
    declared = {bound.partition(">=")[0].lower().replace("_", "-") for bound in declared}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in SOURCES]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    names = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"sklift"}
    distributions = packages_distributions()
    for name in names:
        found = {each.lower().replace("_", "-") for each in distributions.get(name, [])}
        if not found:  # optional, and not installed here
            found = {each for each in declared if each.startswith(name.replace("_", "-"))}
        assert declared & found, name


def test_version_comes_from_one_place():
    from sklift._core._version import __version__

    assert sklift.__version__ == __version__
    assert "version" not in PROJECT and "version" in PROJECT["dynamic"]


def test_version_changelog_and_documentation_agree():
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    version, date = re.search(r"^## \[(.+)\] - (.+)$", changelog, flags=re.MULTILINE).groups()
    assert version == sklift.__version__.partition(".dev")[0]
    assert (date == "unreleased") == (".dev" in sklift.__version__)
    conf = (ROOT / "docs" / "conf.py").read_text(encoding="utf-8")
    assert "from sklift._core._version import __version__" in conf
    assert re.search(r"^version = release = __version__$", conf, flags=re.MULTILINE)


def test_the_citation_is_of_this_package_and_of_both_papers():
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert citation["cff-version"] == "1.2.0" and citation["type"] == "software"
    assert citation["license"] == PROJECT["license"] == "BSD-3-Clause"
    assert citation["authors"] == PROJECT["authors"] == [{"name": "The sklift developers"}]
    papers = {reference["identifiers"][0]["value"] for reference in citation["references"]}
    assert papers == {"arXiv:2309.10019", "arXiv:2504.13282"}


@pytest.mark.skipif(not sys.flags.safe_path, reason="the source tree may be what is tested")
def test_what_is_tested_is_what_is_installed():
    """In tox and in ``.ci/run``, which set PYTHONSAFEPATH."""
    assert not Path(sklift.__file__).is_relative_to(ROOT / "sklift")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        sizes = {info.filename: info.file_size for info in archive.infolist()}
        (metadata,) = (name for name in sizes if name.endswith(".dist-info/METADATA"))
        text = archive.read(metadata).decode()
    with tarfile.open(next(folder.glob("*.tar.gz"))) as archive:
        sources = {name.partition("/")[2] for name in archive.getnames()}
    return sizes, text, sources


def test_the_wheel_holds_the_package_and_nothing_else(wheel):
    sizes, metadata, _ = wheel
    folders = {name.partition("/")[0] for name in sizes}
    assert folders == {"sklift", f"scikit_lift-{sklift.__version__}.dist-info"}
    data = {name for name in sizes if name.startswith("sklift/") and not name.endswith(".py")}
    tiny = "sklift/backbones/emoji_tiny"
    assert data == {
        "sklift/py.typed",
        "sklift/datasets/emoji.csv",
        "sklift/displays/report.html",
        f"{tiny}/config.json",
        f"{tiny}/model.safetensors",
        f"{tiny}/vocabulary.txt",
    }
    assert sum(size for name, size in sizes.items() if name.startswith(tiny)) <= 8e6
    assert f"scikit_lift-{sklift.__version__}.dist-info/licenses/LICENSE" in sizes
    assert f"\nVersion: {sklift.__version__}\n" in metadata
    assert "\nLicense-Expression: BSD-3-Clause\n" in metadata
    modules = {f"sklift/{path.relative_to(ROOT / 'sklift')}" for path in SOURCES}
    assert modules == {name for name in sizes if name.endswith(".py")}


def test_the_source_distribution_holds_what_its_tests_need(wheel):
    *_, sources = wheel
    needed = {".ci/run", "CHANGELOG.md", "CITATION.cff", "CONTRIBUTING.md", "LICENSE", "README.md"}
    needed |= {"pyproject.toml", "tox.ini", "PKG-INFO", "docs/conf.py", "sklift/py.typed"}
    needed |= {f"tests/{path.relative_to(ROOT / 'tests')}" for path in TESTS}
    assert needed <= sources
    folders = {name.partition("/")[0] for name in sources if "/" in name}
    assert folders == {".ci", "benchmarks", "docs", "examples", "sklift", "tests", "tools"}
    assert not any("__pycache__" in name or name.startswith("docs/_build") for name in sources)


@pytest.mark.parametrize("package", PUBLIC)
def test_the_api_reference_lists_every_class_and_function_of(package):
    pages = (ROOT / "docs" / "api").glob("*.rst")
    reference = "".join(page.read_text(encoding="utf-8") for page in pages)
    listed = set(re.findall(r"^   ([\w.]+)$", reference, flags=re.MULTILINE))
    module = importlib.import_module(package)
    names = [name for name in module.__all__ if callable(getattr(module, name))]
    prefix = package.removeprefix("sklift").lstrip(".")
    assert names
    assert {".".join(filter(None, [prefix, name])) for name in names} <= listed
