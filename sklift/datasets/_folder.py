"""A folder with one sub-folder of picture files per class."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._core._text import visible
from .._core._warn import warn
from ._files import endings, images_below, warn_of_left_out

_SPLIT = re.compile(
    r"(train(ing)?|val(id(ation)?)?|test(ing)?|dev|eval(uation)?|hold[ _-]?out|unlabell?ed)"
    r"([ _-]?(set|data|images|split))?[ _-]?\d*"
)


def load_image_folder(
    root: str | os.PathLike,
    *,
    return_X_y: bool = False,
    extensions: Sequence[str] | None = None,
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
    extensions : sequence of str or None, default=None
        The endings of files that count as pictures, whatever the case of their letters. None: those
        of the usual formats that Pillow reads, from ``.apng`` to ``.webp``.

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
        left_out : dict of str to str
            Paths of other files, with the reason: "empty", "no ending", "ending .txt".
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
        If the folder of a class has no pictures; if files are left out that may be pictures, of
        another ending or empty; if the classes would be "train" and "test", or a single folder of
        folders. The message names them.

    See Also
    --------
    list_images : without labels.

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
            f"root must be a folder with one sub-folder of pictures per class; got {visible(root)}"
        )
    suffixes = endings(extensions)
    names = _folders(root)
    if not names:
        raise ValueError(
            f"{visible(root)} has no sub-folders: it must have one of pictures per class"
        )
    paths: list[list[str]] = []
    left_out: dict[str, str] = {}
    for name in names:
        of_class, others = images_below(root / name, suffixes)
        paths.append(of_class)
        left_out |= others
    counts = np.array([len(of_class) for of_class in paths])
    if not counts.any():
        raise ValueError(
            f"none of the {len(names)} sub-folders of {visible(root)} has pictures "
            f"({', '.join(suffixes)})"
        )
    empty = [name for name, count in zip(names, counts, strict=True) if count == 0]
    if empty:
        warn(f"no pictures in {root} for {', '.join(empty)}")
    warn_of_left_out(left_out, root, chosen=extensions is not None)
    _warn_of_level(root, names, paths)
    data = np.array([path for of_class in paths for path in of_class])
    target = np.repeat(names, counts)
    if return_X_y:
        return data, target
    return Bunch(
        data=data,
        target=target,
        target_names=np.array(names),
        class_counts=counts,
        left_out=left_out,
        DESCR=f"{len(data)} pictures of {len(names)} classes in {root}",
    )


def _warn_of_level(root: Path, names: list[str], paths: list[list[str]]) -> None:
    """Warn where the sub-folders are plainly no classes."""
    splits = [name for name in names if _SPLIT.fullmatch(name.lower())]
    if len(splits) > 1:
        inner = _folders(root / splits[0])
        how = "load_image_folder" if inner else "list_images"
        warn(
            f"the classes are {', '.join(map(repr, names))}, which look like parts of a split data "
            f"set rather than classes: give them one by one, {how}({str(root / splits[0])!r})"
        )
    elif len(names) == 1 and len(inner := _folders(root / names[0])) > 1:
        direct = any(os.path.dirname(path) == str(root / names[0]) for path in paths[0])
        if not direct:
            warn(
                f"the only class is {names[0]!r}, a folder of {len(inner)} folders ({inner[0]!r}, "
                f"{inner[1]!r}): if these are the classes, give root={str(root / names[0])!r}"
            )


def _folders(path: Path) -> list[str]:
    """Names of the visible folders in one, sorted."""
    return sorted(e.name for e in path.iterdir() if e.is_dir() and not e.name.startswith("."))
