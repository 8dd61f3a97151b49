"""Safe access to folders and files: no links, no files of other users."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import IO

from .._core._warn import warn


def make_folder(folder: Path) -> None:
    """Create a folder that only this user can enter, if there is none.

    Raises
    ------
    OSError
        If it can't be created.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    warn_if_open(folder)


@lru_cache(maxsize=64)
def warn_if_open(folder: Path) -> None:
    """Warn once about a folder that others can write to, and whose files they can change."""
    if not hasattr(os, "getuid"):  # modes mean little on Windows
        return
    found = os.stat(folder)
    others = []
    if found.st_uid not in (os.getuid(), 0):
        others.append("it belongs to somebody else")
    if found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        others.append(f"its mode is {stat.S_IMODE(found.st_mode):04o}")
    if others:
        warn(
            f"others can write to the folder {str(folder)!r} ({', '.join(others)}), and so change "
            "predictions and models: make it yours alone (chmod 700), or give another one"
        )


def open_file(path: Path, mode: str) -> IO[bytes]:
    """Open a regular file, not a link, in binary mode: ``"rb"``, ``"r+b"`` or ``"xb"``.

    Raises
    ------
    OSError
        If it can't be opened; if it is a link, a pipe or a device; or if it is opened for writing
        and has other names (hard links).
    """
    flags = {
        "rb": os.O_RDONLY,
        "r+b": os.O_RDWR,
        "xb": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    }[mode]
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # flags that this system has
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        _check(os.fstat(descriptor), path, alone=mode != "rb")
        return os.fdopen(descriptor, "wb" if mode == "xb" else mode)
    except BaseException:
        os.close(descriptor)
        raise


def check_regular_file(path: Path) -> None:
    """Raise an OSError if the path is there and is not a regular file with one name."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    _check(found, path, alone=True)


def size_of(path: Path) -> int:
    """Size of a regular file in bytes; -1 for a link, or where there is none."""
    try:
        found = os.lstat(path)
    except OSError:
        return -1
    return found.st_size if stat.S_ISREG(found.st_mode) else -1


def _check(found: os.stat_result, path: Path, alone: bool) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise OSError(f"{str(path)!r} is a link or no regular file")
    if alone and found.st_nlink > 1:
        raise OSError(f"{str(path)!r} is also the file of another name")
