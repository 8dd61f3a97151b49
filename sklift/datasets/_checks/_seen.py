"""Measures of single pictures, in one pass over all: the only one in which they are decoded."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from PIL import Image

from ...images._sources import ImageSource
from ._taken import Taken, when_taken

SIDE = 224  # pixels of the shorter side at which pictures are looked at, as models do
SMALL, GREY = 32, 64  # pixels of a side of pictures that are compared, in colours and in grey
FEW = 16  # colours that are counted, at most: a mask has no more
WINDOW = 9  # pixels over which a picture is blurred once more
_LEAST = 16  # pixels of a side below which blur can't be told


class Seen(NamedTuple):
    """What was seen of a picture.

    Parameters
    ----------
    reason : str or None
        Why it can't be read.
    side : int
        Pixels of its shorter side.
    ends : tuple of int
        The levels of grey that 0, 1, 99 and 100 % of its pixels stay below.
    blur : float
        From 0, sharp, to 1.
    flat : float
        The share of neighbouring pixels that are equal: below 0.3 in photographs, above 0.6 in
        drawings.
    few : int or None
        Number of colours, if there are 16 at most.
    small : ndarray of shape (32, 32, 3), uint8, or None
        The picture, squeezed.
    grey : ndarray of shape (64, 64), uint8, or None
        Its levels of grey.
    digest : bytes
        Equal for equal pictures only.
    taken : Taken or None
        When it was taken, and by which camera, if the file says it.
    """

    reason: str | None
    side: int = 0
    ends: tuple[int, ...] = (0, 0, 0, 0)
    blur: float = 0.0
    flat: float = 0.0
    few: int | None = None
    small: np.ndarray | None = None
    grey: np.ndarray | None = None
    digest: bytes = b""
    taken: Taken | None = None


def see(source: ImageSource, i: int, name: str, path: str | None) -> Seen:
    """Look at one picture of a source, which is reduced where it is large.

    Parameters
    ----------
    source : ImageSource
        The pictures.
    i : int
        The index of the picture.
    name : str
        What errors call it.
    path : str or None
        Its file, if it is one.
    """
    try:
        image = source[i]
        side = min(image.shape[:2]) * source.factor(i)
        digest = source.fingerprint(i)
    except FileNotFoundError:
        return Seen("there is no such file")
    except Exception as error:  # whatever it is, it is the picture's
        return Seen(str(error).removeprefix(f"{name}: ") or type(error).__name__)
    whole = Image.fromarray(image)
    colours = whole.getcolors(FEW)
    factor = SIDE / min(whole.size)
    seen = whole
    if factor < 1:
        size = [max(1, round(length * factor)) for length in whole.size]
        seen = whole.resize(size, Image.Resampling.BOX)
    grey = np.asarray(seen.convert("L"))
    ends = tuple(np.percentile(grey, (0, 1, 99, 100)).astype(int).tolist())
    taken = None if path is None else when_taken(path)
    flat = float((grey[:, 1:] == grey[:, :-1]).mean()) if grey.shape[1] > 1 else 1.0
    few = None if colours is None else len(colours)
    return Seen(None, side, ends, blur_of(grey), flat, few, *levels_of(whole), digest, taken)


def levels_of(image: Image.Image) -> tuple[np.ndarray, np.ndarray]:
    """A picture as it is compared: (32, 32, 3) in colours, and (64, 64) in grey."""
    return _squeezed(image, SMALL), _squeezed(image.convert("L"), GREY)


def _squeezed(image: Image.Image, side: int) -> np.ndarray:
    """A picture as a small square (side, side[, 3]), its pixels means of areas."""
    return np.asarray(image.resize((side, side), Image.Resampling.BILINEAR))


def blur_of(grey: np.ndarray) -> float:
    """How little a picture changes where it is blurred once more, from 0 (much) to 1.

    For each direction, the share of the differences between neighbours that a mean over nine
    pixels leaves (Crete et al., "The blur effect: perception and estimation with a new no-reference
    perceptual blur metric", SPIE 6492, 2007); the larger of the two.

    Parameters
    ----------
    grey : ndarray of shape (height, width), uint8
        The picture.
    """
    if min(grey.shape) < _LEAST:
        return 0.0
    values = grey.astype(np.float32)
    return max(_left(values), _left(values.T))


def _left(values: np.ndarray) -> float:
    """The share of the differences between neighbouring rows that blurring leaves."""
    middle = WINDOW // 2
    before = np.abs(np.diff(values[middle : len(values) - middle], axis=0))
    after = np.abs(values[WINDOW:] - values[:-WINDOW]) / WINDOW  # differences of sliding means
    total = before.sum(dtype=np.float64)
    return float(np.minimum(before, after).sum(dtype=np.float64) / total) if total else 0.0
