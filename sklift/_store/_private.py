"""Folders and files that nobody else can lead elsewhere."""

from __future__ import annotations

import os
import stat
from functools import lru_cache
from pathlib import Path
from typing import IO

from .._core._warn import warn


def make_folder(folder: Path) -> None:
    """Make a folder that this user alone can enter, where there is none.

    Raises
    ------
    OSError
        If it can't be made.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    warn_if_open(folder)


@lru_cache(maxsize=64)
def warn_if_open(folder: Path) -> None:
    """Warn, once, of a folder that others can write to: they can change what comes out of it."""
    if not hasattr(os, "getuid"):  # on Windows modes say little
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
    """Open a regular file in binary, ``"rb"``, ``"r+b"`` or ``"xb"``, and no link to another.

    Raises
    ------
    OSError
        If it can't be opened, is a link, a pipe or a device, or is to be written and has other
        names as well.
    """
    flags = {
        "rb": os.O_RDONLY,
        "r+b": os.O_RDWR,
        "xb": os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    }[mode]
    for name in ("O_NOFOLLOW", "O_NONBLOCK", "O_CLOEXEC", "O_BINARY"):  # what the system has
        flags |= getattr(os, name, 0)
    descriptor = os.open(path, flags, 0o666)
    try:
        _check(os.fstat(descriptor), path, alone=mode != "rb")
        return os.fdopen(descriptor, "wb" if mode == "xb" else mode)
    except BaseException:
        os.close(descriptor)
        raise


def check_own(path: Path) -> None:
    """Raise an OSError where there is something other than a regular file with one name."""
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return
    _check(found, path, alone=True)


def size_of(path: Path) -> int:
    """The bytes in a regular file; -1 where there is none, or a link."""
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
