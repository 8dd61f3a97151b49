"""What is written twice agrees, what the wheel must hold is there, `python -m sklift` works."""

from __future__ import annotations

import ast
import importlib
import os
import re
import subprocess
import sys
import tomllib
from configparser import ConfigParser
from importlib import resources
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import sklift

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
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


def test_all_that_is_imported_is_declared():
    declared = PROJECT["dependencies"] + PROJECT["optional-dependencies"]["examples"]
    declared = {bound.partition(">=")[0].lower().replace("_", "-") for bound in declared}
    trees = [
        ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "sklift").rglob("*.py")
    ]
    nodes = [node for tree in trees for node in ast.walk(tree)]
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and not node.level}
    names = {name.partition(".")[0] for name in names} - sys.stdlib_module_names - {"sklift"}
    distributions = packages_distributions()
    missing = {
        name
        for name in names
        if not declared & {d.lower().replace("_", "-") for d in distributions.get(name, [])}
    }
    assert missing == set()


def test_version_comes_from_one_place():
    from sklift._version import __version__

    assert sklift.__version__ == __version__
    assert "version" not in PROJECT and "version" in PROJECT["dynamic"]


@pytest.mark.parametrize("file", ["py.typed", "datasets/emoji.csv", "backbones/emoji_tiny"])
def test_the_package_holds(file):
    found = resources.files("sklift").joinpath(file)
    assert found.is_file() or any(entry.is_file() for entry in found.iterdir())


def test_the_embedded_backbone_weighs_at_most_8_mb():
    folder = ROOT / "sklift" / "backbones" / "emoji_tiny"
    assert sum(file.stat().st_size for file in folder.rglob("*")) <= 8e6


@pytest.mark.parametrize("package", PUBLIC)
def test_the_api_reference_lists_every_class_and_function_of(package):
    reference = (ROOT / "docs" / "api.rst").read_text(encoding="utf-8")
    listed = set(re.findall(r"^   ([\w.]+)$", reference, flags=re.MULTILINE))
    module = importlib.import_module(package)
    names = [name for name in module.__all__ if callable(getattr(module, name))]
    prefix = package.removeprefix("sklift").lstrip(".")
    assert names
    assert {".".join(filter(None, [prefix, name])) for name in names} <= listed


def run_main(**environment):
    return subprocess.run(
        [sys.executable, "-m", "sklift"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_main_prints_versions_and_devices():
    done = run_main()
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
    assert rows["scikit-lift"] == sklift.__version__
    assert {"python", "torch", "open_clip_torch", "timm", "scikit-learn", "skorch", "numpy"} <= set(
        rows
    )
    assert "device" in rows


def test_main_detects_the_clash_with_scikit_uplift(tmp_path):
    installed = tmp_path / "scikit_uplift-0.5.1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: scikit-uplift\nVersion: 0.5.1\n"
    )
    done = run_main(PYTHONPATH=str(tmp_path))
    assert done.returncode == 1
    assert "scikit-uplift 0.5.1 is installed too" in done.stderr
    assert "pip uninstall scikit-uplift scikit-lift" in done.stderr
