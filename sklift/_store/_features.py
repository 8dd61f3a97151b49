"""Features that were computed before, found again by the content of the picture."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from pathlib import Path
from threading import Lock

import numpy as np

from .._core._warn import warn
from ._database import transact


class MemoryFeatures:
    """Vectors by key, in memory up to a bound; those that were used longest ago go first."""

    def __init__(self, max_bytes: int = 1 << 28):
        self.max_bytes = max_bytes
        self.n_bytes = 0
        self._vectors: OrderedDict[bytes, np.ndarray] = OrderedDict()
        self._lock = Lock()

    def find(self, keys: Iterable[bytes]) -> dict[bytes, np.ndarray]:
        """The known ones among ``keys``."""
        with self._lock:
            known = [key for key in dict.fromkeys(keys) if key in self._vectors]
            for key in known:
                self._vectors.move_to_end(key)
            return {key: self._vectors[key] for key in known}

    def add(self, vectors: Mapping[bytes, np.ndarray]) -> None:
        """Keep these as well."""
        with self._lock:
            for key, vector in vectors.items():
                if key not in self._vectors:
                    self._vectors[key] = np.array(vector)  # a row would keep its whole table alive
                    self.n_bytes += vector.nbytes
            while self.n_bytes > self.max_bytes:
                self.n_bytes -= self._vectors.popitem(last=False)[1].nbytes


class StoredFeatures:
    """Vectors of float32 by key, in one file of a folder that several processes may share.

    The file is a SQLite database, which takes care of concurrent writers and of a crash in the
    middle of a write. At its bound the oldest vectors go.
    """

    name = "features-1.sqlite"

    def __init__(self, directory: str | os.PathLike, max_bytes: int = 1 << 33):
        self.path = Path(directory).expanduser() / self.name
        self.max_bytes = max_bytes
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._run(
            lambda db: db.execute(
                "CREATE TABLE IF NOT EXISTS features (key BLOB UNIQUE NOT NULL, vector BLOB)"
            )
        )

    def find(self, keys: Iterable[bytes]) -> dict[bytes, np.ndarray]:
        """The known ones among ``keys``."""
        query = "SELECT vector FROM features WHERE key = ?"

        def look_up(db):
            rows = {key: db.execute(query, (key,)).fetchone() for key in dict.fromkeys(keys)}
            whole = {k: row[0] for k, row in rows.items() if row and len(row[0]) % 4 == 0}
            return {k: np.frombuffer(vector, np.float32) for k, vector in whole.items()}

        return self._run(look_up)

    def add(self, vectors: Mapping[bytes, np.ndarray]) -> None:
        """Keep these as well."""
        rows = [(key, np.asarray(v, np.float32).tobytes()) for key, v in vectors.items()]

        def insert(db):
            db.executemany("INSERT OR IGNORE INTO features VALUES (?, ?)", rows)
            n, mean = db.execute("SELECT COUNT(*), AVG(LENGTH(vector)) FROM features").fetchone()
            surplus = n - int(self.max_bytes // mean) if n else 0
            if surplus > 0:
                oldest = "SELECT rowid FROM features ORDER BY rowid LIMIT ?"
                db.execute(f"DELETE FROM features WHERE rowid IN ({oldest})", (surplus,))

        try:
            self._run(insert)
        except ValueError as error:  # a full disk, for instance: what is known already stays
            warn(f"{error}; going on without keeping features")

    def _run(self, action):
        return transact(self.path, action)
