"""`benchmarks/gpu.py`, dry: what is run on borrowed GPUs must not fail there for a slip."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sklift

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def run(folder, *arguments):
    """What the script prints and writes; as on a machine without a GPU."""
    package = Path(sklift.__file__).resolve().parents[1]
    path = os.pathsep.join(map(str, (BENCHMARKS, package)))
    env = os.environ | {"PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, BENCHMARKS / "gpu.py", "--dry-run", *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads((folder / "gpu.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def dry(tmp_path_factory):
    return run(tmp_path_factory.mktemp("dry"))


def test_every_section_of_the_gpu_benchmark_runs(dry):
    _, found = dry
    assert {"device", "torch", "rows", "sections", "kernels", "epochs"} <= found.keys()
    states = {name: section["state"] for name, section in found["sections"].items()}
    assert len(states) == 13
    assert set(states.values()) == {"ok"}, states


def test_its_rows_are_printed_as_they_come_and_at_the_end(dry):
    printed, found = dry
    assert {row["section"] for row in found["rows"]} == found["sections"].keys()
    for row in found["rows"]:
        assert row.keys() == {"section", "name", "value", "unit", "compared"}
        assert printed.count(f"\n{row['name']}") >= 2
    values = {row["name"]: row["value"] for row in found["rows"]}
    assert values["memory of training"] == "needs a GPU"
    assert values["largest difference of a weight"] == 0
    assert values["predictions equal"] == "True"


def test_sections_without_time_are_skipped(tmp_path):
    _, found = run(tmp_path, "--budget", "0")
    states = {section["state"] for section in found["sections"].values()}
    assert states == {"skipped: out of time"}
