"""Files of the same content that are in different classes, or in different parts of a split."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Sequence
from hashlib import blake2b, file_digest
from pathlib import Path

from .._compute._threads import map_items
from ..images._decode import read
from ._split import ORDER, part_of

_START = 1 << 12  # bytes that are compared before the whole is


def copies_among(
    paths: Sequence[str], labels: Sequence[str], parts: Sequence[str], root: Path
) -> dict[str, str]:
    """Paths of pictures that are also in another class or part of a split, with the reason.

    Of a picture in several classes all are left out; of one in several parts, all but those in the
    part that must be clean, which is test before val before train.
    """
    marks = [(label, part_of(part)) for label, part in zip(labels, parts, strict=True)]
    copies = {}
    for group in find_copies(paths, marks):
        several = len({marks[i][0] for i in group}) > 1
        last = max((marks[i][1] for i in group), key=_rank)
        for i in group:
            if several:
                kind, others = "class", [k for k in group if marks[k][0] != marks[i][0]]
            elif marks[i][1] != last:
                kind, others = "part", [k for k in group if marks[k][1] == last]
            else:
                continue
            copies[paths[i]] = (
                f"a copy in another {kind}: {os.path.relpath(paths[others[0]], root)}"
            )
    return copies


def find_copies(paths: Sequence[str], places: Sequence[Hashable]) -> list[list[int]]:
    """Groups of files of equal content that lie in different places, by index.

    Only files of the same size in different places are read. A picture of a single colour is no
    copy of another: they are alike without that.

    Parameters
    ----------
    paths : sequence of str
        The files.
    places : sequence of hashable
        The class, and part of the split, of each.
    """
    groups = [list(range(len(paths)))]
    for value in (_size, _start, _whole):  # each of what was equal so far
        members = [i for group in groups for i in group]
        values = dict(zip(members, map_items(value, [paths[i] for i in members]), strict=True))
        groups = [part for group in groups for part in _parts(group, values, places)]
    return [group for group in groups if not _is_blank(paths[group[0]])]


def _parts(group: list[int], values: dict, places: Sequence[Hashable]) -> list[list[int]]:
    """What is of one value, and in more than one place."""
    parts = defaultdict(list)
    for i in group:
        parts[values[i]].append(i)
    return [part for part in parts.values() if len({places[i] for i in part}) > 1]


def _size(path: str) -> int | str:
    try:
        return os.path.getsize(path)
    except OSError:  # told where it is read
        return path


def _start(path: str) -> bytes | str:
    return _digest(path, _START)


def _whole(path: str) -> bytes | str:
    return _digest(path, -1)


def _digest(path: str, n_bytes: int) -> bytes | str:
    try:
        with open(path, "rb") as file:
            if n_bytes < 0:
                return file_digest(file, lambda: blake2b(digest_size=16)).digest()
            return blake2b(file.read(n_bytes), digest_size=16).digest()
    except OSError:
        return path


def _is_blank(path: str) -> bool:
    try:
        pixels = read(path)
    except (OSError, ValueError):
        return False
    return bool((pixels == pixels[0, 0]).all())


def _rank(part: str) -> tuple[int, str]:
    """Parts by what they must be clean for: test most of all."""
    return (ORDER.index(part) if part in ORDER[:3] else -1), part
