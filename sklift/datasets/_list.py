"""Picture files listed in a text file, with one "path label" on each line."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .._core._text import visible
from ._collection import collection
from ._text_files import below, read_text, unquoted

_LARGEST = 999_999  # label: there is a count for each number up to the largest


def load_image_list(
    list_file: str | os.PathLike,
    root: str | os.PathLike | None = None,
    *,
    class_names: Sequence[str] | None = None,
    return_X_y: bool = False,
) -> Any:
    r"""Read a text file that has the path and the label of one picture on each line.

    This is the format of ImageNet-LT, Places-LT and iNaturalist 2018. The label is the number
    after the last blank, so paths may have blanks; quotes around a path are no part of it. No
    picture is read.

    Parameters
    ----------
    list_file : path-like
        The text file: UTF-8, with or without a byte order mark, or UTF-16 with one; lines end as on
        any system.
    root : path-like or None, default=None
        The folder that the paths start from, and that holds all of them: one that leads out of it,
        or an absolute path elsewhere, is refused. None: the folder of ``list_file``.
    class_names : sequence of str or None, default=None
        The name of class 0, 1, ...
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n,), str
            Paths, each with ``root`` in front.
        target : ndarray of shape (n,), int
            The labels, from 0 on, as they are listed: names may serve several classes
            ("sunglasses" is two of ImageNet's), numbers don't. Give the names to an estimator as
            ``LiftClassifier(class_names=data.target_names)``.
        target_names : ndarray of shape (n_classes,), str, or None
            ``class_names``.
        class_counts : ndarray of shape (n_classes,), int
            Pictures per label; 0 for a class that the list lacks.
        filenames, split, groups, left_out, DESCR
            As of :func:`load_image_csv`: ``data``, None, None, empty, and what was read.
    (data, target) : tuple of ndarray
        If ``return_X_y``.

    Raises
    ------
    FileNotFoundError
        If there is no such list, or its first picture does not exist.
    ValueError
        If a line is not a path and a label below a million, a path is not below ``root`` or has
        several labels, the list is empty or not of such text, or a label has no name.

    See Also
    --------
    load_image_csv : where columns have names.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_image_list
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("a.png", "b.png", "c.png"):
    ...     Image.new("RGB", (8, 8)).save(root / name)
    >>> _ = (root / "train.txt").write_text("a.png 0\nb.png 0\nc.png 1\n")
    >>> photos = load_image_list(root / "train.txt", class_names=["tench", "goldfish"])
    >>> photos.target
    array([0, 0, 1])
    >>> photos.class_counts
    array([2, 1])
    """
    list_file = Path(list_file)
    if not list_file.is_file():
        raise FileNotFoundError(f"there is no list {list_file}")
    root = list_file.parent if root is None else Path(root)
    paths, labels = [], []
    for number, line in enumerate(read_text(list_file).split("\n"), start=1):
        if line.strip():
            where = f"{list_file}, line {number}"
            path, label = _parse(line, where)
            if os.path.basename(path.replace("\\", "/")) in ("", "."):
                raise ValueError(f"{where}: {path!r} is no name of a file")
            paths.append(below(root, path, where))
            labels.append(label)
    if not paths:
        raise ValueError(f"{list_file} lists no pictures")
    if twice := _of_several(paths, labels):
        path, some = twice
        raise ValueError(
            f"{list_file} has {visible(path)} with several labels, {' and '.join(map(str, some))}: "
            "one of them only can be right"
        )
    if not os.path.exists(paths[0]):
        raise FileNotFoundError(
            f"the first picture of {list_file} would be {visible(paths[0])}, which doesn't exist: "
            "root must be the folder that the listed paths start from"
        )
    data, target = np.array(paths), np.array(labels)
    if class_names is not None and target.max() >= len(class_names):
        raise ValueError(
            f"{list_file} has labels up to {target.max()}, so at least {target.max() + 1} "
            f"class_names are needed; got {len(class_names)}"
        )
    return collection(
        data,
        target,
        target_names=class_names,
        where=f"listed in {list_file}",
        return_X_y=return_X_y,
    )


def _of_several(paths: list[str], labels: list[int]) -> tuple[str, list[int]] | None:
    """The first picture that is listed with several labels, and these."""
    known: dict[str, int] = {}
    for path, label in zip(paths, labels, strict=True):
        if (other := known.setdefault(path, label)) != label:
            return path, [other, label]
    return None


def _parse(line: str, where: str) -> tuple[str, int]:
    path, *label = line.strip().rsplit(maxsplit=1)
    # a text of many digits takes long to convert
    if not label or not label[0].isdecimal() or len(label[0]) > 9 or int(label[0]) > _LARGEST:
        raise ValueError(
            f'{where}: expected "path label" with a label from 0 to {_LARGEST}, got '
            f"{line.strip()!r}; load_image_csv reads tables, and classes by their names"
        )
    return unquoted(path), int(label[0])
