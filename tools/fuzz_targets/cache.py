"""The files of a cache in a folder: databases of features and pictures, and arrays beside them."""

from __future__ import annotations

import random
import shutil
import sqlite3
from contextlib import closing

import numpy as np
from PIL import Image

from fuzz_targets._bytes import Plain, damage, pack, unpack
from sklift import ImageEmbedder
from sklift._store._cache import Cache
from sklift._store._private import warn_if_open
from sklift.images import _cache as images_cache
from sklift.images._as_source import as_image_source

_NAMES = ("features-1.sqlite", "pictures-2.sqlite")
_N = 9  # pictures: those of a batch of fewer than eight are not kept
_VALUES = [None, 0, -1, 1, 7, 2**31, 2**62, 0.5, "", "x", "../victim", "..", "/etc/passwd", "|u1"]
_VALUES += ["<f4", "<U9", "O", "1", "2 2 3", "0 0 3", "9 9", "-1 3 3", "1000000 1000000 3", b""]
_VALUES += [b"x" * 768, b"\0" * 767, b"\xff" * 768, b"\0" * 4, "pictures-2-1.bin"]
_SCHEMAS = [
    "DROP TABLE {}", "ALTER TABLE {0} RENAME TO other", "DELETE FROM {}",
    "CREATE TRIGGER t BEFORE INSERT ON {} BEGIN SELECT RAISE(ABORT, 'no'); END",
    "CREATE TRIGGER t AFTER INSERT ON {0} BEGIN DELETE FROM {0}; END",
    "PRAGMA user_version = 9", "PRAGMA journal_mode = WAL", "CREATE VIEW v AS SELECT * FROM {}",
]  # fmt: skip


class Target(Plain):
    blind = 0.2

    def seeds(self) -> list[bytes]:
        rng = np.random.default_rng(0)
        self.paths = []
        for i in range(_N):
            self.paths.append(str(self.folder / f"{i}.png"))
            Image.fromarray(rng.integers(0, 256, (44, 50, 3), np.uint8)).save(self.paths[-1])
        (self.folder / "victim").write_bytes(b"mine")
        self.cache = self.folder / "cache"
        self.expected = self._embed(), self._decode()
        (self.arrays,) = (path.name for path in self.cache.glob("*.bin"))
        return [pack([(self.cache / name).read_bytes() for name in (*_NAMES, self.arrays)])]

    def mutate(self, data: bytes, draw: random.Random) -> bytes:
        parts = unpack(data, 3)
        i = draw.choice([0, 1, 1, 2])
        if i < 2 and draw.random() < 0.7:
            parts[i] = _change_rows(parts[i], draw)
        else:
            parts[i] = damage(parts[i], draw, 200)
        return pack(parts)

    def attempt(self, data: bytes) -> str:
        """The work is never lost; and nothing beside the folder is read or written."""
        shutil.rmtree(self.cache, ignore_errors=True)
        self.cache.mkdir(mode=0o700)
        parts = unpack(data, 3)
        for name, content in zip((*_NAMES, self.arrays), parts, strict=True):
            (self.cache / name).write_bytes(content)
        features, pictures = self._embed(), self._decode()
        if features.shape != self.expected[0].shape or features.dtype != np.float32:
            return f"WRONG: features {features.shape} {features.dtype}"
        for (
            found
        ) in pictures:  # who writes to the folder may give another picture, but no other thing
            if found.ndim != 3 or found.shape[2] != 3 or not found.size or found.dtype != np.uint8:
                return f"WRONG: a picture {found.shape} {found.dtype}"
        beside = {path.name for path in self.folder.iterdir()}
        if len(beside) != _N + 2 or (self.folder / "victim").read_bytes() != b"mine":
            return f"OUTSIDE: {sorted(beside)}"
        return "works"

    def _embed(self) -> np.ndarray:
        warn_if_open.cache_clear()
        # a new object for each: the setting gives the same for the same folder
        embedder = ImageEmbedder("emoji-tiny", batch_size=4)
        embedder.set_params(compute__cache=Cache.in_folder(self.cache)).fit()
        return embedder.transform(self.paths)

    def _decode(self) -> list[np.ndarray]:
        source = as_image_source(self.paths)
        stored = images_cache.CachedSource(source, store=Cache.in_folder(self.cache).pictures)
        return [*stored.fetch(range(_N)), *stored.fetch([0])][:_N]


def _change_rows(content: bytes, draw: random.Random) -> bytes:
    """A valid database with other values, or other tables."""
    try:
        with closing(sqlite3.connect(":memory:")) as db:
            db.deserialize(content)
            tables = [row[0] for row in db.execute("SELECT name FROM sqlite_master")]
            table = draw.choice([name for name in tables if not name.startswith("sqlite_")])
            if draw.random() < 0.15:
                db.execute(draw.choice(_SCHEMAS).format(table))
            else:
                columns = [row[1] for row in db.execute(f"PRAGMA table_info({table})")]
                rows = [row[0] for row in db.execute(f"SELECT rowid FROM {table}")]
                change = f"UPDATE OR IGNORE {table} SET {draw.choice(columns)} = ?"
                some = draw.choice(["", f" WHERE rowid = {draw.choice(rows)}"])
                db.execute(change + some, (draw.choice(_VALUES),))
            db.commit()
            return db.serialize()
    except Exception:  # damaged before, or a change that this database refuses
        return damage(content, draw, 200)
