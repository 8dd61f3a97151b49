"""Pictures that a list names, found in a folder."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from .._core._text import visible
from ..images._endings import readable_endings
from ._collection import collection
from ._files import images_below, warn_of_left_out
from ._text_files import below

_NO_LABEL = (
    "", "NA", "N/A", "n/a", "#N/A", "#NA", "NaN", "nan", "-nan", "-NaN", "NaT", "<NA>", "NULL",
    "null",
)  # fmt: skip


class Row(NamedTuple):
    """A picture of a list.

    Parameters
    ----------
    name : str
        Its path below the root.
    label, part, group : str or None
        Its class, part of a split and group, where the list has them.
    where : str
        Place in the list, for errors.
    reason : str or None
        Why it is to be left out.
    """

    name: str
    label: str | None
    part: str | None
    group: str | None
    where: str
    reason: str | None = None


class Folder:
    """Files below a root, found by what a list calls them."""

    def __init__(self, root: Path):
        self.root = root

    def find(self, name: str, where: str) -> tuple[str, str | None]:
        """The path of a picture, and why it can't be taken, or None.

        A list may leave out endings, or the folders in front, as long as one file only is meant.
        """
        path = below(self.root, name, where)
        if os.path.isfile(path):
            return path, None
        wanted = Path(os.path.relpath(path, self.root)).parts
        found = [
            one
            for one in self._by_name[wanted[-1] if wanted else ""]
            if _ends_with(Path(os.path.relpath(one, self.root)), wanted)
        ]
        if len(found) == 1:
            return found[0], None
        some = ", ".join(os.path.relpath(one, self.root) for one in found[:3])
        return path, f"several files of that name: {some}" if found else "no file"

    @cached_property
    def _by_name(self) -> dict[str, list[str]]:
        by_name = defaultdict(list)
        for path in images_below(self.root, readable_endings())[0]:
            name = os.path.basename(path)
            by_name[name].append(path)
            by_name[os.path.splitext(name)[0]].append(path)
        return by_name


def collect_rows(rows: Iterable[Row], root: Path, source: Path, *, return_X_y: bool) -> Any:
    """What a loader returns for the rows of a list.

    Parameters
    ----------
    rows : iterable of Row
        A picture that is there more than once counts once, or not at all if the rows disagree.
    root : Path
        The folder that holds all of the pictures.
    source : Path
        The list.
    return_X_y : bool
        Return ``(data, target)``.
    """
    folder = Folder(root)
    left_out: dict[str, str] = {}
    by_path: dict[str, list[Row]] = {}
    for row in rows:
        path, reason = folder.find(row.name, row.where) if row.name else (row.where, "no path")
        if row.reason or reason:
            left_out[path] = row.reason or reason or ""
        else:
            by_path.setdefault(path, []).append(row)
    kept: dict[str, Row] = {}
    for path, some in by_path.items():
        if reason := _disagreement(some):
            left_out[path] = reason
        else:
            kept[path] = some[0]
    if not kept:
        _refuse(left_out, root, source)
    warn_of_left_out(left_out, root, chosen=False)
    first = next(iter(kept.values()))
    return collection(
        np.array(list(kept)),
        None if first.label is None else np.array([row.label for row in kept.values()]),
        split=None if first.part is None else [row.part for row in kept.values()],
        groups=None if first.group is None else [row.group for row in kept.values()],
        left_out=left_out,
        where=f"listed in {source}",
        return_X_y=return_X_y,
    )


def _disagreement(rows: list[Row]) -> str | None:
    """Why the rows of one picture leave it out."""
    labels = sorted({row.label for row in rows if row.label is not None})
    if any(label in _NO_LABEL for label in labels):
        return "no label"
    if len(labels) > 1:
        return f"several labels: {', '.join(labels)}"
    parts = sorted({row.part for row in rows if row.part is not None})
    if any(part in _NO_LABEL for part in parts):
        return "no part of the split"
    if len(parts) > 1:
        return f"several parts of the split: {', '.join(parts)}"
    return None


def _refuse(left_out: dict[str, str], root: Path, source: Path) -> None:
    if not left_out:
        raise ValueError(f"{source} lists no pictures")
    path, reason = next(iter(left_out.items()))
    if all(why == "no file" for why in left_out.values()):
        raise FileNotFoundError(
            f"none of the {len(left_out)} pictures that {source} lists is below {visible(root)}; "
            f"the first would be {visible(path)}: root must be the folder that the listed paths "
            f"start from{'; addresses are to be given as X' if '://' in path else ''}"
        )
    raise ValueError(
        f"no picture of {source} is left: the first of {len(left_out)}, {visible(path)}, is left "
        f"out with {reason}"
    )


def _ends_with(path: Path, wanted: tuple[str, ...]) -> bool:
    """Whether a path ends with these parts, with or without its ending."""
    return any(
        parts[-len(wanted) :] == wanted for parts in (path.parts, path.with_suffix("").parts)
    )
