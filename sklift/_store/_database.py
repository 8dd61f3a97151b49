"""SQLite files that several processes share, and whose failures stop no work."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from .._core._warn import warn
from ._private import check_regular_file, make_folder, warn_if_open

PATIENCE = 5.0  # seconds to wait for a lock; a process that holds it longer has stopped
_SUFFIXES = ("", "-journal", "-wal", "-shm")
# The last two: messages that quote bytes of a damaged file, and sizes that it claims.
_OF_SQLITE = (sqlite3.Error, UnicodeDecodeError, MemoryError)
_DAMAGED = ("SQLITE_CORRUPT", "SQLITE_NOTADB", "SQLITE_ERROR", "SQLITE_MISMATCH")


class Database:
    """A SQLite file in which each action happens completely or not at all.

    SQLite handles concurrent writers, and a crash in the middle of a write. After a failure there
    is one warning, and no other until an action succeeds again. A lock that another process does
    not release is waited for once.

    Parameters
    ----------
    path : Path
        The file, which is created at the first write.
    content : str
        The name of its content, for the warning.
    """

    def __init__(self, path: Path, content: str):
        self.path = path
        self.content = content
        self._failing: set[str] = set()  # "read", "write"
        self._held: set[str] = set()  # the same, where a lock was waited for in vain

    def read(self, action: Callable[[sqlite3.Connection], Any], default):
        """Return the result of ``action`` on the open database, or the default if it fails."""

        def look():
            if not self.path.exists():  # not created here: the folder may be read-only
                return default
            return self._transact(action, self._patience())

        return self._attempt("read", look, default)

    def write(self, action: Callable[[sqlite3.Connection], Any], *, durable: bool = True):
        """Return the result of ``action``, which writes while other writers wait; None if it fails.

        ``durable``: whether to wait until the changes are on the disk. If not, a power cut may
        damage the file (a crash of a process does not).
        """

        def change(db):
            if not durable:
                db.execute("PRAGMA synchronous = OFF")
            db.execute("BEGIN IMMEDIATE")
            return action(db)

        def make_and_change():
            make_folder(self.path.parent)
            return self._transact(change, self._patience())

        return self._attempt("write", make_and_change, None)

    def _transact(self, action, timeout: float):
        warn_if_open(self.path.parent)
        for suffix in _SUFFIXES:  # SQLite would follow a link
            check_regular_file(self.path.with_name(self.path.name + suffix))
        # A new connection for each action: a connection must not cross threads or forks.
        with closing(sqlite3.connect(self.path, timeout=timeout)) as db, db:
            db.execute("PRAGMA trusted_schema = OFF")  # no functions in a file of somebody else
            return action(db)

    def _patience(self) -> float:
        return 0.0 if self._held else PATIENCE

    def _attempt(self, way: str, action: Callable[[], Any], default):
        try:
            result = action()
        except (OSError, *_OF_SQLITE) as error:  # for instance a full disk; stored arrays remain
            self._held = self._held | {way} if _is_lock(error) else self._held - {way}
            if way not in self._failing:
                self._failing.add(way)
                warn(
                    f"the cache {str(self.path)!r} can't be used ({error}){_way_out(error)}; going "
                    f"on without keeping {self.content}"
                )
            return default
        self._failing.discard(way)
        self._held.discard(way)
        return result


def _way_out(error: Exception) -> str:
    if _is_lock(error):
        return ": another process holds its lock, and may have been stopped"
    if _name(error).startswith(_DAMAGED) or not isinstance(error, (OSError, sqlite3.Error)):
        return ": delete the file"
    return ": make room, or give another folder as cache"


def _is_lock(error: Exception) -> bool:
    return _name(error).startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _name(error: Exception) -> str:
    return getattr(error, "sqlite_errorname", None) or ""
