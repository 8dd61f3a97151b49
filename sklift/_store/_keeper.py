"""Arrays on their way to a store."""

from __future__ import annotations

import time

import numpy as np


class Keeper:
    """Rows on their way to a store, which takes a small part of the time, however slow its disk.

    Parameters
    ----------
    store : store
        Where they are kept.
    """

    def __init__(self, store):
        self.store = store
        self._waiting: dict[bytes, np.ndarray] = {}
        self._due = 0.0

    def add(self, key: bytes, row: np.ndarray) -> None:
        """Take a row."""
        self._waiting[key] = row

    def keep_if_due(self) -> None:
        """Keep all, unless the last time was just now."""
        if time.monotonic() >= self._due:
            self.keep()

    def keep(self) -> None:
        """Keep all."""
        if not self._waiting:
            return
        start = time.monotonic()
        rows, self._waiting = self._waiting, {}
        self.store.add(rows)
        end = time.monotonic()
        self._due = end + 10 * (end - start)
