"""A short run of ``tools/fuzz_images.py``; the tool itself takes as many inputs as one likes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).resolve().parents[2] / "tools" / "fuzz_images.py"


def test_damaged_files_are_decoded_or_refused():
    done = subprocess.run(
        [sys.executable, TOOL, "--n", "300"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "300 inputs" in done.stdout and "refused" in done.stdout
