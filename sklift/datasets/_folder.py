"""A folder with one sub-folder of picture files per class."""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._core._text import visible

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp")


def load_image_folder(
    root: str | os.PathLike,
    *,
    return_X_y: bool = False,
    extensions: Sequence[str] = EXTENSIONS,
) -> Any:
    """List the pictures of a folder that has one sub-folder per class.

    The class of ``root/cat/2024/01.jpg`` is "cat". No picture is read: an estimator decodes the
    files as it needs them. Hidden files and folders, whose names start with a dot, are left out;
    links to folders are followed, and no folder is listed twice for a class.

    Parameters
    ----------
    root : path-like
        The folder. If it has folders ``train`` and ``test``, load each of them by itself.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.
    extensions : sequence of str, default=(".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", \
".tiff", ".webp")
        The files that count as pictures, whatever the case of their letters.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n,), str
            Paths, in sorted order within each class.
        target : ndarray of shape (n,), str
            The class of each.
        target_names : ndarray of shape (n_classes,), str
            The sub-folders, in sorted order.
        class_counts : ndarray of shape (n_classes,), int
            Pictures per class, in the order of ``target_names``; 0 for an empty folder.
        DESCR : str
            What was found.
    (data, target) : tuple of ndarray
        If ``return_X_y``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no ``root``, or it is no folder.
    ValueError
        If it has no sub-folders, or these have no pictures.

    Warns
    -----
    UserWarning
        If the folder of a class has no pictures; the message names it.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_image_folder
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("cat/1.png", "cat/2.png", "dog/1.png"):
    ...     (root / name).parent.mkdir(exist_ok=True)
    ...     Image.new("RGB", (8, 8)).save(root / name)
    >>> photos = load_image_folder(root)
    >>> photos.target
    array(['cat', 'cat', 'dog'], dtype='<U3')
    >>> photos.class_counts
    array([2, 1])
    """
    root = Path(root)
    if not root.is_dir():
        kind = NotADirectoryError if root.exists() else FileNotFoundError
        raise kind(
            f"root must be a folder with one sub-folder of images per class; got {visible(root)}"
        )
    if isinstance(extensions, str):
        extensions = (extensions,)
    suffixes = tuple("." + extension.lower().lstrip(".") for extension in extensions)
    names = sorted(entry.name for entry in root.iterdir() if entry.is_dir() and _visible(entry))
    if not names:
        raise ValueError(
            f"{visible(root)} has no sub-folders: it must have one of images per class"
        )
    paths = [list(_images(root / name, suffixes)) for name in names]
    counts = np.array([len(of_class) for of_class in paths])
    if not counts.any():
        raise ValueError(
            f"none of the {len(names)} sub-folders of {visible(root)} has images "
            f"({', '.join(suffixes)})"
        )
    empty = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if empty:
        warnings.warn(
            visible(f"no images in {root} for {', '.join(empty)}"), UserWarning, stacklevel=2
        )
    data = np.array([path for of_class in paths for path in of_class])
    target = np.repeat(names, counts)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=np.array(names),
        class_counts=counts,
        DESCR=f"{len(data)} images of {len(names)} classes in {root}",
    )


def _images(folder: Path, suffixes: tuple[str, ...]) -> Iterator[str]:
    """Paths of the pictures below a folder; each real folder is entered once, so no link loops."""
    entered = set()
    for parent, folders, files in os.walk(folder, followlinks=True):
        real = os.path.realpath(parent)
        if real in entered:
            folders.clear()
            continue
        entered.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and name.lower().endswith(suffixes):
                yield os.path.join(parent, name)


def _visible(path: Path) -> bool:
    return not path.name.startswith(".")
