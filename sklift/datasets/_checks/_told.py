"""Faults of a table in words: one entry for each kind, one line for each fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ._kinds import SEVERITIES


@dataclass(frozen=True)
class Finding:
    """The faults of one kind.

    Parameters
    ----------
    severity : {"error", "warning", "note"}
        An error spoils training or scores.
    kind : str
        What is wrong.
    items : list of str
        The faults: paths, or groups of them, or names of classes, with details.
    remedy : str
        What to do.
    """

    severity: str
    kind: str
    items: list[str]
    remedy: str


def findings_of(table: Mapping[str, np.ndarray]) -> list[Finding]:
    """The faults of a table of :func:`check_images`, by kind, in its order."""
    columns = {name: np.asarray(table[name]).tolist() for name in table}
    found: dict[str, Finding] = {}
    members: dict[int, tuple[str, list[str]]] = {}
    rows = zip(*(columns[k] for k in ("severity", "kind", "fault", "remedy")), strict=True)
    for row, (severity, kind, fault, remedy) in enumerate(rows):
        found.setdefault(kind, Finding(severity, kind, [], remedy))
        of_fault = members.setdefault(fault, (kind, []))[1]
        said = (columns[k][row] for k in ("picture", "label", "detail"))
        of_fault.append(_words(kind, *said))
    for kind, words in members.values():
        found[kind].items.append(" = ".join(words))
    return list(found.values())


def as_text(found: list[Finding], most: int = 3) -> str:
    """Lines for a terminal, with the first few faults of each kind."""
    lines = []
    for finding in found:
        n = len(finding.items)
        lines += [f"{finding.severity:<8} {n:>5}  {finding.kind}: {finding.remedy}"]
        lines += [f"                {item}" for item in finding.items[:most]]
        lines += [f"                ... and {n - most} more"] if n > most else []
        lines += [""]
    totals = Counter(finding.severity for finding in found)
    kinds = [f"{totals[s]} kind{'s' * (totals[s] > 1)} of {s}s" for s in SEVERITIES if totals[s]]
    return "\n".join([*lines, ", ".join(kinds) or "nothing to complain of"])


def _words(kind: str, picture: str, label: str, detail: str) -> str:
    """What is said of one picture, or of the names of classes."""
    if not picture:
        return detail
    if kind in ("can't be read", "files left out"):
        return f"{picture}: {detail}"
    if kind == "labels that look wrong":
        detail = f"{label}? {detail}"
    return f"{picture} ({detail})" if detail else picture
