"""Image files below a folder, and what is left out of them."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from .._core._warn import warn

EXTENSIONS = (
    ".apng", ".avif", ".bmp", ".dib", ".gif", ".j2k", ".jfif", ".jp2", ".jpe", ".jpeg", ".jpg",
    ".jpx", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".qoi", ".tga", ".tif", ".tiff", ".webp",
)  # fmt: skip
# What lies beside images and is none: left out without a word.
_COMPANIONS = {
    ".aux", ".cfg", ".csv", ".db", ".doc", ".docx", ".gz", ".html", ".ini", ".json", ".jsonl",
    ".lock", ".log", ".lst", ".md", ".npy", ".npz", ".ods", ".parquet", ".pdf", ".pkl", ".py",
    ".rst", ".tar", ".toml", ".tsv", ".txt", ".url", ".xls", ".xlsx", ".xml", ".yaml", ".yml",
    ".zip",
}  # fmt: skip


def list_images(
    folder: str | os.PathLike, *, extensions: Sequence[str] | None = None
) -> np.ndarray:
    """List the image files of a folder and of the folders in it, to predict them.

    Parameters
    ----------
    folder : path-like
        The folder. Hidden files and folders are left out, as :func:`load_image_folder` does.
    extensions : sequence of str or None, default=None
        As of :func:`load_image_folder`.

    Returns
    -------
    paths : ndarray of shape (n,), str
        In sorted order, folder by folder.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder, or it is a file.
    ValueError
        If it has no images.

    Warns
    -----
    UserWarning
        If files are left out that may be images: of another ending, or empty.

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
    if not folder.is_dir():
        kind = NotADirectoryError if folder.exists() else FileNotFoundError
        raise kind(f"folder must be a folder of pictures; got {folder}")
    paths, left_out = images_below(folder, endings(extensions))
    if not paths:
        raise ValueError(f"{folder} has no pictures ({', '.join(endings(extensions))})")
    warn_of_left_out(left_out, folder, chosen=extensions is not None)
    return np.array(paths)


def endings(extensions: Sequence[str] | None) -> tuple[str, ...]:
    """The endings of files that count as images, with a point, in small letters."""
    if extensions is None:
        return EXTENSIONS
    if isinstance(extensions, str):
        extensions = (extensions,)
    return tuple("." + extension.lower().lstrip(".") for extension in extensions)


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
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(name for name in files if not name.startswith(".")):
            path = os.path.join(parent, name)
            if not name.lower().endswith(suffixes):
                ending = os.path.splitext(name)[1].lower()
                left_out[path] = f"ending {ending}" if ending else "no ending"
            elif _is_empty(path):
                left_out[path] = "empty"
            else:
                paths.append(path)
    return paths, left_out


def warn_of_left_out(left_out: dict[str, str], root: Path, *, chosen: bool) -> None:
    """Warn of files that may be images; ``chosen``: the user chose the endings."""
    by_reason = defaultdict(list)
    for path, reason in left_out.items():
        companion = reason.removeprefix("ending ") in _COMPANIONS
        if reason == "empty" or not (companion or chosen):
            by_reason[reason].append(os.path.relpath(path, root))
    if not by_reason:
        return
    parts = [
        f"{len(some)} with {reason}" for reason, some in by_reason.items() if reason != "empty"
    ]
    parts += [f"{len(some)} empty" for reason, some in by_reason.items() if reason == "empty"]
    firsts = ", ".join(some[0] for some in by_reason.values())
    advice = "" if list(by_reason) == ["empty"] else "; give extensions if they are pictures"
    warn(
        f"{sum(map(len, by_reason.values()))} files in {root} are left out: {', '.join(parts)} "
        f"({firsts}){advice}"
    )


def _is_empty(path: str) -> bool:
    try:
        return os.path.getsize(path) == 0
    except OSError:  # a broken link: an error that names it, when it is read
        return False
