"""SQLite files that several processes share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path


def transact(path: Path, action: Callable, *, alone: bool = False, durable: bool = True):
    """What ``action`` of the open database returns; all that it changes is kept, or nothing.

    SQLite takes care of concurrent writers and of a crash in the middle of a write.

    Parameters
    ----------
    path : Path
        The file, which is created where it is not there.
    action : callable
        Takes the connection.
    alone : bool, default=False
        Whether other writers wait from the start rather than from the first change.
    durable : bool, default=True
        Whether to wait until changes are on the disk. If not, a power cut, but no crash of a
        process, may damage the file.

    Raises
    ------
    ValueError
        If the file is no database, or can't be read or written.
    """
    try:
        # a connection of its own for each action: it must not cross threads or forks
        with closing(sqlite3.connect(path, timeout=60)) as db, db:
            if not durable:
                db.execute("PRAGMA synchronous = OFF")
            if alone:
                db.execute("BEGIN IMMEDIATE")
            return action(db)
    except sqlite3.DatabaseError as error:
        raise ValueError(
            f"the cache {str(path)!r} can't be used ({error}); delete the file, or give "
            "another folder as cache"
        ) from error
