"""Short runs of the tools that look for faults; the tools themselves run as long as one likes."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import sklift

TOOLS = Path(__file__).resolve().parents[2] / "tools"


def run(tool: str, *arguments: str) -> str:
    package = Path(sklift.__file__).resolve().parents[1]
    # where PYTHONSAFEPATH is set, a script doesn't see what lies beside it
    env = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, (TOOLS, package)))}
    command = [sys.executable, TOOLS / f"{tool}.py", *arguments]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "targets",
    [
        ("images", "lists", "cifar"),
        pytest.param(
            ("load", "checkpoints", "cache", "weights", "tables", "members", "pages"),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["quick", "slow"],
)
def test_damaged_files_are_read_or_refused(targets):
    said = run("fuzz_guided", *targets, "--n=30")
    for target in targets:
        assert f"{target}: " in said
    assert said.count("30 inputs: ") == len(targets) and said.count("refused") >= 3


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="faults are made as Linux offers them")
def test_what_is_killed_or_starved_ends_as_undisturbed():
    said = run(
        "break_and_compare",
        *("--n=2", "--faults", "kill -9", "full disk"),
        *("--jobs", "save", "embed with a cache"),
    )
    assert said.count("     0 losses") == 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")
def test_a_process_under_load_answers_as_a_serial_one():
    """Memory is not looked at: at so short a time it still grows, as caches fill."""
    command = [sys.executable, TOOLS / "soak.py", "--minutes=0.05"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "\n0 wrong\n" in done.stdout, done.stdout + done.stderr
