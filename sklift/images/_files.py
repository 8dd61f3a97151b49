"""Sequence of picture files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import lru_cache, partial
from hashlib import blake2b, file_digest

import numpy as np

from .._compute._threads import map_items
from .._core._text import counted, visible
from ._decode import Header, check_file, factor_for, read, read_reduced
from ._look import Look, look_at_file
from ._read_errors import first_of, read_errors
from ._reading import PLAIN, Reading
from ._sources import ImageSource, marked


class FileSource(ImageSource):
    """Picture files. Missing files are an error at once, damaged ones when they are read."""

    reads_files = True

    def __init__(self, paths, must_exist: bool = True, reading: Reading = PLAIN):
        self.reading = reading
        self.paths = [str(os.fspath(path)) for path in paths]
        if must_exist:
            self._check_existing()

    def __len__(self) -> int:
        return len(self.paths)

    def _check_existing(self) -> None:
        """Raise an error if files are missing; it names damaged ones too, so that one does."""
        there = {i: os.path.exists(path) for i, path in enumerate(self.paths)}
        missing = [self.paths[i] for i, exists in there.items() if not exists]
        if not missing:
            return
        first = ", ".join(map(visible, missing[:3])) + (", ..." if len(missing) > 3 else "")
        message = (
            f"{len(missing)} of the {counted(len(self.paths), 'file')} in X don't exist: {first}"
        )
        others = read_errors(self.check_header, [i for i, exists in there.items() if exists])
        if others:
            message += f"; {len(others)} others can't be read: {first_of(list(others.values()))}"
        way_out = "correct the paths, or pass over such files with reader__on_error='skip'"
        raise FileNotFoundError(f"{message}; {way_out}")

    def __getitem__(self, i: int) -> np.ndarray:
        factor = self.factor(i)
        if factor == 1:
            return read(self.paths[i], self.reading)
        return read_reduced(self.paths[i], factor, self.reading)

    def factor(self, i: int) -> int:
        """Divisor of the sides of a picture in decoding: 1, 2, 4 or 8."""
        if self.least is None:
            return 1
        return factor_for(_header_of(self.reading, *self._stamp(i)).size, self.least)

    def n_pixels(self, i: int) -> int:
        """As many as the header says, of the reduced image."""
        try:
            width, height = _header_of(self.reading, *self._stamp(i)).size
            return height * width // self.factor(i) ** 2
        except (OSError, ValueError):  # it is refused where it is decoded
            return 0

    def fetch(self, indices: Sequence[int]) -> list[np.ndarray]:
        """Return several pictures, decoded by several threads."""
        return map_items(self.__getitem__, indices)

    def check_header(self, i: int) -> None:
        """Look at the first bytes of the file."""
        _header_of(self.reading, *self._stamp(i))

    def n_frames(self, i: int) -> int:
        """Number of frames that the file has."""
        return _header_of(self.reading, *self._stamp(i)).n_frames

    def decoder(self, i: int) -> str:
        """The format that reads the file, with its versions."""
        return _header_of(self.reading, *self._stamp(i)).decoder

    def look(self, i: int) -> Look:
        """Look at the header of the file, and at its pixels where that tells more."""
        return _look_of(self.reading, *self._stamp(i))

    def key(self, i: int) -> tuple:
        """Path, size and times of change, and how it is read."""
        return (*self._stamp(i), self.reading.mark())

    def _stamp(self, i: int) -> tuple:
        """Path, size and times of change: the second one can't be set to what it was."""
        path = os.path.abspath(self.paths[i])
        stat = os.stat(path)
        return path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns

    def fingerprint(self, i: int) -> bytes:
        """That of the file, which need not be decoded."""
        return marked(self.original_fingerprint(i), self.reading)

    def original_fingerprint(self, i: int) -> bytes:
        """That of the file."""
        return _file_fingerprint(*self._stamp(i))

    def identity(self) -> str:
        """Identity by path, size and time of change: reading all files would take long.

        The change time of the inode, which differs for each copy of a file, does not count.
        """
        digest = blake2b(self.reading.mark(), digest_size=16)
        for i, path in enumerate(self.paths):
            digest.update(os.fsencode(path) + f"\0{self.key(i)[1:3]}\0".encode())
        return digest.hexdigest()


@lru_cache(maxsize=1 << 18)
def _header_of(reading: Reading, path: str, *size_and_times: int) -> Header:
    """Check a file, once as long as it is the same and good: a search fits on it many times."""
    return check_file(path, reading)


@lru_cache(maxsize=1 << 12)
def _look_of(reading: Reading, path: str, *size_and_times: int) -> Look:
    """Look at a file, once as long as it is the same and good."""
    return look_at_file(path, reading)


@lru_cache(maxsize=1 << 18)
def _file_fingerprint(path: str, *size_and_times: int) -> bytes:
    """Fingerprint of the content of a file, which is read once while it stays unchanged."""
    with open(path, "rb") as file:
        return file_digest(file, partial(blake2b, digest_size=16)).digest()
