"""``sklift check``: what may be wrong with pictures, before they are trained on."""

from __future__ import annotations

import argparse
import os
import warnings
from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np

from .._core._text import counted, visible
from ..datasets._checks._faults import faults
from ..datasets._checks._kinds import ERROR, Found, table_of
from ..datasets._checks._told import as_text, findings_of
from ..datasets._split import part_of
from ..images import Reader
from ..images._sources import ImageSource
from ..metrics import shot_groups
from ._output import bar, check_output, say, to_json
from ._pictures import Pictures, add_labels, check_columns, with_labels
from ._reading import in_parts

DESCRIPTION = """\
Look for what may spoil training: files that can't be read, pictures that are
tiny, blank, dark, bright, blurred or low in contrast, masks among photographs,
copies and near-copies within and across classes, class names that look alike,
classes of one picture. With a split (a column "split" of the table, --levels
or --test), also for copies, bursts and groups that are on both sides of it;
with a backbone, for labels that look wrong. PICTURES are those that sklift fit
takes. The exit code is 1 if there are errors: pictures that can't be read, or
that are in several classes or parts of the split."""

EXAMPLES = """\
  sklift check photos
  sklift check photos -o check.html
  sklift check photos --labels table.csv --backbone efficientnet-lite0
  sklift check photos --test other_photos
  sklift check photos --levels split/class
  sklift check photos --json > findings.json"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments."""
    parser.add_argument("pictures", metavar="PICTURES", help="labelled pictures")
    parser.add_argument("-o", "--output", metavar="PAGE", help="page of pictures to write, .html")
    add_labels(parser)
    split = parser.add_mutually_exclusive_group()
    split.add_argument("--test", metavar="PICTURES", help="pictures that a model is scored on")
    split.add_argument(
        "--levels",
        metavar="LEVELS",
        help='what the folders are: "split/class", "class/group" (default "class")',
    )
    parser.add_argument(
        "--backbone",
        metavar="NAME",
        help="look for wrong labels too, by features of this backbone",
    )
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
    output = None if options.output is None else check_output(options.output, endings=(".html",))
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        pictures = _listed(options)
        source = Reader().build(pictures.paths.tolist(), must_exist=False)
    table = _table(options, pictures, source, [str(warning.message) for warning in caught])
    print(_json(pictures, table) if options.json else _text(options.pictures, pictures, table))
    if output is not None:
        from ..displays import FindingsReport

        n = len(set(pictures.labels.tolist()))
        counts = f"{counted(len(pictures), 'picture')} of {counted(n, 'class')}"
        title = f"Check of {options.pictures}"
        FindingsReport.from_table(source, table, title=title, lead=f"{counts}.").save(output)
        say(f"wrote {output}")
    return int(bool((table["severity"] == ERROR).any()))


def _table(
    options: argparse.Namespace, pictures: Pictures, source: ImageSource, said: list[str]
) -> dict[str, np.ndarray]:
    """All that was found, what the loader told and left out included."""
    parts = None
    if pictures.split is not None:
        parts = np.array([part_of(part) for part in pictures.split.tolist()])
    features = None if options.backbone is None else _features(options.backbone, pictures)
    with bar(len(pictures), "check") as shown:
        found = list(
            faults(
                source,
                pictures.labels,
                parts,
                pictures.groups,
                features,
                options.least,
                shown.update,
            )
        )
    # these are findings of their own
    of_their_own = (" left out: ", "labels that differ only by", "have pictures in several of")
    said = [text for text in said if not any(words in text for words in of_their_own)]
    found += [Found("odd folders or lists", (), (text,)) for text in said]
    found += [
        Found(_kind_of(why), (), (f"{path}: {why}",)) for path, why in pictures.left_out.items()
    ]
    return table_of(found, pictures.paths.tolist(), pictures.labels, parts)


def _kind_of(why: str) -> str:
    """The kind of fault of a file that a loader has left out."""
    if why.startswith("several labels"):
        return "the same picture in several classes"
    if why.startswith("several parts"):
        return "the same picture in several parts of the split"
    return "files left out"


def _listed(options: argparse.Namespace) -> Pictures:
    """The pictures, those that a loader leaves out as copies included."""
    words = (options.levels or "class").split("/")
    check_columns(options.pictures, options)
    found = with_labels(options.pictures, options, options.labels, options.levels)
    root = options.pictures
    copies = [path for path, why in found.left_out.items() if why.startswith("a copy in another")]
    if copies:
        places = [
            dict(zip(words, Path(os.path.relpath(path, root)).parts, strict=False))
            for path in copies
        ]
        others = {p: why for p, why in found.left_out.items() if p not in set(copies)}

        def with_theirs(values: np.ndarray | None, word: str) -> np.ndarray | None:
            if values is None:
                return None
            return np.array([*values.tolist(), *(place[word] for place in places)])

        found = Pictures(
            np.array([*found.paths.tolist(), *copies]),
            np.array([*found.labels.tolist(), *(place["class"] for place in places)]),
            others,
            with_theirs(found.groups, "group"),
            with_theirs(found.split, "split"),
        )
    if options.test is None:
        return found
    if found.split is not None:
        raise ValueError(f"{options.pictures} has a split already: leave --test out")
    test = with_labels(options.test, options)
    groups = None
    if found.groups is not None and test.groups is not None:
        groups = np.array([*found.groups.tolist(), *test.groups.tolist()])
    return replace(
        found,
        paths=np.concatenate([found.paths, test.paths]),
        labels=np.array([*found.labels.tolist(), *test.labels.tolist()]),
        left_out=found.left_out | test.left_out,
        groups=groups,
        split=np.repeat(["train", "test"], [len(found), len(test)]),
    )


def _features(backbone: str, pictures: Pictures) -> np.ndarray:
    """Features of the pictures; NaN for those that can't be read."""
    from .._estimator import resolve_recipe
    from ..embedder import ImageEmbedder

    embedder = ImageEmbedder(backbone).fit()
    features = np.full((len(pictures), embedder.n_features_out_), np.nan, np.float32)
    reader, done = resolve_recipe("reader", embedder.reader), 0
    with bar(len(pictures), "features") as shown:
        for part in in_parts(embedder.transform, pictures.paths.tolist(), reader):
            rows = [done + k for k, path in enumerate(part.paths) if path not in part.unreadable]
            if rows:
                features[rows] = part.values
            done += len(part.paths)
            shown.update(len(part.paths))
    return features


def _json(pictures: Pictures, table: dict[str, np.ndarray]) -> str:
    counts = Counter(pictures.labels.tolist())
    return to_json(
        {
            "n_pictures": len(pictures),
            "class_counts": dict(counts.most_common()),
            "findings": [asdict(finding) for finding in findings_of(table)],
            "table": {name: values.tolist() for name, values in table.items()},
        }
    )


def _text(place: str, pictures: Pictures, table: dict[str, np.ndarray]) -> str:
    counts = Counter(pictures.labels.tolist()).most_common()
    (most, n_most), (least, n_least) = counts[0], counts[-1]
    groups = shot_groups([n for _, n in counts])
    sizes = ", ".join(f"{mask.sum()} {name}-shot" for name, mask in groups.items())
    lines = [
        f"{place}: {counted(len(pictures), 'picture')} of {counted(len(counts), 'class')} "
        f"({sizes})",
        f"most: {most}, {n_most:,}; fewest: {least}, {n_least:,}",
        "",
        as_text(findings_of(table)),
    ]
    return "\n".join(visible(line) for text in lines for line in text.split("\n"))
