"""The store of arrays in a folder, which several processes share."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np

from ._array_files import ArrayFiles
from ._database import Database

_NUMBERS = re.compile(r"[|<>][biufc][0-9]{1,2}")  # types of one number
_N_FILES = 16  # number of files at the bound, where the oldest one is deleted
_TABLES = (
    "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, length INTEGER)",
    "CREATE TABLE IF NOT EXISTS arrays"
    " (key BLOB PRIMARY KEY, file TEXT, start INTEGER, dtype TEXT, shape TEXT)",
)


class StoredArrays:
    """Arrays of any shape by key, in a few large files that are mapped into memory.

    A SQLite database records the file and the position of each array. A process that adds arrays
    locks the database, writes behind the recorded end of a file, flushes the data to the disk, and
    only then records them. So recorded arrays are complete and never change, and data that a crash
    left behind the recorded end are overwritten.

    At the bound, the oldest file that this process has not used is deleted. If it has used all
    files, nothing more is stored: every epoch uses the arrays again, so that each new array would
    replace one that is needed sooner.

    Parameters
    ----------
    directory : str or Path
        The folder, which is created if necessary.
    prefix : str
        The beginning of the file names, for instance ``"tokens-1"``.
    max_bytes : int, default=2**34
        The largest total size of the files.
    """

    outlives_process = True

    def __init__(self, directory: str | os.PathLike, prefix: str, max_bytes: int = 1 << 34):
        self.directory = Path(directory)
        self.prefix = prefix
        self.max_bytes = max_bytes
        path = self.directory / f"{prefix}.sqlite"
        self._database = Database(path, prefix.partition("-")[0])
        self._files = ArrayFiles(self.directory, prefix)

    def __reduce__(self):
        return stored_arrays, (self.directory, self.prefix, self.max_bytes)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, np.ndarray]:
        """Dict of the stored arrays among ``keys``; read-only views of the files, not copies."""
        return self._database.read(lambda db: self._find(db, keys), {})

    def add(self, arrays: Mapping[bytes, np.ndarray], make_room: bool = True) -> None:
        """Store arrays, if there is room. ``make_room``: whether an old file may be deleted."""
        self._database.write(lambda db: self._add(db, arrays, make_room), durable=False)

    def _find(self, db, keys) -> dict[bytes, np.ndarray]:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'arrays'").fetchone() is None:
            return {}  # another process has created the file, but no table yet
        query = "SELECT file, start, dtype, shape FROM arrays WHERE key = ?"
        rows = {key: db.execute(query, (key,)).fetchone() for key in dict.fromkeys(keys)}
        arrays = {key: self._read(*row) for key, row in rows.items() if row}
        return {key: array for key, array in arrays.items() if array is not None}

    def _read(self, file: str, start: int, dtype: str, shape: str) -> np.ndarray | None:
        try:
            if not _NUMBERS.fullmatch(dtype):  # NumPy reads more into a text than one type
                return None
            return self._files.read(file, start, np.dtype(dtype), tuple(map(int, shape.split())))
        # a damaged row describes no array of numbers
        except (AttributeError, OverflowError, TypeError, ValueError):
            return None

    def _add(self, db, arrays, make_room: bool) -> None:
        for table in _TABLES:
            db.execute(table)
        lengths = self._lengths(db)
        known = {key for key, found in self._find(db, arrays).items() if _alike(found, arrays[key])}
        file = next(reversed(lengths), None)
        if file is not None and not self._files.is_complete(file, lengths[file]):
            file = None
        most, rows = self.max_bytes // _N_FILES, []
        for key, array in arrays.items():
            if key in known or array.nbytes > most:
                continue
            if file is None or lengths[file] + array.nbytes > most:
                if len(lengths) >= _N_FILES and not (make_room and self._drop(db, lengths)):
                    break
                file = self._files.new(lengths)
                lengths[file] = 0
            self._files.used.add(file)
            shape = " ".join(map(str, array.shape))
            rows.append((key, file, lengths[file], array.dtype.str, shape))
            lengths[file] += array.nbytes
        for file, part in groupby(rows, key=lambda row: row[1]):
            part = list(part)
            self._files.write(file, part[0][2], (arrays[key] for key, *_ in part))
            db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file, lengths[file]))
            db.executemany("INSERT OR REPLACE INTO arrays VALUES (?, ?, ?, ?, ?)", part)

    def _lengths(self, db) -> dict[str, int]:
        """Recorded lengths by file, the oldest first; rows with invalid names are deleted."""
        rows = db.execute("SELECT name, length FROM files ORDER BY rowid").fetchall()
        for name, length in rows:
            if not (self._files.is_name(name) and isinstance(length, int) and length >= 0):
                db.execute("DELETE FROM files WHERE name IS ?", (name,))
                db.execute("DELETE FROM arrays WHERE file IS ?", (name,))
        return dict(db.execute("SELECT name, length FROM files ORDER BY rowid"))

    def _drop(self, db, lengths: dict[str, int]) -> bool:
        """Delete the records of the oldest file that this process has not used, if there is one."""
        unused = [name for name in lengths if name not in self._files.used]
        for name in unused[:1]:
            del lengths[name]
            db.execute("DELETE FROM files WHERE name = ?", (name,))
            db.execute("DELETE FROM arrays WHERE file = ?", (name,))
        return bool(unused)


def _alike(one: np.ndarray, other: np.ndarray) -> bool:
    return (one.shape, one.dtype) == (other.shape, other.dtype)


@lru_cache(maxsize=64)
def stored_arrays(directory: Path, prefix: str, max_bytes: int) -> StoredArrays:
    """The store of a folder, one object for all fits of the process."""
    return StoredArrays(directory, prefix, max_bytes)
