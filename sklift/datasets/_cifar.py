"""CIFAR-10-LT and CIFAR-100-LT from the standard archives."""

from __future__ import annotations

import os
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch, check_random_state

from ._home import get_data_home
from ._inert_pickle import load_inert
from ._long_tailed import check_imbalance_ratio, draw, profile

_LONGEST = 1000  # letters of a class name

DESCR = """\
{title}, {subset} images
{n} colour pictures of 32 x 32 pixels in {n_classes} classes, {high} to {low} per class.
Source: Alex Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html. The long tail: Cao, Wei, Gaidon, Arechiga, Ma,
"Learning Imbalanced Datasets with Label-Distribution-Aware Margin Loss", NeurIPS 2019.
"""


@dataclass(frozen=True)
class _Archive:
    """Names and content of a standard archive."""

    title: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]
    meta: str
    labels: str

    @property
    def file(self) -> str:
        return f"{self.folder.replace('batches-py', 'python')}.tar.gz"


ARCHIVES = {
    "cifar10": _Archive(
        title="CIFAR-10",
        folder="cifar-10-batches-py",
        train=tuple(f"data_batch_{i}" for i in range(1, 6)),
        test=("test_batch",),
        meta="batches.meta",
        labels="label",
    ),
    "cifar100": _Archive(
        title="CIFAR-100",
        folder="cifar-100-python",
        train=("train",),
        test=("test",),
        meta="meta",
        labels="fine_label",
    ),
}


def load_cifar_lt(
    name: str = "cifar100",
    imbalance_ratio: float = 100,
    *,
    subset: str = "train",
    path: str | os.PathLike | None = None,
    random_state=0,
    return_X_y: bool = False,
) -> Any:
    r"""Load CIFAR-10-LT or CIFAR-100-LT from the standard archive.

    Class c = 0, ..., C - 1 of the training pictures, in the order of the archive, keeps
    :math:`\lfloor n \rho^{-c / (C - 1)} \rfloor` random ones, where :math:`\rho` is
    ``imbalance_ratio`` and n is 500 for CIFAR-100 and 5000 for CIFAR-10. The defaults give the
    10847 pictures of CIFAR-100-LT that the authors of LIFT train on, in their order: class by
    class. The test pictures are never reduced.

    Nothing is downloaded. The files inside the archive are pickles; they are read without running
    anything that they name.

    Parameters
    ----------
    name : {"cifar100", "cifar10"}, default="cifar100"
        The data set.
    imbalance_ratio : float, default=100
        Size of the largest class over that of the smallest; published are 10, 50 and 100, and 1
        keeps all pictures.
    subset : {"train", "test"}, default="train"
        The long-tailed training pictures, or the balanced test pictures.
    path : path-like or None, default=None
        The archive ``cifar-100-python.tar.gz`` or ``cifar-10-python.tar.gz``, the folder unpacked
        from it, or a folder that holds either. None: :func:`get_data_home`.
    random_state : int, RandomState instance or None, default=0
        Seed by which training pictures are chosen; 0 gives the choice of the authors.
    return_X_y : bool, default=False
        Return ``(images, target)`` instead of a Bunch.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        images : ndarray of shape (n, 32, 32, 3), uint8
            RGB.
        target : ndarray of shape (n,), str
            The class name of each; for CIFAR-100 the fine one.
        target_names : ndarray of shape (n_classes,), str
            All classes in the order of the archive, which is sorted.
        class_counts : ndarray of shape (n_classes,), int
            Pictures per class in this subset.
        indices : ndarray of shape (n,), int
            The row of each picture in the archive's subset.
        DESCR : str
            Description and sources.
    (images, target) : tuple of ndarray
        If ``return_X_y``.

    Raises
    ------
    FileNotFoundError
        If the archive is not there; the message says which file it is and who publishes it.
    ValueError
        If a parameter is not valid, or the archive can't be read.

    See Also
    --------
    make_long_tailed : the same for any data.

    References
    ----------
    Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.
    Cao, Wei, Gaidon, Arechiga, Ma, "Learning Imbalanced Datasets with Label-Distribution-Aware
    Margin Loss", NeurIPS 2019, arXiv 1906.07413.

    Examples
    --------
    >>> import tempfile
    >>> from sklift.datasets import load_cifar_lt
    >>> try:
    ...     load_cifar_lt("cifar100", path=tempfile.mkdtemp())
    ... except FileNotFoundError as error:
    ...     print(str(error).partition(" in ")[0])
    no cifar-100-python.tar.gz and no folder cifar-100-python
    """
    if name not in ARCHIVES:
        raise ValueError(f"name must be 'cifar100' or 'cifar10'; got {name!r}")
    if subset not in ("train", "test"):
        raise ValueError(f"subset must be 'train' or 'test'; got {subset!r}")
    check_imbalance_ratio(imbalance_ratio)
    archive = ARCHIVES[name]
    place = _find(get_data_home() if path is None else Path(path), archive)
    target_names, codes, rows = _read(place, archive, getattr(archive, subset))
    indices = np.arange(len(codes))
    if subset == "train":
        counts = profile(len(target_names), len(codes) / len(target_names), imbalance_ratio)
        indices = draw(codes, counts, check_random_state(random_state))
    # A row of the archive is a red, a green and a blue plane.
    planes = rows[indices]
    images = np.ascontiguousarray(planes.reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1))
    target = target_names[codes[indices]]
    if return_X_y:
        return images, target
    class_counts = np.bincount(codes[indices], minlength=len(target_names))
    return Bunch(
        images=images,
        target=target,
        target_names=target_names,
        class_counts=class_counts,
        indices=indices,
        DESCR=DESCR.format(
            title=archive.title,
            subset=subset,
            n=len(images),
            n_classes=len(target_names),
            high=class_counts.max(),
            low=class_counts.min(),
        ),
    )


