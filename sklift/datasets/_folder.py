"""A folder with one sub-folder of picture files per class."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._core._text import visible
from .._core._warn import warn
from ..images._archives import is_archive
from ._collection import collection
from ._copies import copies_among
from ._files import endings, images_below, images_in, is_hidden, looked_for, warn_of_left_out
from ._masks import pictures_beside_masks
from ._split import part_of, parts_among

_LEVELS = ("split", "class", "group")


def load_image_folder(
    root: str | os.PathLike,
    *,
    levels: str = "class",
    extensions: Sequence[str] | None = None,
    return_X_y: bool = False,
) -> Any:
    """List the pictures of a folder that has one sub-folder per class.

    The class of ``root/cat/2024/01.jpg`` is "cat". No picture is decoded for an estimator: it
    decodes the files as it needs them. Hidden files and folders, whose names start with a dot, and
    those that systems make ("__MACOSX", "@eaDir") are left out; links to folders are followed, and
    no folder is listed twice for a class.

    What may be a picture and is left out is told in a warning, with the reason:

    - files of another ending, empty ones, and pictures outside of a folder of a class;
    - masks: "1_mask.png" beside "1.png", "masks/1.png" beside "images/1.png", or a "1.png" of few
      values beside "1.jpg";
    - copies, by content: all of a picture that is in several classes, since only one of them can be
      right, and those that are also in the test part of a split, or in the validation part, are
      left out of the others. Pictures of one colour are no copies. Files that have the same number
      of bytes are opened for that.

    Parameters
    ----------
    root : path-like
        The folder.
    levels : str, default="class"
        What the folders on the way to a picture stand for, from ``root`` on, with a slash in
        between: "class", "split" (train, val, test) and "group" (a site, a patient). For instance
        "split/class" reads ``root/train/cat/01.jpg``, and "class/group" ``root/cat/site 7/01.jpg``.
        Folders below these may have any names.
    extensions : sequence of str or None, default=None
        The endings of files that count as pictures, whatever the case of their letters; "" stands
        for names without one. None: those of all files that can be read.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n,), str
            Paths, in sorted order of their folders and names.
        filenames : ndarray of shape (n,), str
            ``data``.
        target : ndarray of shape (n,), str
            The class of each.
        target_names : ndarray of shape (n_classes,), str
            The classes, in sorted order.
        class_counts : ndarray of shape (n_classes,), int
            Pictures per class, in the order of ``target_names``; 0 for an empty folder.
        split : ndarray of shape (n,), str, or None
            The folder of the split, if ``levels`` has it: ``data.data[data.split == "train"]``.
        groups : ndarray of shape (n,), str, or None
            The folder of the group, if ``levels`` has it, for splitters of scikit-learn such as
            :class:`~sklearn.model_selection.StratifiedGroupKFold`.
        left_out : dict of str to str
            Paths of other files, with the reason, such as "empty" or "ending .txt".
        DESCR : str
            What was found.
    (data, target) : tuple of ndarray
        If ``return_X_y``.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no ``root``, or it is no folder.
    ValueError
        If it has no such folders, or these have no pictures.

    Warns
    -----
    UserWarning
        If the folder of a class has no pictures, or only copies of those of others; if files are
        left out that may be pictures; if the classes would be "train" and "test", or a single
        folder of folders; if a group is in several parts of the split. The message names them.

    See Also
    --------
    list_images : without labels.
    load_image_csv : with labels in a table.

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
        extract = (
            "; extract the archive, or give list_images of it as X" if is_archive(root) else ""
        )
        raise kind(
            f"root must be a folder with one sub-folder of pictures per class; got {visible(root)}"
            f"{extract}"
        )
    words = _check_levels(levels)
    suffixes = endings(extensions)
    branches = list(_branches(root, words))
    if not branches:
        shape = "" if levels == "class" else f" in the shape {levels!r}"
        raise ValueError(
            f"{visible(root)} has no sub-folders{shape}: it must have one of pictures per class; "
            "load_image_csv reads labels in a table, list_images lists pictures without"
        )
    paths: list[str] = []
    places: list[dict[str, str]] = []
    left_out: dict[str, str] = {}
    for folder, place in branches:
        found, others = images_below(folder, suffixes)
        paths += found
        places += [place] * len(found)
        left_out |= others
    names = sorted({place["class"] for _, place in branches})
    if not paths:
        raise ValueError(
            f"none of the {len(branches)} sub-folders of {visible(root)} has pictures "
            f"{looked_for(extensions)}"
        )
    left_out |= _loose(root, words, suffixes)
    wrong_level = levels == "class" and _warn_of_level(root, names, paths)
    copies = {}
    if not wrong_level:
        labels = [place["class"] for place in places]
        copies = copies_among(paths, labels, [place.get("split", "") for place in places], root)
    left_out |= copies
    kept = [i for i, path in enumerate(paths) if path not in copies]
    target = [places[i]["class"] for i in kept]
    _warn_of_empty(sorted(set(names) - set(target)), paths, places, copies, root)
    warn_of_left_out(left_out, root, chosen=extensions is not None)
    return collection(
        np.array([paths[i] for i in kept], dtype=str),
        np.array(target, dtype=str),
        target_names=names,
        split=[places[i]["split"] for i in kept] if "split" in words else None,
        groups=[places[i]["group"] for i in kept] if "group" in words else None,
        left_out=left_out,
        where=f"in {root}",
        return_X_y=return_X_y,
    )


