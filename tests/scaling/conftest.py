"""Programs of several processes, none of which outlives its time."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest


def run(command, timeout: int) -> str:
    """What a command prints; it and its children are killed when the time is up."""
    process = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    try:
        out, error = process.communicate(timeout=timeout)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, error
    return out


@pytest.fixture(scope="module")
def run_program(tmp_path_factory):
    """Runs a program ``source`` in a folder of its own; gives the JSON of its last line."""

    def run_source(source: str, *launcher: str, timeout: int):
        path = tmp_path_factory.mktemp("program") / "program.py"
        path.write_text(source, encoding="utf-8")
        out = run([sys.executable, *launcher, str(path), str(path.parent)], timeout)
        return json.loads(out.splitlines()[-1])

    return run_source
