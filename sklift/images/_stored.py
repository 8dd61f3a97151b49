"""Decoded pictures in a folder, which processes share and which outlives them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cache, lru_cache
from hashlib import blake2b
from itertools import groupby
from pathlib import Path

import numpy as np
import PIL
from PIL import features

from sklift._database import transact
from sklift._warn import warn
from sklift.images._pixel_files import PixelFiles
from sklift.images._sources import ImageSource
from sklift.images._threads import map_items

MAX_BYTES = 1 << 34
_N_FILES = 16  # that the pixels are spread over: what goes at the bound is one of them
_TABLES = (
    "CREATE TABLE IF NOT EXISTS files (name TEXT PRIMARY KEY, length INTEGER)",
    "CREATE TABLE IF NOT EXISTS pictures"
    " (key BLOB PRIMARY KEY, file TEXT, start INTEGER, height INTEGER, width INTEGER)",
)


class StoredImages:
    """Pictures (height, width, 3) uint8 by content, in a few large files that are mapped.

    A SQLite database says in which file a picture lies, and where. Whoever adds some holds the
    database alone meanwhile: writes behind the length that it tells, flushes that to the disk, and
    only then records it. What is known is thus whole and never changes, and what a crash left
    behind the end of a file is written over.

    At the bound, the oldest file that this process has not used goes. Where it has used all,
    nothing more is kept: of pictures that come round again, each would push out one that is
    needed sooner.

    Parameters
    ----------
    directory : str or Path
        The folder; made where it is not there.
    max_bytes : int, default=2**34
        The most that the pixels take on the disk.
    """

    name = "pictures-1.sqlite"

    def __init__(self, directory: str | os.PathLike, max_bytes: int = MAX_BYTES):
        self.directory = Path(directory)
        self.max_bytes = max_bytes
        self._files = PixelFiles(self.directory)

    def __reduce__(self):
        return stored_images, (self.directory, self.max_bytes)

    def keys(self, source: ImageSource, indices: Iterable[int]) -> list[bytes]:
        """What tells files: what they hold, what decodes it, and how far it is reduced."""

        def key(i: int) -> bytes:
            source.glance(i)  # a pipe, for instance, is not to be read
            return _decoders() + bytes([source.factor(i)]) + source.fingerprint(i)

        return map_items(key, indices)

    def find(self, keys: Iterable[bytes]) -> dict[bytes, np.ndarray]:
        """The known ones among ``keys``, read-only: parts of the files, no copies."""
        return self._transact(lambda db: self._find(db, keys))

    def add(self, images: Mapping[bytes, np.ndarray], make_room: bool = True) -> None:
        """Keep these as well, if there is room, or room can be made."""
        try:
            self._transact(lambda db: self._add(db, images, make_room), alone=True)
        except (OSError, ValueError) as error:  # a full disk, for instance: what is known stays
            warn(f"{error}; going on without keeping pictures")

    def _transact(self, action, *, alone: bool = False):
        self.directory.mkdir(parents=True, exist_ok=True)  # whatever happened to it since

        def act(db):
            for table in _TABLES:
                db.execute(table)
            return action(db)

        return transact(self.directory / self.name, act, alone=alone, durable=False)

    def _find(self, db, keys) -> dict[bytes, np.ndarray]:
        query = "SELECT file, start, height, width FROM pictures WHERE key = ?"
        rows = {key: db.execute(query, (key,)).fetchone() for key in dict.fromkeys(keys)}
        images = {key: self._files.read(*row) for key, row in rows.items() if row}
        return {key: image for key, image in images.items() if image is not None}

    def _add(self, db, images, make_room: bool) -> None:
        known = self._find(db, images)
        lengths = dict(db.execute("SELECT name, length FROM files ORDER BY rowid"))
        file = next(reversed(lengths), None)
        if file is not None and not self._files.is_whole(file, lengths[file]):
            file = None
        most, rows = self.max_bytes // _N_FILES, []
        for key, image in images.items():
            if key in known or image.nbytes > most:
                continue
            if file is None or lengths[file] + image.nbytes > most:
                if len(lengths) >= _N_FILES and not (make_room and self._drop(db, lengths)):
                    break
                file = self._files.new(lengths)
                lengths[file] = 0
            self._files.used.add(file)
            rows.append((key, file, lengths[file], *image.shape[:2]))
            lengths[file] += image.nbytes
        for file, part in groupby(rows, key=lambda row: row[1]):
            part = list(part)
            self._files.write(file, part[0][2], (images[key] for key, *_ in part))
            db.execute("INSERT OR REPLACE INTO files VALUES (?, ?)", (file, lengths[file]))
            db.executemany("INSERT OR REPLACE INTO pictures VALUES (?, ?, ?, ?, ?)", part)

    def _drop(self, db, lengths: dict[str, int]) -> bool:
        """Forget the oldest file that this process has not used, if there is one."""
        unused = [name for name in lengths if name not in self._files.used]
        for name in unused[:1]:
            del lengths[name]
            db.execute("DELETE FROM files WHERE name = ?", (name,))
            db.execute("DELETE FROM pictures WHERE file = ?", (name,))
        return bool(unused)


def stored_images(directory: Path, max_bytes: int = MAX_BYTES) -> StoredImages:
    """Those of a folder, one object for all fits of the process."""
    return _stored_images(directory, max_bytes)


_stored_images = lru_cache(maxsize=8)(StoredImages)


@cache
def _decoders() -> bytes:
    """Of another version of Pillow and its libraries, pixels may differ by one."""
    names = ("jpg", "libjpeg_turbo", "jpg_2000", "webp", "avif", "libtiff")
    versions = [PIL.__version__, *map(features.version, names)]
    return blake2b(repr(versions).encode(), digest_size=8).digest()
