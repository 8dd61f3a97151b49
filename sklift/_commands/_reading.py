"""Computation over many files, a part at a time, without those that can't be read."""

from __future__ import annotations

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

FIRST, MOST = 64, 2048  # pictures of a part; it grows as long as a part takes less than
SECONDS = 2.0


class Part(NamedTuple):
    """Some of the pictures, and what was computed of them.

    Parameters
    ----------
    paths : list of str
        The pictures.
    values : ndarray of shape (n_readable, n)
        A row for each that could be read.
    unreadable : dict of str to str
        The others, with the reason.
    """

    paths: list[str]
    values: np.ndarray
    unreadable: dict[str, str]

    @property
    def readable(self) -> list[str]:
        """The pictures that could be read."""
        return [path for path in self.paths if path not in self.unreadable]


def in_parts(
    compute: Callable[[list[str]], np.ndarray], paths: Sequence[str], reader
) -> Iterator[Part]:
    """Compute rows of files, part by part: memory is bounded, and what is done can be kept.

    Parameters
    ----------
    compute : callable
        A function from a list of paths to an array with a row for each, such as
        ``clf.predict_proba``.
    paths : sequence of str
        The files.
    reader : Reader
        How they are read; it finds those that ``compute`` failed for.

    Yields
    ------
    part : Part
        Of 64 pictures at first, and of more where these take no time.
    """
    start, size = 0, FIRST
    while start < len(paths):
        before = time.perf_counter()
        some = [str(path) for path in paths[start : start + size]]
        yield _compute(compute, some, reader)
        start += size
        if time.perf_counter() - before < SECONDS:
            size = min(2 * size, MOST)


def why_unreadable(path: str, reader) -> str | None:
    """Why a file can't be read as a picture; None where it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            reader.build([path], must_exist=False)[0]
    except Exception as error:  # whatever it is, it is the file's
        if isinstance(error, FileNotFoundError):
            return "there is no such file"
        return str(error).removeprefix(f"{path}: ")
    return None


def _compute(compute: Callable, paths: list[str], reader) -> Part:
    try:
        return Part(paths, compute(paths), {})
    except (ValueError, OSError):
        unreadable = {p: why for p in paths if (why := why_unreadable(p, reader)) is not None}
        if not unreadable:
            raise  # of another reason
    good = [path for path in paths if path not in unreadable]
    return Part(paths, compute(good) if good else np.empty((0, 0)), unreadable)
