"""Pictures as they are named on a command line: files, folders and lists."""

from __future__ import annotations

import argparse
import os
import re
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from .._core._text import visible
from ..datasets import list_images, load_image_csv, load_image_folder, load_image_list
from ..datasets._files import endings
from ..datasets._text_files import read_text, unquoted

TABLES = (".csv", ".tsv")


@dataclass(frozen=True)
class Pictures:
    """Paths of pictures with labels.

    Parameters
    ----------
    paths : ndarray of shape (n,), str
        The files.
    labels : ndarray of shape (n,)
        The class of each.
    left_out : dict of str to str
        Other files, with the reason.
    groups : ndarray of shape (n,), str, or None
        What must stay together in a split, such as the site of each.
    split : ndarray of shape (n,), str, or None
        The part of a given split that each is in.
    """

    paths: np.ndarray
    labels: np.ndarray
    left_out: dict[str, str]
    groups: np.ndarray | None = None
    split: np.ndarray | None = None

    def __len__(self) -> int:
        return len(self.paths)

    def picked(self, indices: np.ndarray) -> Pictures:
        """Some of the pictures."""
        given = {k: v for k, v in vars(self).items() if isinstance(v, np.ndarray)}
        return replace(self, **{k: v[indices] for k, v in given.items()})


def add_labels(parser: argparse.ArgumentParser) -> None:
    """Declare where labels are found."""
    parser.add_argument(
        "--labels",
        metavar="TABLE",
        help="a CSV file of paths, from the folder of pictures on, and labels",
    )
    parser.add_argument("--path_column", metavar="NAME", help='its paths (default "path")')
    parser.add_argument("--label_column", metavar="NAME", help='its labels (default "label")')
    parser.add_argument(
        "--group_column", metavar="NAME", help="what must not be torn apart: sites, patients"
    )


def with_labels(
    place: str, options: argparse.Namespace, table: str | None = None, levels: str | None = None
) -> Pictures:
    """The pictures of a folder with one sub-folder per class, of a list, or of a CSV file.

    ``levels`` says what the folders are, where it is not None.

    Raises
    ------
    FileNotFoundError
        If there is no such folder or list, or none of the pictures that it names.
    ValueError
        If it is no such folder or list.
    """
    _check_there(place)
    if levels is not None and (table is not None or not os.path.isdir(place)):
        raise ValueError("--levels goes with a folder of pictures, without a table")
    if table is not None:
        if not os.path.isdir(place):
            raise ValueError(f"--labels goes with a folder of pictures; {place} is a file")
        return _of_table(Path(table), Path(place), options)
    if os.path.isdir(place):
        found = load_image_folder(place, levels=levels or "class")
        return Pictures(found.data, found.target, found.left_out, found.groups, found.split)
    if place.lower().endswith(TABLES):
        return _of_table(Path(place), Path(place).parent, options)
    if place.lower().endswith(endings(None)):
        raise ValueError(f"{place} is one picture: name a folder, a list or a CSV file with labels")
    found = load_image_list(place)
    return Pictures(found.data, found.target, {})


def check_columns(place: str, options: argparse.Namespace) -> None:
    """Refuse names of columns where there is no table: a group that is not kept is no group.

    Raises
    ------
    ValueError
        If there is such a name.
    """
    if options.labels is not None or place.lower().endswith(TABLES):
        return
    for name in ("path_column", "label_column", "group_column"):
        if getattr(options, name) is not None:
            raise ValueError(
                f"--{name} is a column of a table: give --labels TABLE, or a CSV file; {place} is "
                "none"
            )


def without_labels(places: list[str], options: argparse.Namespace) -> list[str]:
    """Paths of the pictures in folders, of lists of paths, and of single files, each once."""
    paths: dict[str, None] = {}
    for place in places:
        _check_there(place)
        if os.path.isdir(place):
            found = list_images(place).tolist()
        elif place.lower().endswith(TABLES):
            listed = load_image_csv(place, path=options.path_column or "path", label=None)
            found = [
                *listed.data.tolist(),
                *listed.left_out,
            ]  # of those too something is to be said
        elif place.lower().endswith(".txt"):
            found = _of_list(Path(place))
        else:
            found = [place]
        paths |= dict.fromkeys(found)
    return list(paths)


def _of_table(table: Path, root: Path, options: argparse.Namespace) -> Pictures:
    if not table.exists():
        raise FileNotFoundError(f"there is no table {table}")
    path, label = options.path_column or "path", options.label_column or "label"
    found = load_image_csv(table, root, path=path, label=label, group=options.group_column)
    return Pictures(found.data, found.target, found.left_out, found.groups, found.split)


def _of_list(file: Path) -> list[str]:
    """Paths on the lines of a text file, which may have the numbers of labels behind them."""
    found = []
    for line in read_text(file).splitlines():
        path = os.path.join(file.parent, unquoted(line.strip()))
        if line.strip() and not os.path.exists(path):
            of_label = re.fullmatch(r"(.*\S)\s+\d{1,9}", line.strip())
            without = of_label and os.path.join(file.parent, unquoted(of_label[1]))
            path = without if without and os.path.exists(without) else path
            path = path if os.path.exists(path) else path.replace("\\", os.sep)  # from Windows
        found += [path] if line.strip() else []
    if found and not any(map(os.path.exists, found)):
        raise FileNotFoundError(
            f"none of the {len(found)} lines of {file} names a file: each must be a path, from the "
            f"folder of the list on; the first would be {visible(found[0])}; of a table with "
            "columns, the name must end with .csv"
        )
    return found


def _check_there(place: str) -> None:
    if not os.path.exists(place):
        raise FileNotFoundError(f"there is no folder or file {place}")
