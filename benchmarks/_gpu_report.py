"""Report of figures, printed row by row, kept in a file, and printed again as a table."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Callable
from pathlib import Path

import torch

NEEDS_GPU = "needs a GPU"


class Report:
    """Report of the figures found so far; sections that fail or find no time left are rows too.

    Parameters
    ----------
    out : str
        The JSON file, written anew after each section: a run that is killed leaves it.
    budget : float
        Seconds after which no section starts.
    """

    def __init__(self, out: str, budget: float):
        self.out, self.budget, self.start = Path(out), budget, time.perf_counter()
        found = torch.cuda.is_available()
        self.content: dict = {
            "device": torch.cuda.get_device_name() if found else "cpu",
            "torch": torch.__version__,
            "sections": {},
            "rows": [],
        }
        self._section = ""

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    def row(self, what: str, value, unit: str = "", compared: str = "") -> None:
        """Add a figure, ``value`` None where only a GPU has one."""
        if value is None:
            value, unit = NEEDS_GPU, ""
        row = {"section": self._section, "name": what, "value": value, "unit": unit}
        self.content["rows"].append({**row, "compared": compared})
        print(_line(self.content["rows"][-1]), flush=True)

    def keep(self, name: str, value) -> None:
        """Add something to the file alone."""
        self.content[name] = value

    def attempt(self, what: str, function: Callable, unit: str = "", compared: str = "") -> None:
        """Add what a function gives, or how it fails, which leaves the section as it is."""
        try:
            value = function()
        except Exception as error:
            value, unit = f"not here: {_first_line(error)}", ""
        self.row(what, value, unit, compared)

    def run(self, section: Callable[[Report], None]) -> None:
        """Run a section, whatever becomes of it."""
        self._section, start = section.__name__, time.perf_counter()
        state = "ok"
        print(f"-- {self._section} (at {self.seconds:.0f} s)", flush=True)
        if self.seconds > self.budget:
            state = "skipped: out of time"
        else:
            try:
                section(self)
            except Exception as error:
                state = f"failed: {_first_line(error)}"
        tidy()  # out of the handler, which would keep the tensors of the failed attempt alive
        if state != "ok":
            self.row(self._section, state)
        taken = round(time.perf_counter() - start, 1)
        self.content["sections"][self._section] = {"state": state, "seconds": taken}
        self.out.write_text(json.dumps(self.content, indent=1), encoding="utf-8")

    def table(self) -> str:
        """Return all rows as text."""
        head = f"{self.content['device']}, torch {self.content['torch']}, {self.seconds:.0f} s"
        return "\n".join([head, *map(_line, self.content["rows"])])


def tidy() -> None:
    """Give back the memory that nothing refers to."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
        torch.cuda.empty_cache()


def _line(row: dict) -> str:
    value = row["value"]
    value = f"{value:.4g}" if isinstance(value, float) else value
    value = f"{value} {row['unit']}".strip()
    return f"{row['name']:46s} {value:>22s}  {row['compared']}".rstrip()


def _first_line(error: BaseException) -> str:
    first = str(error).strip().partition("\n")[0]
    return f"{type(error).__name__}: {first}"[:200]
