"""The store of features in a folder."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from ._database import Database

_TABLES = (
    "CREATE TABLE IF NOT EXISTS features (key BLOB UNIQUE NOT NULL, vector BLOB)",
    # the sum of their lengths, so that adding a vector need not read all others
    "CREATE TABLE IF NOT EXISTS total (n_bytes INTEGER)",
)


class StoredFeatures:
    """Vectors of float32 by key, in one file that several processes may share.

    At the bound, the oldest vectors are deleted.

    Parameters
    ----------
    directory : str or path
        The folder, which is created when the first vector is stored.
    max_bytes : int, default=2**33
        The largest total size of the vectors.
    """

    name = "features-1.sqlite"
    outlives_process = True

    def __init__(self, directory: str | os.PathLike, max_bytes: int = 1 << 33):
        self.path = Path(directory).expanduser() / self.name
        self.max_bytes = max_bytes
        self._database = Database(self.path, "features")

    def find(self, keys: Iterable[bytes]) -> dict[bytes, np.ndarray]:
        """Dict of the stored vectors among ``keys``."""
        return self._database.read(lambda db: _find(db, keys), {})

    def add(self, arrays: Mapping[bytes, np.ndarray], make_room: bool = True) -> None:
        """Store vectors, if there is room. ``make_room``: whether old ones may be deleted."""
        self._database.write(lambda db: self._add(db, arrays, make_room))

    def _add(self, db, arrays, make_room: bool) -> None:
        for table in _TABLES:
            db.execute(table)
        lengths = {key: vector.nbytes for key, vector in _find(db, arrays).items()}
        rows = [(k, np.asarray(v, np.float32).tobytes()) for k, v in arrays.items()]
        rows = [(key, vector) for key, vector in rows if lengths.get(key) != len(vector)]
        n_bytes = _total(db) + sum(len(vector) for _, vector in rows)
        if n_bytes > self.max_bytes and not make_room:
            return
        # REPLACE: a damaged vector may be there.
        db.executemany("INSERT OR REPLACE INTO features VALUES (?, ?)", rows)
        if n_bytes > self.max_bytes:
            n_bytes -= _drop(db, n_bytes - self.max_bytes)
        known_sum = n_bytes <= self.max_bytes  # else the sum was wrong: count again next time
        db.execute("UPDATE total SET n_bytes = ?", (n_bytes if known_sum else None,))


def _find(db, keys: Iterable[bytes]) -> dict[bytes, np.ndarray]:
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'features'").fetchone() is None:
        return {}  # another process has created the file, but no table yet
    query = "SELECT vector FROM features WHERE key = ?"
    rows = {key: db.execute(query, (key,)).fetchone() for key in dict.fromkeys(keys)}
    whole = {key: row[0] for key, row in rows.items() if row and _is_vector(row[0])}
    return {key: np.frombuffer(vector, np.float32) for key, vector in whole.items()}


def _is_vector(value) -> bool:
    return isinstance(value, bytes) and len(value) > 0 and len(value) % 4 == 0


def _total(db) -> int:
    """The total size of the vectors in bytes; counted where no sum is stored yet."""
    row = db.execute("SELECT n_bytes FROM total WHERE typeof(n_bytes) = 'integer'").fetchone()
    if row is not None and row[0] >= 0:
        return row[0]
    (n_bytes,) = db.execute("SELECT COALESCE(SUM(LENGTH(vector)), 0) FROM features").fetchone()
    db.execute("DELETE FROM total")
    db.execute("INSERT INTO total VALUES (?)", (n_bytes,))
    return n_bytes


def _drop(db, surplus: int) -> int:
    """Delete the oldest vectors, ``surplus`` bytes or more; return the number of bytes."""
    dropped = 0
    for row, n_bytes in db.execute("SELECT rowid, LENGTH(vector) FROM features ORDER BY rowid"):
        dropped += n_bytes or 0
        if dropped >= surplus:
            db.execute("DELETE FROM features WHERE rowid <= ?", (row,))
            return dropped
    return 0  # the sum was wrong: delete nothing
