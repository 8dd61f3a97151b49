"""Large files that hold many arrays and are mapped into memory for reading."""

from __future__ import annotations

import contextlib
import mmap
import os
import re
import secrets
from collections.abc import Container, Iterable
from math import prod
from pathlib import Path

import numpy as np

from ._private import open_file, size_of


class ArrayFiles:
    """Array files in a folder, whose names begin with the same prefix.

    Names are checked before use. They come from a database that somebody else may have written, and
    no name may lead out of the folder.

    Attributes
    ----------
    used : set of str
        Names of the files that this process has read or written.
    """

    def __init__(self, directory: Path, prefix: str):
        self.directory = directory
        self.prefix = prefix
        self.used: set[str] = set()
        self._mapped: dict[str, mmap.mmap] = {}
        self._name = re.compile(rf"{re.escape(prefix)}-[0-9]+\.bin")

    def is_name(self, name) -> bool:
        """Return whether ``name`` is a file name with this prefix, not a path to another file."""
        return isinstance(name, str) and self._name.fullmatch(name) is not None

    def new(self, known: Container[str]) -> str:
        """A name for a new file. Files that are not ``known`` were left by a crash: remove them."""
        self._mapped = {name: content for name, content in self._mapped.items() if name in known}
        for path in self.directory.glob(f"{self.prefix}-*.bin"):
            if self.is_name(path.name) and path.name not in known:
                with contextlib.suppress(OSError):  # Windows can't remove a mapped file
                    path.unlink()
        return f"{self.prefix}-{secrets.randbelow(10**16):016d}.bin"

    def is_complete(self, name: str, length: int) -> bool:
        """Return whether the file has at least ``length`` bytes."""
        return self.is_name(name) and size_of(self.directory / name) >= length

    def write(self, name: str, start: int, arrays: Iterable[np.ndarray]) -> None:
        """Write arrays from position ``start`` on, and flush them to the disk."""
        if not self.is_name(name):
            raise OSError(f"{name!r} is no file of the cache")
        # A new file must start at 0: elsewhere it would begin with a hole.
        with open_file(self.directory / name, "r+b" if start else "xb") as file:
            file.seek(start)
            for array in arrays:
                file.write(np.ascontiguousarray(array))
            file.flush()
            os.fsync(file.fileno())

    def read(
        self, name: str, start: int, dtype: np.dtype, shape: tuple[int, ...]
    ) -> np.ndarray | None:
        """A read-only view of an array in the file, not a copy; None if the file lacks it."""
        n_values = prod(shape)
        # For a negative number of values, NumPy would read all that there are.
        if n_values < 0 or not self.is_name(name):
            return None
        end = start + n_values * dtype.itemsize
        content = self._mapped.get(name, b"")
        if len(content) < end:  # new to this process, or longer than it was
            try:
                with open_file(self.directory / name, "rb") as file:
                    content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):  # removed since, or empty
                return None
            self._mapped[name] = content
        if len(content) < end:
            return None
        self.used.add(name)
        return np.frombuffer(content, dtype, n_values, start).reshape(shape)
