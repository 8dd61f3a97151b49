"""Files of the same content that are in different classes, or in different parts of a split."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from hashlib import blake2b, file_digest

from ..images._decode import read

_START = 1 << 16  # bytes that are compared before the whole is


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
    for value in (os.path.getsize, _start, _whole):
        groups = [part for group in groups for part in _parts(group, paths, places, value)]
    return [group for group in groups if not _is_blank(paths[group[0]])]


def _parts(group: list[int], paths, places, value) -> Iterable[list[int]]:
    """What is equal in a value, and in more than one place."""
    parts = defaultdict(list)
    for i in group:
        try:
            parts[value(paths[i])].append(i)
        except OSError:  # told where it is read
            continue
    return [part for part in parts.values() if len({places[i] for i in part}) > 1]


def _start(path: str) -> bytes:
    with open(path, "rb") as file:
        return file.read(_START)


def _whole(path: str) -> bytes:
    with open(path, "rb") as file:
        return file_digest(file, lambda: blake2b(digest_size=16)).digest()


def _is_blank(path: str) -> bool:
    try:
        pixels = read(path)
    except (OSError, ValueError):
        return False
    return bool((pixels == pixels[0, 0]).all())