def _warn_of_empty(
    names: list[str], paths: list[str], places: list[dict], copies: dict[str, str], root: Path
) -> None:
    """Warn of classes without pictures, and of those of which none is left."""
    first: dict[str, str] = {}
    for path, place in zip(paths, places, strict=True):
        first.setdefault(place["class"], path)
    if empty := [name for name in names if name not in first]:
        warn(f"no pictures in {root} for {', '.join(empty)}")
    if copied := [name for name in names if name in first]:
        path = first[copied[0]]
        warn(
            f"all pictures in {root} for {', '.join(copied)} are left out: each is a copy, "
            f"{os.path.relpath(path, root)} {copies[path].removeprefix('a copy ')}"
        )


def _check_levels(levels: str) -> list[str]:
    words = levels.split("/") if isinstance(levels, str) else []
    if "class" not in words or len(set(words)) < len(words) or not set(words) <= set(_LEVELS):
        raise ValueError(
            'levels must be "class", or "class" with "split" and "group" in their order, such as '
            f'"split/class"; got {levels!r}'
        )
    return words


def _branches(root: Path, words: list[str]) -> Iterator[tuple[Path, dict[str, str]]]:
    """The folders of pictures, and what the folders on the way stand for."""
    for name in _folders(root):
        place = {words[0]: name}
        if len(words) == 1:
            yield root / name, place
        else:
            yield from ((path, place | rest) for path, rest in _branches(root / name, words[1:]))


def _loose(root: Path, words: list[str], suffixes: tuple[str, ...]) -> dict[str, str]:
    """Pictures that lie above the folders of pictures."""
    loose = dict.fromkeys(images_in(root, suffixes), f"no folder of a {words[0]}")
    for name in _folders(root) if len(words) > 1 else ():
        loose |= _loose(root / name, words[1:], suffixes)
    return loose


def _warn_of_level(root: Path, names: list[str], paths: list[str]) -> bool:
    """Warn where the sub-folders are plainly no classes, and tell so."""
    if parts := parts_among(names):
        inner = _folders(root / parts[0])
        how = "load_image_folder" if inner else "list_images"
        whole = '; or all with levels="split/class"' if inner else ""
        warn(
            f"the classes are {', '.join(map(repr, names))}, which look like parts of a split data "
            f"set rather than classes: give them one by one, {how}({str(root / parts[0])!r}){whole}"
        )
        return True
    if pictures := pictures_beside_masks(names):
        warn(
            f"the classes are {', '.join(map(repr, names))}, which look like pictures and their "
            f"masks rather than classes: give root={str(root / pictures)!r} if classes are in it"
        )
        return True
    within = parts_among(sorted({part for name in names for part in _folders(root / name)}))
    if len(set(map(part_of, within))) > 1:
        warn(
            f"the folders of classes have folders {', '.join(map(repr, within))}, which look like "
            'parts of a split data set: levels="class/split" tells them apart'
        )
    if len(names) == 1 and len(inner := _folders(root / names[0])) > 1:
        direct = any(os.path.dirname(path) == str(root / names[0]) for path in paths)
        if not direct:
            warn(
                f"the only class is {names[0]!r}, a folder of {len(inner)} folders ({inner[0]!r}, "
                f"{inner[1]!r}): if these are the classes, give root={str(root / names[0])!r}"
            )
            return True
    return False


def _folders(path: Path) -> list[str]:
    """Names of the visible folders in one, sorted."""
    return sorted(e.name for e in path.iterdir() if e.is_dir() and not is_hidden(e.name))
