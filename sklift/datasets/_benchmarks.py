"""ImageNet-LT, Places-LT and iNaturalist 2018 from the pictures and lists that a user has."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from ._list import load_image_list

ORIGIN = "published with Liu et al., 2019 (OpenLongTailRecognition) and with the code of LIFT"
IMAGENET_LT = {s: f"ImageNet_LT_{s}.txt" for s in ("train", "val", "test")}
PLACES_LT = {s: f"Places_LT_{s}.txt" for s in ("train", "val", "test")}
INATURALIST2018 = {s: f"iNaturalist18_{s}.txt" for s in ("train", "val")}


def load_imagenet_lt(
    root: str | os.PathLike,
    subset: str = "train",
    *,
    lists: str | os.PathLike | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load ImageNet-LT: 115846 training pictures in 1000 classes of 1280 to 5.

    Reads ``ImageNet_LT_train.txt``, ``ImageNet_LT_val.txt`` or ``ImageNet_LT_test.txt`` and, where
    it is there, ``classnames.txt``, with a folder name and a class name on each line. No picture is
    read.

    Parameters
    ----------
    root : path-like
        The folder of ImageNet's pictures, with ``train/n01440764`` and so on.
    subset : {"train", "val", "test"}, default="train"
        The long-tailed training pictures, 20 pictures per class to tune on, or 50 to test on.
    lists : path-like or None, default=None
        The folder of the text files. None: ``root``.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple of ndarray
        As from :func:`load_image_list`: paths, integer labels, ``target_names`` (None without
        ``classnames.txt``) and ``class_counts``.

    Raises
    ------
    FileNotFoundError
        If the list is missing, or its first picture.
    ValueError
        If ``subset`` is not valid or a file is not of its format.

    References
    ----------
    Liu, Miao, Zhan, Wang, Gong, Yu, "Large-Scale Long-Tailed Recognition in an Open World",
    CVPR 2019, arXiv 1904.05160.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_imagenet_lt
    >>> root = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(root / "1.png")
    >>> _ = (root / "ImageNet_LT_train.txt").write_text("1.png 0")
    >>> _ = (root / "classnames.txt").write_text("n01440764 tench")
    >>> load_imagenet_lt(root).target_names
    array(['tench'], dtype='<U5')
    """
    return _load(root, subset, lists, return_X_y, IMAGENET_LT, "classnames.txt")


def load_places_lt(
    root: str | os.PathLike,
    subset: str = "train",
    *,
    lists: str | os.PathLike | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load Places-LT: 62500 training pictures in 365 classes of 4980 to 5.

    Reads ``Places_LT_train.txt``, ``Places_LT_val.txt`` or ``Places_LT_test.txt`` and, where it is
    there, ``classnames.txt``, with a folder name and a class name on each line. No picture is read.

    Parameters
    ----------
    root : path-like
        The folder of the pictures of Places365 that the listed paths start from.
    subset : {"train", "val", "test"}, default="train"
        The long-tailed training pictures, 20 pictures per class to tune on, or 100 to test on.
    lists : path-like or None, default=None
        The folder of the text files. None: ``root``.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple of ndarray
        As from :func:`load_image_list`: paths, integer labels, ``target_names`` (None without
        ``classnames.txt``) and ``class_counts``.

    Raises
    ------
    FileNotFoundError
        If the list is missing, or its first picture.
    ValueError
        If ``subset`` is not valid or a file is not of its format.

    References
    ----------
    Liu, Miao, Zhan, Wang, Gong, Yu, "Large-Scale Long-Tailed Recognition in an Open World",
    CVPR 2019, arXiv 1904.05160.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_places_lt
    >>> root = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(root / "1.png")
    >>> _ = (root / "Places_LT_test.txt").write_text("1.png 0")
    >>> load_places_lt(root, "test").class_counts
    array([1])
    """
    return _load(root, subset, lists, return_X_y, PLACES_LT, "classnames.txt")


def load_inaturalist2018(
    root: str | os.PathLike,
    subset: str = "train",
    *,
    lists: str | os.PathLike | None = None,
    return_X_y: bool = False,
) -> Any:
    """Load iNaturalist 2018: 437513 training pictures of 8142 species, 1000 to 2 of each.

    Reads ``iNaturalist18_train.txt`` or ``iNaturalist18_val.txt`` and, where it is there, the
    competition's ``categories.json``, whose species names become the class names. No picture is
    read.

    Parameters
    ----------
    root : path-like
        The folder that holds ``train_val2018``.
    subset : {"train", "val"}, default="train"
        The long-tailed training pictures, or 3 pictures of each species: the usual test data.
    lists : path-like or None, default=None
        The folder of the text files and of ``categories.json``. None: ``root``.
    return_X_y : bool, default=False
        Return ``(data, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch` or tuple of ndarray
        As from :func:`load_image_list`: paths, integer labels, ``target_names`` (None without
        ``categories.json``) and ``class_counts``.

    Raises
    ------
    FileNotFoundError
        If the list is missing, or its first picture.
    ValueError
        If ``subset`` is not valid or a file is not of its format.

    References
    ----------
    Van Horn et al., "The iNaturalist Species Classification and Detection Dataset", CVPR 2018,
    arXiv 1707.06642.

    Examples
    --------
    >>> import json, tempfile
    >>> from pathlib import Path
    >>> from PIL import Image
    >>> from sklift.datasets import load_inaturalist2018
    >>> root = Path(tempfile.mkdtemp())
    >>> Image.new("RGB", (8, 8)).save(root / "1.png")
    >>> _ = (root / "iNaturalist18_train.txt").write_text("1.png 0")
    >>> names = [{"id": 0, "name": "Hermodice carunculata"}]
    >>> _ = (root / "categories.json").write_text(json.dumps(names))
    >>> load_inaturalist2018(root).target_names
    array(['Hermodice carunculata'], dtype='<U21')
    """
    return _load(root, subset, lists, return_X_y, INATURALIST2018, "categories.json")


def _load(root, subset, lists, return_X_y, files: dict[str, str], names_file: str):
    if subset not in files:
        raise ValueError(f"subset must be one of {', '.join(map(repr, files))}; got {subset!r}")
    lists = Path(root if lists is None else lists)
    if not (lists / files[subset]).is_file():
        raise FileNotFoundError(
            f"there is no {files[subset]} in {lists}: it is {ORIGIN}; give its folder as lists"
        )
    names = _class_names(lists / names_file) if (lists / names_file).is_file() else None
    return load_image_list(lists / files[subset], root, class_names=names, return_X_y=return_X_y)


def _class_names(path: Path) -> list[str]:
    """Class names by label: of a list of {"id", "name"}, or of lines "folder name"."""
    text = path.read_text(encoding="utf-8-sig")  # with or without a byte order mark
    if path.suffix == ".json":
        names = {entry["id"]: entry["name"] for entry in json.loads(text)}
        if sorted(names) != list(range(len(names))):
            raise ValueError(f"{path}: the ids must be 0, 1, ..., {len(names) - 1}")
        return [names[label] for label in range(len(names))]
    lines = [line.strip().partition(" ") for line in text.splitlines() if line.strip()]
    for folder, _, name in lines:
        if not name:
            raise ValueError(f'{path}: expected lines "folder name", got {folder!r}')
    return [name.strip() for _, _, name in lines]
