"""Members of zip and tar archives: read where they are, in any thread or process."""

from __future__ import annotations

import os
import tarfile
import zipfile
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path


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
        return opened.read(self.name)

    def __str__(self) -> str:
        return f"{self.archive}/{self.name}"


def is_archive(path: Path) -> bool:
    """Whether a path is that of a zip or tar file."""
    return path.is_file() and (zipfile.is_zipfile(path) or tarfile.is_tarfile(path))


def members_of(path: Path) -> list[tuple[Member, int]]:
    """The files in an archive and their sizes, in order of names.

    Raises
    ------
    ValueError
        If a tar archive is compressed: each file would have to be searched from its start.
    """
    path = path.absolute()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            found = [
                (Member(str(path), info.filename), info.file_size)
                for info in archive.infolist()
                if not info.is_dir()
            ]
    else:
        try:
            with tarfile.open(path, "r:") as archive:
                found = [
                    (Member(str(path), info.name, info.offset_data, info.size), info.size)
                    for info in archive
                    if info.isreg() and not info.issparse()
                ]
        except tarfile.ReadError as error:
            raise ValueError(
                f"{path} is a compressed tar archive, whose files can't be read one by one: "
                f"decompress it (a .tar), or make it a zip archive"
            ) from error
    return sorted(found, key=lambda pair: pair[0].name)


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
