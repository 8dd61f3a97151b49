"""Decoding of one picture of any kind to (height, width, 3) uint8."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from PIL import Image

from .._core._text import visible
from ._arrays import array_to_rgb, check_format, check_mask, is_tensor, tensor_to_array
from ._items import is_encoded, is_path
from ._levels import check_range
from ._opened import averaged, opened, reduced_pixels
from ._pil import at_frame, check_mode, count_frames
from ._reading import PLAIN, Reading


class Header(NamedTuple):
    """What the first bytes of a file tell.

    Parameters
    ----------
    size : tuple (width, height)
        The size as it is stored: ``read`` may turn the picture upright.
    decoder : str
        The format that reads it, with the versions of its packages; empty for Pillow's own.
    n_frames : int
        The number of its frames, where all are asked for, else 1: some formats have to be read to
        the end for it.
    """

    size: tuple[int, int]
    decoder: str
    n_frames: int


def to_rgb(
    image, name: str = "image", reading: Reading = PLAIN, least: int | None = None
) -> np.ndarray:
    """Convert one image to 8-bit RGB.

    Parameters
    ----------
    image : PIL.Image.Image, ndarray, torch.Tensor, bytes or file object
        A PIL image of any mode: the EXIF orientation is applied, transparency is composited
        on white, 16 bits become 8. An array (height, width) or (height, width, c), or a tensor
        (height, width) or (c, height, width), with c in 1, 3, 4 and values of type bool, uint8,
        uint16 (divided by 257) or float in [0, 1]. The content of a file, or what can be read as
        one, such as a member of an archive.
    name : str
        What error messages call the image, such as "X[3]".
    reading : Reading
        Another range of values, channels or frame.
    least : int, default=None
        Both sides are divided by 2, 4 or 8 where that leaves so many pixels.

    Returns
    -------
    ndarray of shape (height, width, 3), uint8, C-contiguous
        It may share memory with ``image``.

    Raises
    ------
    TypeError
        The object is no picture.
    ValueError
        The shape, type or range of the values is none of the above, or the picture is damaged.
    """
    if is_encoded(image):
        with opened(image, name, reading) as picture:
            return picture.rgb(factor_for(picture.size, least))
    if isinstance(image, Image.Image):
        with at_frame(image, name, reading.frame) as (image, own):
            factor = factor_for(image.size, least)
            return reduced_pixels(image, name, reading, factor, may_draft=own)
    if is_tensor(image):
        image = tensor_to_array(image, name, channel_axis=0, reading=reading)
    if isinstance(image, np.ndarray):
        check_mask(image, name)
        pixels = array_to_rgb(np.asarray(image), name, reading)
        return averaged(pixels, factor_for(pixels.shape[:2], least))
    raise TypeError(_no_image(image, name))


def read(path, reading: Reading = PLAIN) -> np.ndarray:
    """Decode an image file to (height, width, 3) uint8.

    Raises
    ------
    FileNotFoundError
        There is no such file.
    ValueError
        The file is a directory, empty, truncated, far too large, or no picture; the message names
        it.
    """
    with opened(path, visible(path), reading) as picture:
        return picture.rgb()


def read_reduced(path, factor: int, reading: Reading = PLAIN) -> np.ndarray:
    """Decode an image file as `read` does, but at a half, quarter or eighth of its size.

    JPEG files are decoded at that size, which is faster; others are averaged over
    squares of pixels afterwards. ``factor`` is 2, 4 or 8 and divides both sides.
    """
    with opened(path, visible(path), reading) as picture:
        return picture.rgb(factor)


def factor_for(sides: tuple[int, ...], least: int | None) -> int:
    """Return 1, 2, 4 or 8, what sides may be divided by where the shorter one keeps `least`."""
    if least is None:
        return 1
    # one that divides both sides: else all that is seen would move by a part of a pixel
    whole = (f for f in (8, 4, 2) if not any(side % f for side in sides))
    return next((f for f in whole if min(sides) >= f * least), 1)


def check_file(path, reading: Reading = PLAIN) -> Header:
    """Raise what `read` would raise, as far as the first bytes of the file tell."""
    return check_encoded(path, visible(path), reading)


def check_image(image, name: str, reading: Reading = PLAIN) -> None:
    """Raise what `to_rgb` would raise on the kind, shape, dtype and range of an image."""
    if isinstance(image, Image.Image):
        check_mode(image, name, reading)
    elif is_tensor(image):
        if image.device.type == "cpu":  # elsewhere the look would cost a transfer
            check_image(tensor_to_array(image, name, 0, reading), name, reading)
    elif isinstance(image, np.ndarray):
        check_format(image, name, reading=reading)
        check_range(image, name, reading=reading)
    elif not is_encoded(image):
        raise TypeError(_no_image(image, name))


def check_encoded(item, name: str, reading: Reading = PLAIN) -> Header:
    """Raise what `to_rgb` would raise on the first bytes of what can be read as a file."""
    with opened(item, name, reading) as picture:
        picture.check()
        n_frames = picture.n_frames if reading.frame == "all" else 1
        return Header(picture.size, picture.decoder, n_frames)


def frames_of(image, name: str, reading: Reading = PLAIN) -> int:
    """Number of frames of one image of any kind."""
    if is_path(image):
        return check_file(image, reading).n_frames
    if is_encoded(image):
        return check_encoded(image, name, reading).n_frames
    return count_frames(image, name)


def _no_image(image, name: str) -> str:
    return (
        f"{name} is of type {type(image).__name__}: a picture is a PIL image, an array "
        f"(height, width) or (height, width, c), a torch tensor (c, height, width), or the content "
        f"of a file{_of_items(image)}"
    )


def _of_items(image) -> str:
    """A hint on dicts, as MONAI and tables of Hugging Face have them, and on tuples."""
    if isinstance(image, Mapping) and isinstance(image.get("bytes"), bytes):
        return '; give what is under "bytes" in each'
    if isinstance(image, Mapping):
        keys = ", ".join(map(repr, list(image)[:5]))
        return f"; give (picture, label) pairs of what is under {keys}"
    if isinstance(image, tuple):
        return "; give (picture, label) pairs"
    return ""
