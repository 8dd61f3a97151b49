"""PIL images -> (height, width, 3) uint8."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from PIL import ExifTags, Image, ImageFile

from ._arrays import array_to_rgb, check_channels, on_white
from ._declared import check_pages, declared, step_of_key
from ._reading import PLAIN, Reading

# EXIF orientation -> what sets the picture upright. Pillow's `exif_transpose` does the same, but
# rewrites the EXIF block as well, which fails on the damaged blocks that real collections hold.
_UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def pil_to_rgb(image: Image.Image, name: str, reading: Reading = PLAIN) -> np.ndarray:
    """Convert an image that stands at its frame; it is loaded."""
    check_mode(image, name, reading)
    check_pages(image, name, reading)
    said = declared(image, name, reading)
    if said.stretched and reading.value_range != "percentiles":
        reading = replace(reading, value_range=None)
    key, step = image.info.get("transparency"), step_of_key(image)
    try:
        image.load()  # before the orientation is looked up: the TIFF reader turns images itself
        image = _set_upright(image)
        if step > 1 and isinstance(key, int):
            image = image.copy()
            image.info["transparency"] = key * step
        if not image.mode.startswith(("I", "F")):
            if reading.value_range is None and reading.channels is None:
                if image.has_transparency_data:
                    return on_white(image)
                return np.asarray(image.convert("RGB"))
            bands = _bands(image, reading)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise ValueError(f"{name}: the picture can't be decoded ({error})") from error
    if not image.mode.startswith(("I", "F")):
        return array_to_rgb(bands, name, reading)
    pixels = np.asarray(image)
    clear = pixels == key if isinstance(key, int) else None
    if image.mode != "F" and reading.value_range is None:
        pixels = _sixteen_bits(pixels, image.mode, name)
    if said.shift:
        pixels = pixels >> said.shift
    bits = None if image.mode == "F" else said.depth_of(pixels)
    rgb = array_to_rgb(pixels, name, reading, bits)
    if said.white_is_zero:
        rgb = 255 - rgb
    if clear is not None and clear.any():
        rgb = np.where(clear[..., None], np.uint8(255), rgb)
    return rgb


def check_mode(image: Image.Image, name: str, reading: Reading = PLAIN) -> None:
    """Refuse an image without a size, of floats without a range, or without the channels."""
    if image.mode == "F" and reading.value_range is None:
        raise ValueError(
            f"{name} is a picture of mode 'F' (floats of no fixed range): give it as an array of "
            f"floats in [0, 1], or say which values are black and white with "
            f"reader__value_range=(low, high)"
        )
    if 0 in image.size:
        raise ValueError(f"{name}: the picture is empty, its size is {image.size}")
    if reading.channels is not None and image.mode in ("L", "LA", "RGB", "RGBA", "I;16", "I", "F"):
        clear = image.mode in ("L", "RGB") and "transparency" in image.info
        check_channels(len(image.getbands()) + clear, name, reading)


def to_frame(image: Image.Image, name: str, frame: int | str) -> None:
    """Go to a frame of an image, which has one where its format knows of no more."""
    if frame == 0:
        return
    wanted = frame_of(count_frames(image, name), name, frame)
    if not wanted:
        return
    try:
        image.seek(wanted)
    except MemoryError:
        raise
    except Exception as error:  # Pillow's plugins raise nearly anything on damaged files
        raise ValueError(f"{name}: frame {wanted} can't be found ({error})") from error


def count_frames(image: Image.Image, name: str) -> int:
    """Number of frames of an image, 1 where its format knows of no more.

    Raises
    ------
    ValueError
        If the file is cut off or damaged.
    """
    try:
        return int(getattr(image, "n_frames", 1))
    except MemoryError:
        raise
    except Exception as error:  # as above
        raise ValueError(f"{name}: its frames can't be counted ({error})") from error


def frame_of(n: int, name: str, frame: int | str) -> int:
    """The frame that is asked for, counted from the first of `n`."""
    wanted = n // 2 if isinstance(frame, str) else frame  # the middle, also of all
    if not -n <= wanted < n:
        raise ValueError(
            f"{name} has {n} frame{'s' * (n > 1)}, reader__frame={frame!r} is none of them "
            f"(counted from 0)"
        )
    return wanted % n


@contextmanager
def at_frame(image: Image.Image, name: str, frame: int | str) -> Iterator[tuple[Image.Image, bool]]:
    """Stand at a frame of a user's image, and tell whether it is a copy that may be changed.

    An image that was opened and not loaded is opened anew where that can be done, so that its
    pixels don't stay in the user's object.
    """
    again = _opened_anew(image)
    if again is not None:
        with again:
            to_frame(again, name, frame)
            yield again, True
        return
    before = image.tell() if frame != 0 else 0
    try:
        to_frame(image, name, frame)
        yield image, False
    finally:
        if frame != 0 and image.tell() != before:
            image.seek(before)


def opened_by_pillow(place: str | BytesIO, formats: list[str]) -> Image.Image:
    """Open a file that is of one of some formats."""
    image = Image.open(place, formats=formats)
    if image.format == "TIFF":
        # else Pillow 13 maps the file, and mixes up the rows of a picture that lies on its side
        image.filename = ""
    return image


def _opened_anew(image: Image.Image) -> Image.Image | None:
    if not isinstance(image, ImageFile.ImageFile) or image.format is None or _is_loaded(image):
        return None
    place = _place_of(image)
    if place is None:
        return None
    try:
        again = opened_by_pillow(place, ["JPEG" if image.format == "MPO" else image.format])
        if image.tell():
            again.seek(image.tell())
        # drafts and files that have changed are other pictures
        if (again.format, again.size, again.mode) == (image.format, image.size, image.mode):
            return again
        again.close()
    except Exception:  # what is wrong with it is said where it is loaded
        pass
    return None


def _is_loaded(image: ImageFile.ImageFile) -> bool:
    """Whether an image holds its pixels, which may have been changed since they were read."""
    try:
        held = image.im is not None
    except AssertionError:
        held = False
    return held and not image.tile  # of the next frame of an animation


def _place_of(image: ImageFile.ImageFile) -> str | BytesIO | None:
    """Where an image was opened from: its path, or a copy of what its file object holds."""
    path = getattr(image, "filename", None)
    file: Any = getattr(image, "fp", None)
    if path and os.path.isfile(path):
        return os.fspath(path)
    if isinstance(file, BytesIO):
        return BytesIO(file.getvalue())
    try:
        place = file.tell()
        file.seek(0)
        content = file.read()
        file.seek(place)
    except Exception:  # there is none, or it is closed, or read but once
        return None
    return BytesIO(content)


def _bands(image: Image.Image, reading: Reading) -> np.ndarray:
    """The channels of an image of 8 bits or less."""
    if image.mode == "1":
        return np.asarray(image)
    if image.mode in ("La", "RGBa"):  # premultiplied
        image = image.convert({"La": "LA", "RGBa": "RGBA"}[image.mode])
    grey = image.mode in ("L", "LA")
    if image.has_transparency_data:
        image = image.convert("LA" if grey and reading.channels is not None else "RGBA")
    elif not grey:
        image = image.convert("RGB")
    return np.asarray(image)


def _set_upright(image: Image.Image) -> Image.Image:
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # a damaged EXIF block says nothing about the orientation
        return image
    return image.transpose(_UPRIGHT[orientation]) if orientation in _UPRIGHT else image


def _sixteen_bits(pixels: np.ndarray, mode: str, name: str) -> np.ndarray:
    if pixels.min() < 0 or pixels.max() > 65535:
        raise ValueError(
            f"{name}: integers of mode {mode!r} are in 0..65535, found {pixels.min()} to "
            f"{pixels.max()}; reader__value_range=(low, high) says which are black and white"
        )
    return pixels.astype(np.uint16)
