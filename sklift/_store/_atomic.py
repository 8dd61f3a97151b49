"""Atomic writing: a file is complete, or it is not there."""

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
    """Write a file. Whatever happens, either the complete old file or the complete new one remains.

    Raises
    ------
    OSError
        If it can't be written, for instance because the disk is full; the old file is still there.
    """
    with replacing(path) as file:
        file.write(data)


@contextlib.contextmanager
def replacing(path: str | os.PathLike) -> Iterator[BinaryIO]:
    """A file to write to, which replaces the file at ``path`` when writing ends.

    The data go to a temporary file in the same folder. This file is flushed to the disk and then
    replaces the old one in one step. An error inside leaves the old file.
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
    """Remove temporary files that killed processes left; those under an hour old may be in use."""
    path = Path(path)
    for temporary in path.parent.glob(f".{glob.escape(path.name)}.*{_SUFFIX}"):
        with contextlib.suppress(OSError):
            # also one from the future: the clock was wrong then
            if abs(time.time() - temporary.stat().st_mtime) > 3600:
                temporary.unlink()


def _flush_folder(folder: Path) -> None:
    """Flush the folder, where that is possible: the new name then survives a power cut."""
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