def _find(path: Path, archive: _Archive) -> Path:
    """Return the path of the archive, or of the folder unpacked from it."""
    if path.is_file() or (path / archive.meta).is_file():
        return path
    for name in (archive.folder, archive.file):
        if (path / name).exists():
            return path / name
    raise FileNotFoundError(
        f"no {archive.file} and no folder {archive.folder} in {path}: download the python version "
        f"of {archive.title}, {archive.file}, from https://www.cs.toronto.edu/~kriz/cifar.html and "
        f"give its place as path"
    )


def _read(
    path: Path, archive: _Archive, members: tuple[str, ...]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return class names, the code of each picture, and rows of its pixels."""
    try:
        meta, *batches = _load_all(path, archive, (archive.meta, *members))
        names = _checked_names(meta[f"{archive.labels}_names"])
        labels = f"{archive.labels}s"
        pairs = [_checked(batch[labels], batch["data"], len(names)) for batch in batches]
    except Exception as error:  # a damaged archive or pickle raises nearly anything
        raise ValueError(f"{path} can't be read as {archive.title}: {error}") from error
    codes, rows = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    return names, codes, rows


def _load_all(path: Path, archive: _Archive, members: tuple[str, ...]) -> list[dict]:
    """Return the dictionaries in the files of an archive or folder."""
    if path.is_dir():
        return [_load((path / member).open("rb")) for member in members]
    with tarfile.open(path) as tar:
        return [_load(tar.extractfile(f"{archive.folder}/{member}")) for member in members]


def _load(file) -> dict:
    with file:
        return load_inert(file)


def _checked_names(names) -> np.ndarray:
    # an array is as wide as its longest text
    if not isinstance(names, list) or not all(
        isinstance(name, (str, bytes)) and len(name) <= _LONGEST for name in names
    ):
        raise ValueError("its class names are no list of short texts")
    return np.array(names).astype(str)


def _checked(codes, rows, n_classes: int) -> tuple[np.ndarray, np.ndarray]:
    if not isinstance(codes, list) or not all(type(c) is int and 0 <= c < n_classes for c in codes):
        raise ValueError(f"its labels are no list of numbers below {n_classes}")
    if (
        not isinstance(rows, np.ndarray)
        or rows.dtype != np.uint8
        or rows.shape != (len(codes), 3 * 32 * 32)
    ):
        raise ValueError("its pixels are no array of 3072 bytes for each label")
    return np.array(codes, dtype=int), rows
