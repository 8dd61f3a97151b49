"""Members of zip and tar archives: read where they are, in any thread or process."""

from __future__ import annotations

import os
import tarfile
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from .._core._text import visible

# A member of a zip archive may take as many bytes in memory, or so many times its bytes there.
_MOST, _MOST_TIMES = 1 << 27, 100


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive, which is opened when the file is read.

    Parameters
    ----------
    archive : str
        Path of the archive.
    name : str
        The name in it.
    start : int, optional
        Place of the first byte in a tar archive.
    n_bytes : int
        Length in a tar archive.
    """

    archive: str
    name: str
    start: int | None = None
    n_bytes: int = 0

    def read_bytes(self) -> bytes:
        """Return the content of the file."""
        if self.start is not None:
            with open(self.archive, "rb") as file:
                file.seek(self.start)
                return file.read(self.n_bytes)
        stat = os.stat(self.archive)
        opened = _opened_zip(self.archive, os.getpid(), stat.st_size, stat.st_mtime_ns)
        info = opened.getinfo(self.name)
        if info.file_size > max(_MOST, _MOST_TIMES * min(info.compress_size, stat.st_size)):
            raise ValueError(
                f"it takes {info.compress_size} bytes, and {info.file_size} once it is unpacked: "
                "if you trust it, unpack the archive"
            )
        return opened.read(self.name)

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"


def is_archive(path: Path) -> bool:
    """Whether a path is that of a zip or tar file."""
    if not path.is_file():
        return False
    try:
        return zipfile.is_zipfile(path) or tarfile.is_tarfile(path)
    except OSError:
        raise
    except Exception:  # a header that claims any size: it is a damaged one
        return True


def members_of(path: Path) -> list[tuple[Member, int]]:
    """The files in an archive and their sizes, in order of names.

    Raises
    ------
    ValueError
        If the archive is damaged, or a compressed tar: each file would have to be searched from its
        start.
    """
    path = path.absolute()
    try:
        found = _in_zip(path) if zipfile.is_zipfile(path) else _in_tar(path)
    except PermissionError:
        raise
    except Exception as error:  # nearly any; a MemoryError where a header claims any size
        if _is_compressed(path):
            raise ValueError(
                f"{path} is a compressed tar archive, whose files can't be read one by one: "
                f"decompress it (a .tar), or make it a zip archive"
            ) from error
        why = visible(str(error) or type(error).__name__)
        raise ValueError(f"{path} is a damaged archive ({why})") from error
    return sorted(found, key=lambda pair: pair[0].name)


def _in_zip(path: Path) -> list[tuple[Member, int]]:
    with zipfile.ZipFile(path) as archive:
        return [
            (Member(str(path), info.filename), info.file_size)
            for info in archive.infolist()
            if not info.is_dir()
        ]


def _in_tar(path: Path) -> list[tuple[Member, int]]:
    end = path.stat().st_size
    with tarfile.open(path, "r:") as archive:
        files = [info for info in archive if info.isreg() and not info.issparse()]
    for info in files:
        if not 0 <= info.offset_data <= info.offset_data + info.size <= end:
            raise ValueError(f"{info.name} should have {info.size} bytes")
    return [(Member(str(path), i.name, i.offset_data, i.size), i.size) for i in files]


def _is_compressed(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(6).startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"))


def lasting(item):
    """A `zipfile.Path` of an archive on disk as a Member; anything else as it is.

    Those of Python hold an open file, which forked processes share, and can't be pickled.
    """
    if isinstance(item, zipfile.Path) and item.root.filename and os.path.isfile(item.root.filename):
        return Member(os.path.abspath(item.root.filename), item.at)
    return item


@lru_cache(maxsize=4)
def _opened_zip(path: str, process: int, *size_and_time: int) -> zipfile.ZipFile:
    """An archive, opened once by each process while it stays unchanged."""
    return zipfile.ZipFile(path)
