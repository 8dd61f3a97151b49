"""The store of measured speeds in a folder."""

from __future__ import annotations

import os
from math import isfinite
from pathlib import Path

from ._database import Database

_TABLE = "CREATE TABLE IF NOT EXISTS speeds (machine TEXT PRIMARY KEY, float32 REAL, bfloat16 REAL)"


class StoredSpeeds:
    """Speeds in float32 and bfloat16 by machine, in one file that several processes may share.

    The first speeds of a machine stay, so that all processes choose the same precision.

    Parameters
    ----------
    directory : str or path
        The folder, which is created when the first speeds are stored.

    Examples
    --------
    >>> import tempfile
    >>> from sklift._store._speeds import StoredSpeeds
    >>> speeds = StoredSpeeds(tempfile.mkdtemp())
    >>> speeds.add("mine", (2e9, 3e9)), speeds.add("mine", (2e9, 1e9))
    ((2000000000.0, 3000000000.0), (2000000000.0, 3000000000.0))
    """

    name = "speeds-1.sqlite"

    def __init__(self, directory: str | os.PathLike):
        self._database = Database(Path(directory).expanduser() / self.name, "measured speeds")

    def find(self, machine: str) -> tuple[float, float] | None:
        """Speeds of a machine; None if they are not known."""
        return self._database.read(lambda db: _find(db, machine), None)

    def add(self, machine: str, speeds: tuple[float, float]) -> tuple[float, float]:
        """Store speeds of a machine, and return those that the file has now."""
        stored = self._database.write(lambda db: _add(db, machine, speeds))
        return speeds if stored is None else stored


def _find(db, machine: str) -> tuple[float, float] | None:
    if db.execute("SELECT 1 FROM sqlite_master WHERE name = 'speeds'").fetchone() is None:
        return None  # another process has created the file, but no table yet
    query = "SELECT float32, bfloat16 FROM speeds WHERE machine = ?"
    row = db.execute(query, (machine,)).fetchone()
    return row if row is not None and all(map(_is_speed, row)) else None


def _add(db, machine: str, speeds: tuple[float, float]) -> tuple[float, float]:
    db.execute(_TABLE)
    if (known := _find(db, machine)) is not None:
        return known
    # REPLACE: damaged numbers may be there.
    db.execute("INSERT OR REPLACE INTO speeds VALUES (?, ?, ?)", (machine, *speeds))
    return speeds


def _is_speed(value) -> bool:
    return isinstance(value, float) and isfinite(value) and value > 0
