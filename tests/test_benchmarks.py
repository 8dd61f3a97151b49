"""`benchmarks/gpu.py`, dry: what is run on borrowed GPUs must not fail there for a slip.

And some cases of `benchmarks/growth.py`, at small sizes, and what `benchmarks/peers.py` reads.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import sklift

BENCHMARKS = Path(__file__).resolve().parents[1] / "benchmarks"


def printed_by(script, folder, *arguments) -> str:
    """What a script prints; as on a machine without a GPU."""
    package = Path(sklift.__file__).resolve().parents[1]
    path = os.pathsep.join(map(str, (BENCHMARKS, package)))
    env = os.environ | {"PYTHONPATH": path, "CUDA_VISIBLE_DEVICES": ""}
    command = [sys.executable, BENCHMARKS / script, *arguments]
    done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def run(folder, *arguments):
    """What the script for GPUs prints and writes."""
    printed = printed_by("gpu.py", folder, "--dry-run", *arguments)
    return printed, json.loads((folder / "gpu.json").read_text(encoding="utf-8"))


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


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_growth_is_measured_once(tmp_path):
    names = ["save / ", "rows, 10 classes", "save, load"]
    first = printed_by("growth.py", tmp_path, "--quick", *names)
    found = json.loads((tmp_path / "growth.json").read_text(encoding="utf-8"))
    assert {name: len(part) for name, part in found.items()} == {
        "cases": 1,
        "million": 1,
        "soaks": 1,
    }
    assert all(one["seconds"] > 0 for part in found["cases"].values() for one in part)
    (soak,) = found["soaks"].values()
    assert soak[0].keys() == {"bytes", "open files", "threads"}
    again = printed_by("growth.py", tmp_path, "--quick", *names)
    assert again.splitlines()[:-1] == first.splitlines()[:-1]  # but for the time


def test_an_exponent_is_the_slope_at_the_end(monkeypatch):
    monkeypatch.syspath_prepend(BENCHMARKS)
    from _growth_measure import exponent

    assert exponent([10, 100, 1000], [9, 10, 1000]) == pytest.approx(2)
    assert exponent([10, 100], [4, 4]) == 0
    assert exponent([10, 100], [3, 4], least=5) is None


def test_a_peer_that_is_not_installed_is_skipped(tmp_path, monkeypatch, capsys):
    monkeypatch.syspath_prepend(BENCHMARKS)
    import peers

    table = tmp_path / "labels.csv"
    rows = ["a.png,fox,train", "b.png,elk,train", "c.png,fox,test", "d.png,bat,test"]
    table.write_text("\n".join(["path,label,split", *rows]))
    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    arguments = ["--table", str(table), "--pretrained", "none", "--jobs", "fastai"]
    monkeypatch.setattr(sys, "argv", ["peers.py", *arguments])
    peers.main()
    printed = capsys.readouterr().out
    assert printed.startswith("2 pictures of 2 classes to train on, 1 to predict")  # no bat
    assert "skipped: fastai isn't installed" in printed
