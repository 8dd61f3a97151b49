"""Bursts that a split tears apart: pictures of one moment, in training and in test."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np

from ._alone import DRAWN
from ._seen import Seen

SECONDS = 10.0  # between pictures of a burst
ALIKE = 0.6  # their correlation, which 1 in 1,000 pairs of other photographs has
NUMBERS = 3  # between the names of neighbours


def torn_bursts(
    seen: Sequence[Seen],
    of: Sequence[int],
    vectors: np.ndarray,
    close: Sequence[tuple[int, int]],
    parts: np.ndarray,
    paths: Sequence[str] | None,
) -> Iterator[tuple[int, int]]:
    """Pairs of pictures of one burst that are in different parts of a split.

    By their times, where the files have them: taken by one camera within seconds, and alike. Or by
    their names: photographs of neighbouring numbers that are very much alike.

    Parameters
    ----------
    seen : sequence of Seen
        What was seen of each picture.
    of : sequence of int
        The pictures that have vectors.
    vectors : ndarray of shape (n, n_features)
        Their unit vectors.
    close : sequence of (int, int)
        Pairs of pictures that are very much alike.
    parts : ndarray of shape (n_pictures,)
        The part of the split that each picture is in.
    paths : sequence of str or None
        Their files.
    """
    row = {i: k for k, i in enumerate(of)}
    timed = [(one.camera, one.seconds, i) for i in of if (one := seen[i].taken) is not None]
    timed.sort()
    for (camera, before, i), (other, after, j) in pairwise(timed):
        if camera != other or after - before > SECONDS or parts[i] == parts[j]:
            continue
        if vectors[row[i]] @ vectors[row[j]] > ALIKE:
            yield i, j
    if paths is None:
        return
    for i, j in close:
        photographs = seen[i].flat < DRAWN and seen[j].flat < DRAWN
        if parts[i] != parts[j] and photographs and _neighbours(paths[i], paths[j]):
            yield i, j


def _neighbours(path: str, other: str) -> bool:
    """Whether names differ by a number alone, and by little."""
    first, second = map(_numbered, (path, other))
    if first is None or second is None or first[0] != second[0]:
        return False
    return abs(first[1] - second[1]) <= NUMBERS


def _numbered(path: str) -> tuple[tuple[str, str], int] | None:
    """The texts around the last number in a name, and the number."""
    stem = os.path.splitext(os.path.basename(path))[0]
    found = re.fullmatch(r"(.*?)(\d{1,18})(\D*)", stem)
    return None if found is None else ((found[1], found[3]), int(found[2]))
