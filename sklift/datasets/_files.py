"""Image files below a folder, and what is left out of them."""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._core._text import counted
from .._core._warn import warn
from ..images._archives import Member, is_archive, members_of
from ..images._endings import readable_endings
from ._masks import masks_among

# What lies beside images and is none: left out without a word.
_COMPANIONS = {
    ".aux", ".cfg", ".csv", ".db", ".doc", ".docx", ".gz", ".html", ".ini", ".json", ".jsonl",
    ".lock", ".log", ".lst", ".md", ".npy", ".npz", ".ods", ".parquet", ".pdf", ".pkl", ".py",
    ".rst", ".tar", ".toml", ".tsv", ".txt", ".url", ".xls", ".xlsx", ".xml", ".yaml", ".yml",
    ".zip",
}  # fmt: skip

_ARCHIVE = re.compile(r"\.(7z|rar|tar(\.\w+)?|tgz|zip)$", re.IGNORECASE)

# Folders that systems and archivers make: thumbnails, attributes, what was deleted.
_OF_SYSTEMS = {"$RECYCLE.BIN", "@eaDir", "__MACOSX", "lost+found", "System Volume Information"}


def list_images(
    folder: str | os.PathLike, *, extensions: Sequence[str] | None = None
) -> np.ndarray:
    """List the image files of a folder and of the folders in it, or of an archive.

    Parameters
    ----------
    folder : path-like
        The folder, or a zip or tar archive that isn't compressed as a whole. What is hidden, empty,
        of another ending or a mask is left out, as :func:`load_image_folder` does.
    extensions : sequence of str or None, default=None
        As of :func:`load_image_folder`.

    Returns
    -------
    paths : ndarray of shape (n,), str
        In sorted order, folder by folder. Of an archive, its members as objects, which estimators
        take as pictures and which give the path in the archive as ``name``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder, or it is a file.
    ValueError
        If it has no images, is a compressed tar archive, or one that can't be read.

    Warns
    -----
    UserWarning
        If files are left out that may be images: of another ending, empty, or named as the mask of
        another.

    See Also
    --------
    load_image_folder : with labels, the names of sub-folders.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import list_images
    >>> folder = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(folder / "1.jpg")
    >>> [Path(path).name for path in list_images(folder)]
    ['1.jpg']
    """
    folder = Path(folder)
    if is_archive(folder):
        return _images_in(folder, endings(extensions), chosen=extensions is not None)
    if not folder.is_dir():
        if folder.is_file() and _ARCHIVE.search(folder.name):
            raise ValueError(
                f"{folder} can't be read as a zip or tar archive: it may be cut short, or of "
                "another kind"
            )
        kind = NotADirectoryError if folder.exists() else FileNotFoundError
        raise kind(f"folder must be a folder of pictures; got {folder}{_remedy(folder)}")
    paths, left_out = images_below(folder, endings(extensions))
    if not paths:
        raise ValueError(f"{folder} has no pictures {looked_for(extensions)}")
    warn_of_left_out(left_out, folder, chosen=extensions is not None)
    return np.array(paths)


def _remedy(file: Path) -> str:
    if file.suffix.lower() in (".csv", ".tsv"):
        return "; load_image_csv reads tables"
    if file.suffix.lower() == ".txt":
        return "; load_image_list and load_image_csv read lists"
    return "; give a single picture as X=[path]" if file.is_file() else ""


def _images_in(archive: Path, suffixes: tuple[str, ...], *, chosen: bool) -> np.ndarray:
    """The images in an archive, as objects."""
    members: list[Member] = []
    left_out: dict[str, str] = {}
    for member, size in members_of(archive):
        if any(map(is_hidden, member.name.split("/"))):
            continue
        reason = _reason_of(member.name, suffixes) or ("empty" if size == 0 else None)
        if reason is None:
            members.append(member)
        else:
            left_out[str(archive / member.name)] = reason
    if not members:
        raise ValueError(f"{archive} has no pictures (looked for {', '.join(suffixes)})")
    warn_of_left_out(left_out, archive, chosen=chosen)
    return np.array([*members, None], dtype=object)[:-1]


def endings(extensions: Sequence[str] | None) -> tuple[str, ...]:
    """The endings of files that count as images, with a point, in small letters."""
    if extensions is None:
        return readable_endings()
    if isinstance(extensions, str):
        extensions = (extensions,)
    return tuple("." + extension.lower().lstrip(".") for extension in extensions)


def looked_for(extensions: Sequence[str] | None) -> str:
    """What an error says of the endings."""
    return "that can be read" if extensions is None else f"({', '.join(endings(extensions))})"


def images_below(folder: Path, suffixes: tuple[str, ...]) -> tuple[list[str], dict[str, str]]:
    """Paths of the images below a folder, and of other files, with the reason.

    Each real folder is entered once, so links can't loop.
    """
    entered: set[str] = set()
    paths: list[str] = []
    left_out: dict[str, str] = {}
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not is_hidden(name))
        for name in sorted(name for name in files if not is_hidden(name)):
            path = os.path.join(parent, name)
            reason = _reason(path, suffixes)
            if reason is None:
                paths.append(path)
            else:
                left_out[path] = reason
    masks = masks_among(paths)
    return [path for path in paths if path not in masks], left_out | masks


def is_hidden(name: str) -> bool:
    """Whether a file or folder is hidden, or made by a system."""
    return name.startswith(".") or name in _OF_SYSTEMS


def images_in(folder: Path, suffixes: tuple[str, ...]) -> list[str]:
    """Paths of the images that lie in a folder itself."""
    files = sorted(e.name for e in os.scandir(folder) if e.is_file() and not is_hidden(e.name))
    paths = [os.path.join(folder, name) for name in files]
    return [path for path in paths if _reason(path, suffixes) is None]


def warn_of_left_out(left_out: dict[str, str], root: Path, *, chosen: bool) -> None:
    """Warn of files that may be images; ``chosen``: the user chose the endings."""
    by_kind = defaultdict(list)
    for path, reason in left_out.items():
        of_ending = reason == "no ending" or reason.startswith("ending ")
        companion = reason.removeprefix("ending ") in _COMPANIONS
        if not (of_ending and (companion or chosen)):
            by_kind[reason.partition(": ")[0]].append(os.path.relpath(path, root))
    if not by_kind:
        return
    kinds = sorted(by_kind, key=lambda kind: kind == "empty")
    parts = [
        f"{len(by_kind[k])} {k}" if k == "empty" else f"{len(by_kind[k])} with {k}" for k in kinds
    ]
    firsts = ", ".join(by_kind[kind][0] for kind in kinds)
    unknown = any("ending" in kind for kind in kinds)
    advice = "; give extensions if they are pictures" if unknown else ""
    n = sum(map(len, by_kind.values()))
    warn(
        f"{counted(n, 'file')} in {root} {'is' if n == 1 else 'are'} left out: {', '.join(parts)} "
        f"({firsts}){advice}"
    )


def _reason(path: str, suffixes: tuple[str, ...]) -> str | None:
    """Why a file is no picture; None where it is one, by its ending and size."""
    if reason := _reason_of(path, suffixes):
        return reason
    try:
        return "empty" if os.path.getsize(path) == 0 else None
    except OSError:  # a broken link: an error that names it, when it is read
        return None


def _reason_of(name: str, suffixes: tuple[str, ...]) -> str | None:
    """Why a file of this name is no picture."""
    ending = os.path.splitext(name)[1].lower()
    if name.lower().endswith(suffixes) if ending else "." in suffixes:
        return None
    return f"ending {ending}" if ending else "no ending"
