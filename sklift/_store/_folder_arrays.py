"""Arrays in a folder, which processes share and which outlives them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import groupby
from pathlib import Path

import numpy as np

from ._array_files import ArrayFiles
from ._database import Database

_N_FILES = 16  # that the arrays are spread over: what goes at the bound is one of them
_TABLES = (
    "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, length INTEGER)",
    "CREATE TABLE IF NOT EXISTS arrays"
    " (key BLOB PRIMARY KEY, file TEXT, start INTEGER, dtype TEXT, shape TEXT)",
)


class StoredArrays:
    """Arrays of any shape by key, in a few large files that are mapped.

    A SQLite database says in which file an array lies, and where. Whoever adds some holds the
    database alone meanwhile: writes behind the length that it tells, flushes that to the disk, and
    only then records it. What is known is thus whole and never changes, and what a crash left
    behind the end of a file is written over.

    At the bound, the oldest file that this process has not used goes. Where it has used all,
    nothing more is kept: of arrays that come round again, each would push out one that is needed
    sooner.

    Parameters
    ----------
    directory : str or Path
        The folder; made where it is not there.
    kind : str
        What the names of its files begin with, ``"tokens-1"`` for instance.
    max_bytes : int, default=2**34
        The most that the arrays take on the disk.
    """

    outlives_process = True

    def __init__(self, directory: str | os.PathLike, kind: str, max_bytes: int = 1 << 34):
        self.directory = Path(directory)
        self.kind = kind
        self.max_bytes = max_bytes
        path = self.directory / f"{kind}.sqlite"
        self._database = Database(path, kind.partition("-")[0])
        self._files = ArrayFiles(self.directory, kind)

    def __reduce__(self):
        return stored_arrays, (self.directory, self.kind, self.max_bytes)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, np.ndarray]:
        """The known ones among ``keys``, read-only: parts of the files, no copies."""
        return self._database.read(lambda db: self._find(db, keys), {})

    def add(self, arrays: Mapping[bytes, np.ndarray], make_room: bool = True) -> None:
        """Keep these as well, if there is room, or room can be made."""
        self._database.write(lambda db: self._add(db, arrays, make_room), durable=False)

    def _find(self, db, keys) -> dict[bytes, np.ndarray]:
        if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'arrays'").fetchone() is None:
            return {}  # whoever made the file has not come further
        query = "SELECT file, start, dtype, shape FROM arrays WHERE key = ?"
        rows = {key: db.execute(query, (key,)).fetchone() for key in dict.fromkeys(keys)}
        arrays = {key: self._read(*row) for key, row in rows.items() if row}
        return {key: array for key, array in arrays.items() if array is not None}

    def _read(self, file: str, start: int, dtype: str, shape: str) -> np.ndarray | None:
        try:
            return self._files.read(file, start, np.dtype(dtype), tuple(map(int, shape.split())))
        # a damaged row describes no array of numbers
        except (AttributeError, OverflowError, TypeError, ValueError):
            return None

    def _add(self, db, arrays, make_room: bool) -> None:
        for table in _TABLES:
            db.execute(table)
        lengths = self._lengths(db)
        known = self._find(db, arrays)
        file = next(reversed(lengths), None)
        if file is not None and not self._files.is_whole(file, lengths[file]):
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
        """The recorded files, the oldest first; rows that name no file of ours are forgotten."""
        rows = db.execute("SELECT name, length FROM files ORDER BY rowid").fetchall()
        for name, length in rows:
            if not (self._files.is_name(name) and isinstance(length, int) and length >= 0):
                db.execute("DELETE FROM files WHERE name IS ?", (name,))
                db.execute("DELETE FROM arrays WHERE file IS ?", (name,))
        return dict(db.execute("SELECT name, length FROM files ORDER BY rowid"))

    def _drop(self, db, lengths: dict[str, int]) -> bool:
        """Forget the oldest file that this process has not used, if there is one."""
        unused = [name for name in lengths if name not in self._files.used]
        for name in unused[:1]:
            del lengths[name]
            db.execute("DELETE FROM files WHERE name = ?", (name,))
            db.execute("DELETE FROM arrays WHERE file = ?", (name,))
        return bool(unused)


@lru_cache(maxsize=64)
def stored_arrays(directory: Path, kind: str, max_bytes: int) -> StoredArrays:
    """Those of a folder, one object for all fits of the process."""
    return StoredArrays(directory, kind, max_bytes)
