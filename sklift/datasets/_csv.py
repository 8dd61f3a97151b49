"""Picture files listed in a table with named columns."""

from __future__ import annotations

import os
from typing import Any

from ._rows import Row, collect_rows
from ._text_files import check_column, open_list, read_table


def load_image_csv(
    csv_file: str | os.PathLike,
    root: str | os.PathLike | None = None,
    *,
    path: str = "path",
    label: str | None = "label",
    split: str | None = None,
    group: str | None = None,
    return_X_y: bool = False,
) -> Any:
    r"""Read a CSV file with one picture on each line, and columns with names.

    Columns are parted by commas, semicolons, tabs or bars; quotes may stand around values. No
    picture is read. A listed path may lack its ending or the folders in front ("ISIC_0024306"),
    where one file below ``root`` only can be meant.

    Parameters
    ----------
    csv_file : path-like
        The table: UTF-8, with or without a byte order mark, or UTF-16 with one; lines end as on
        any system.
    root : path-like or None, default=None
        The folder that the paths start from, and that holds all of them: one that leads out of it,
        or an absolute path elsewhere, is refused. None: the folder of ``csv_file``.
    path : str, default="path"
        The column of paths.
    label : str or None, default="label"
        The column of classes. None: the pictures have none, they are to be predicted.
    split : str or None, default=None
        The column that says "train", "val" or "test". None: the column "split", if there is one.
    group : str or None, default=None
        The column of what must stay together, such as the site or the patient. None: the column
        "group", if there is one.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        data : ndarray of shape (n,), str
            Paths, each with ``root`` in front: X of an estimator.
        filenames : ndarray of shape (n,), str
            The file of each picture: ``data``, if these are files.
        target : ndarray of shape (n,), str, or None
            Classes, as text.
        target_names : ndarray of shape (n_classes,), str, or None
            The classes, sorted.
        class_counts : ndarray of shape (n_classes,), int, or None
            Pictures per class.
        split : ndarray of shape (n,), str, or None
            Part of the split of each picture: ``data.data[data.split == "train"]``.
        groups : ndarray of shape (n,), str, or None
            The group of each, for splitters of scikit-learn such as
            :class:`~sklearn.model_selection.StratifiedGroupKFold`. A picture without one is a group
            of its own.
        left_out : dict of str to str
            Paths of files that are left out, with the reason: "no file", "no label", "several
            labels", "no part of the split", or several, "several files of that name"; or the place
            in the list, with "no path".
        DESCR : str
            What was read.
    (data, target) : tuple of ndarray
        If ``return_X_y``.

    Raises
    ------
    FileNotFoundError
        If there is no such table, or none of its pictures.
    ValueError
        If it lacks a column, has a line of another length, or a path that is not below ``root``.

    Warns
    -----
    UserWarning
        If pictures are left out; if a group has pictures in several parts of the split.

    See Also
    --------
    load_image_list : lines "path label" without names of columns.
    load_image_folder : labels by the names of folders.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_image_csv
    >>> root = Path(tempfile.mkdtemp())
    >>> for name in ("a.png", "b.png", "c.png"):
    ...     Image.new("RGB", (8, 8)).save(root / name)
    >>> lines = "file;species;site\na.png;fox;1\nb.png;fox;1\nc.png;lynx;2\n"
    >>> _ = (root / "list.csv").write_text(lines)
    >>> photos = load_image_csv(root / "list.csv", path="file", label="species", group="site")
    >>> photos.target.tolist(), photos.groups.tolist()
    (['fox', 'fox', 'lynx'], ['1', '1', '2'])
    """
    csv_file, root = open_list(csv_file, root)
    columns, rows = read_table(csv_file)
    split = "split" if split is None and "split" in columns else split
    group = "group" if group is None and "group" in columns else group
    check_column(columns, path, "path", csv_file)
    for parameter, column in (("label", label), ("split", split), ("group", group)):
        if column is not None:
            check_column(columns, column, parameter, csv_file)
    listed = (
        Row(
            row[path],
            None if label is None else row[label],
            None if split is None else row[split],
            None if group is None else row[group],
            f"{csv_file}, row {number}",
        )
        for number, row in enumerate(rows, start=1)
    )
    return collect_rows(listed, root, csv_file, return_X_y=return_X_y)
