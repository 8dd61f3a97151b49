"""Decoding of one picture of any kind to (height, width, 3) uint8."""

from __future__ import annotations

import os
from io import BytesIO

import numpy as np
from PIL import Image, UnidentifiedImageError

from .._core._text import visible
from ._arrays import array_to_rgb, check_format, is_tensor, tensor_to_array
from ._declared import declared
from ._items import content_of, is_encoded
from ._levels import check_range
from ._pil import at_frame, check_mode, pil_to_rgb, to_frame
from ._reading import PLAIN, Reading


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
        with _open(BytesIO(content_of(image)), name) as opened:
            to_frame(opened, name, reading.frame)
            factor = factor_for(opened.size, least)
            return _reduced_pixels(opened, name, reading, factor, may_draft=True)
    if isinstance(image, Image.Image):
        with at_frame(image, name, reading.frame) as (image, own):
            factor = factor_for(image.size, least)
            return _reduced_pixels(image, name, reading, factor, may_draft=own)
    if is_tensor(image):
        image = tensor_to_array(image, name, channel_axis=0, reading=reading)
    if isinstance(image, np.ndarray):
        pixels = array_to_rgb(np.asarray(image), name, reading)
        return _averaged(pixels, factor_for(pixels.shape[:2], least))
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
    with _open(path) as image:
        to_frame(image, visible(path), reading.frame)
        return pil_to_rgb(image, visible(path), reading)


def read_reduced(path, factor: int, reading: Reading = PLAIN) -> np.ndarray:
    """Decode an image file as `read` does, but at a half, quarter or eighth of its size.

    JPEG files are decoded at that size, which is faster; others are averaged over
    squares of pixels afterwards. ``factor`` is 2, 4 or 8 and divides both sides.
    """
    with _open(path) as image:
        to_frame(image, visible(path), reading.frame)
        return _reduced_pixels(image, visible(path), reading, factor, may_draft=True)


def factor_for(sides: tuple[int, ...], least: int | None) -> int:
    """Return 1, 2, 4 or 8, what sides may be divided by where the shorter one keeps `least`."""
    if least is None:
        return 1
    # one that divides both sides: else all that is seen would move by a part of a pixel
    whole = (f for f in (8, 4, 2) if not any(side % f for side in sides))
    return next((f for f in whole if min(sides) >= f * least), 1)


def check_file(path, reading: Reading = PLAIN) -> tuple[int, int]:
    """Raise what `read` would raise, as far as the first bytes of the file tell.

    Returns
    -------
    tuple (width, height)
        The size as it is stored: ``read`` may turn the picture upright.
    """
    with _open(path) as image:
        to_frame(image, visible(path), reading.frame)
        check_mode(image, visible(path), reading)
        declared(image, visible(path), reading)
        return image.size


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


def check_encoded(item, name: str, reading: Reading = PLAIN) -> None:
    """Raise what `to_rgb` would raise on the first bytes of what can be read as a file."""
    with _open(BytesIO(content_of(item)), name) as image:
        to_frame(image, name, reading.frame)
        check_mode(image, name, reading)
        declared(image, name, reading)


def open_image(item, name: str) -> Image.Image:
    """Open a file, by its path, or what can be read as one."""
    return _open(BytesIO(content_of(item)), name) if is_encoded(item) else _open(item, name)


def _reduced_pixels(image, name: str, reading: Reading, factor: int, may_draft: bool) -> np.ndarray:
    if factor == 1:
        return pil_to_rgb(image, name, reading)
    width, height = image.size[0] // factor, image.size[1] // factor
    if may_draft:
        image.draft(None, (width, height))  # leaves all but JPEG as they are
    left = image.size[0] // width
    return _averaged(pil_to_rgb(image, name, reading), left)


def _averaged(pixels: np.ndarray, factor: int) -> np.ndarray:
    return pixels if factor == 1 else np.asarray(Image.fromarray(pixels).reduce(factor))


def _no_image(image, name: str) -> str:
    return (
        f"{name} is of type {type(image).__name__}: a picture is a PIL image, an array "
        f"(height, width) or (height, width, c), a torch tensor (c, height, width), or the content "
        f"of a file"
    )


def _formats() -> list[str]:
    """What Pillow reads by now, but for PostScript, for which it would start another program."""
    Image.init()
    return [name for name in Image.OPEN if name != "EPS"]


def _open(place, name: str | None = None) -> Image.Image:
    in_memory = isinstance(place, BytesIO)
    name = visible(place) if name is None else name
    if not in_memory and os.path.exists(place) and not os.path.isfile(place):
        # a pipe would be waited for
        what = "a directory" if os.path.isdir(place) else "no regular file"
        raise ValueError(f"{name}: this is {what}, not a picture file")
    try:
        return Image.open(place, formats=_formats())
    except FileNotFoundError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        size = len(place.getbuffer()) if in_memory else os.path.getsize(place)
        raise ValueError(f"{name}: {visible(_why_unreadable(size, error))}") from error


def _why_unreadable(size: int, error: Exception) -> str:
    if isinstance(error, UnidentifiedImageError):
        return "the file is empty" if size == 0 else "no picture that Pillow reads"
    remedy = ""
    if isinstance(error, Image.DecompressionBombError):
        remedy = "; if you trust it, raise PIL.Image.MAX_IMAGE_PIXELS"
    return f"the file can't be read as a picture ({error}){remedy}"
