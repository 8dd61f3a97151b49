"""``sklift check``: what may be wrong with pictures, before they are trained on."""

from __future__ import annotations

import argparse
import warnings
from collections import Counter
from dataclasses import asdict
from pathlib import Path

import numpy as np

from .._core._text import visible
from ..metrics import shot_groups
from ._findings import ERROR, SEVERITIES, Finding, findings
from ._output import bar, n_pictures, to_json
from ._pictures import Pictures, add_labels, with_labels

DESCRIPTION = """\
Look for what may spoil training: files that can't be read, pictures that are
tiny, blank, dark or low in contrast, the same file twice, class names that
look alike, classes of one picture. PICTURES are those that sklift fit takes.
The exit code is 1 if there are errors (pictures that can't be read, or that
are in several classes)."""

EXAMPLES = """\
  sklift check photos
  sklift check photos --labels table.csv
  sklift check photos --json > findings.json"""

SHOWN = 3  # items of each kind in the table; JSON has all


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("pictures", metavar="PICTURES", help="labelled pictures")
    add_labels(parser)
    parser.add_argument(
        "--least",
        metavar="PIXELS",
        type=int,
        default=32,
        help="shorter side below which a picture is tiny (default 32)",
    )
    parser.add_argument("--json", action="store_true", help="print all findings as JSON")


def run(options: argparse.Namespace) -> int:
    """Look, and print a table; return 1 if there are errors."""
    pictures, said = _listed(options)
    with bar(len(pictures), "check") as shown:
        found = findings(
            pictures.paths.tolist(),
            pictures.labels.tolist(),
            pictures.left_out,
            said,
            least=options.least,
            advance=shown.update,
        )
    print(_json(pictures, found) if options.json else _text(options.pictures, pictures, found))
    return int(any(finding.severity == ERROR for finding in found))


def _listed(options: argparse.Namespace) -> tuple[Pictures, list[str]]:
    """The pictures, those that a loader leaves out as copies included, and its other warnings."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = with_labels(options.pictures, options, options.labels)
    said = [str(warning.message) for warning in caught]
    # these are findings of their own
    of_their_own = ("are left out", "labels that differ only by")
    said = [text for text in said if not any(words in text for words in of_their_own)]
    copies = [p for p, why in found.left_out.items() if why.startswith("a copy in another class")]
    labels = [Path(path).relative_to(options.pictures).parts[0] for path in copies]
    rest = {path: why for path, why in found.left_out.items() if path not in copies}
    if not copies:
        return found, said
    both = np.array([*found.paths, *copies]), np.array([*found.labels, *labels])
    return Pictures(*both, rest), said


def _json(pictures: Pictures, found: list[Finding]) -> str:
    counts = Counter(pictures.labels.tolist())
    return to_json(
        {
            "n_pictures": len(pictures),
            "class_counts": dict(counts.most_common()),
            "findings": [asdict(finding) for finding in found],
        }
    )


def _text(place: str, pictures: Pictures, found: list[Finding]) -> str:
    counts = Counter(pictures.labels.tolist()).most_common()
    (most, n_most), (least, n_least) = counts[0], counts[-1]
    groups = shot_groups([n for _, n in counts])
    sizes = ", ".join(f"{mask.sum()} {name}-shot" for name, mask in groups.items())
    lines = [
        f"{place}: {n_pictures(len(pictures))} of {len(counts)} classes ({sizes})",
        f"most: {most}, {n_most:,}; fewest: {least}, {n_least:,}",
    ]
    for finding in found:
        n = len(finding.items)
        lines += ["", f"{finding.severity:<8} {n:>5}  {finding.kind}: {finding.remedy}"]
        lines += [f"                {item}" for item in finding.items[:SHOWN]]
        lines += [f"                ... and {n - SHOWN} more"] if n > SHOWN else []
    totals = Counter(finding.severity for finding in found)
    kinds = [f"{totals[s]} kind{'s' * (totals[s] > 1)} of {s}s" for s in SEVERITIES if totals[s]]
    lines += ["", ", ".join(kinds) or "nothing to complain of"]
    return "\n".join(map(visible, lines))
