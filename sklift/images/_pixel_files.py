"""Large files of pixels, one picture after another, mapped into memory to be read."""

from __future__ import annotations

import contextlib
import mmap
import os
import secrets
from collections.abc import Container, Iterable
from pathlib import Path

import numpy as np


class PixelFiles:
    """The pixel files of a folder, by name.

    Attributes
    ----------
    used : set of str
        Those that this process has read or written.
    """

    def __init__(self, directory: Path):
        self.directory = directory
        self.used: set[str] = set()
        self._mapped: dict[str, mmap.mmap] = {}

    def new(self, known: Container[str]) -> str:
        """A name for another file; files that are not ``known`` are removed: a crash left them."""
        self._mapped = {name: pixels for name, pixels in self._mapped.items() if name in known}
        for path in self.directory.glob("pictures-1-*.bin"):
            if path.name not in known:
                with contextlib.suppress(OSError):  # Windows keeps what a process has mapped
                    path.unlink()
        return f"pictures-1-{secrets.randbelow(10**16):016d}.bin"

    def is_whole(self, name: str, length: int) -> bool:
        """Whether nothing is missing of the first ``length`` bytes."""
        try:
            return os.path.getsize(self.directory / name) >= length
        except OSError:
            return False

    def write(self, name: str, start: int, images: Iterable[np.ndarray]) -> None:
        """Write images from a position on, and see that they reach the disk."""
        # never made anew where something should be: there would be a hole
        with open(self.directory / name, "r+b" if start else "xb") as file:
            file.seek(start)
            for image in images:
                file.write(np.ascontiguousarray(image))
            file.flush()
            os.fsync(file.fileno())

    def read(self, name: str, start: int, height: int, width: int) -> np.ndarray | None:
        """A read-only image that is part of the file, no copy; None if it isn't there."""
        n_bytes = 3 * height * width
        pixels = self._mapped.get(name, b"")
        if len(pixels) < start + n_bytes:  # new to this process, or longer than it was
            try:
                with open(self.directory / name, "rb") as file:
                    pixels = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
            except (OSError, ValueError):  # removed since, or empty
                return None
            self._mapped[name] = pixels
        if len(pixels) < start + n_bytes:
            return None
        self.used.add(name)
        return np.frombuffer(pixels, np.uint8, n_bytes, start).reshape(height, width, 3)
