"""Files that are whole or not there."""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
import time
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

_SUFFIX = ".tmp"


def replace_file(path: str | os.PathLike, data: bytes) -> None:
    """Write a file so that, whatever happens, either the old or the new one is there, whole.

    Raises
    ------
    OSError
        If it can't be written, for instance because the disk is full; the old file is still there.
    """
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file to write to, that takes the place of another one when all is written.

    What is written goes to a temporary file in the same folder, is flushed to the disk, and then
    takes the place of the old file in one step. An error inside leaves the old file.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}{_SUFFIX}")
    try:
        with open(temporary, "xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(OSError):
            temporary.unlink()
        raise
    _flush_folder(path.parent)


def remove_leftovers(path: str | os.PathLike) -> None:
    """Remove what kills have left of writing this file; a live write is younger than an hour."""
    path = Path(path)
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            if time.time() - temporary.stat().st_mtime > 3600:
                temporary.unlink()


def _flush_folder(folder: Path) -> None:
    """Make the new name outlast a power cut, where a folder can be flushed."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
