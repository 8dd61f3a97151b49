"""Table docs/bad_input.rst of all bad inputs of the tests and the errors that they raise.

    python tools/build_bad_input_table.py

The rows are those of ``tests/reliability/matrix``, which the tests check too. Each is tried here,
and its exception is written down; what differs from machine to machine is left out.
"""

from __future__ import annotations

import re
import sys
import tempfile
import warnings
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TESTS = ROOT / "tests" / "reliability"
sys.path.insert(0, str(TESTS))
try:
    from matrix import TABLE, BadCall, BadFit, Bench, without_network
finally:
    sys.path.remove(str(TESTS))

__all__ = ["TABLE", "BadCall", "BadFit", "Bench", "page", "without_network"]

HEAD = """Bad input
=========

{n} ways to go wrong, and what is raised then. Each row is a test; the messages were recorded by
trying them, with ``...`` for what differs from case to case. :doc:`mistakes` explains the most
likely ones.

.. raw:: html

   <div class="row-filter" data-label="Search" data-example="words of the message"></div>
"""
TAIL = """
Of all of them
--------------

- A constructor never raises; ``fit`` looks at what it is given before it trains, as the last column
  says.
- Of files, ``fit`` and predictions read the first bytes before they compute, and name all that are
  missing or no pictures. Damage further inside is found when a picture is decoded.
- With ``reader__on_error="skip"``, ``fit`` decodes all files first and leaves out what can't be
  read; predictions give NaN, or masked labels, for it.
- After an error in ``fit`` the estimator is as it was before: not fitted, or with the earlier fit
  untouched. No file is written.
- Every exception is of the type shown here or of a subclass. That of a parameter of the wrong kind
  is both a ``ValueError`` and a ``TypeError``.
"""
# Parts of messages that depend on the versions of the libraries or on the machine.
LEFT_OUT = [
    (r"(can't be decoded|can't be downloaded|no safetensors file) \(.*?\)", r"\1 (...)"),
    (r"(can't take the weights '[^']*'): .*?\. Check", r"\1: ... Check"),
    (r"(schema not found|Directory specified via).*", "..."),
    (r"it lies in .*?;", "it lies in ...;"),
    (r"this machine has \d+ CUDA devices?", "this machine has ... CUDA devices"),
    (r"(Complex data not supported) .*", r"\1 ..."),
    (r"(encoded as NaN natively\.).*", r"\1 ..."),
    (r"(Found array with dim 4).*? (backbone=)", r"\1 ... \2"),
    (r"(weights must be 1D array or scalar).*", r"\1 ..."),
    (r"'numpy\.bool_'", "'numpy.bool'"),
    (r"<function .*? at 0x[0-9a-f]+>", "<function ...>"),
    (r"fit-[0-9a-f]+\.pt", "fit-....pt"),
    (r"should have \d+ bytes", "should have ... bytes"),
]


def page(bench: Bench) -> str:
    """The text of the page."""
    parts = [HEAD.format(n=sum(map(len, TABLE.values())))]
    for title, rows in TABLE.items():
        parts += [f"\n{title}\n{'-' * len(title)}\n\n.. list-table::\n   :header-rows: 1\n"]
        parts += ["   :widths: 26 60 14\n\n   * - Given\n     - Raised\n     - When\n"]
        for row in rows:
            said = f"{row.error.__name__}: {message(row, bench)}"
            parts += [f"   * - {row.name}\n     - ``{said}``\n     - {row.when}\n"]
    parts.append(TAIL)
    return "".join(parts)


def message(row: BadCall | BadFit, bench: Bench) -> str:
    """Return the message of the error, on one line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            row.run(bench)
    except row.error as error:
        text = " ".join("\n".join([str(error), *getattr(error, "__notes__", ())]).split())
    else:
        raise AssertionError(f"{row.name}: nothing is raised")
    text = text.replace(f"{bench.folder}/", "").replace(str(bench.folder), "pictures")
    for pattern, replacement in LEFT_OUT:
        text = re.sub(pattern, replacement, text)
    text = re.sub(r"\{('[^{}]*')\}", _sorted_set, text)
    return re.sub(r"\[('[^\[\]]*')\]", _shortened, text)


def _sorted_set(match: re.Match) -> str:
    """Return options in order; scikit-learn lists them in the order of a set."""
    return f"{{{', '.join(sorted(match[1].split(', ')))}}}"


def _shortened(match: re.Match) -> str:
    """Return a long list cut to its first entry."""
    entries = match[1].split(", ")
    return match[0] if len(entries) <= 3 else f"[{entries[0]}, ...]"


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, without_network(Path(folder)):
        text = page(Bench(Path(folder)))
    (ROOT / "docs" / "bad_input.rst").write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
