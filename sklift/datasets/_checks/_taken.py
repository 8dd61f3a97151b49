"""Times at which pictures were taken, as cameras write them into their files."""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from PIL import Image

_MAKE, _MODEL, _EXIF = 0x010F, 0x0110, 0x8769
_ORIGINAL, _PARTS_OF_A_SECOND, _SERIAL_NUMBER = 0x9003, 0x9291, 0xA431


class Taken(NamedTuple):
    """When a picture was taken, and by which camera.

    Parameters
    ----------
    seconds : float
        The time, by the clock of the camera.
    camera : tuple of str
        Its make, model and serial number, as far as the file has them.
    """

    seconds: float
    camera: tuple[str, ...]


def when_taken(path: str) -> Taken | None:
    """When the picture of a file was taken; None if the file doesn't say it."""
    try:
        with Image.open(path) as image:
            tags = image.getexif()
            inner = tags.get_ifd(_EXIF)
        time = datetime.strptime(_text(inner.get(_ORIGINAL)), "%Y:%m:%d %H:%M:%S")
    except Exception:  # formats that Pillow doesn't read, broken tags, clocks that were not set
        return None
    digits = re.match(r"\d+", _text(inner.get(_PARTS_OF_A_SECOND)))
    seconds = (time - datetime(1970, 1, 1)).total_seconds()
    seconds += float(f"0.{digits[0]}") if digits else 0.0
    camera = (tags.get(_MAKE), tags.get(_MODEL), inner.get(_SERIAL_NUMBER))
    return Taken(seconds, tuple(map(_text, camera)))


def _text(value: object) -> str:
    return "" if value is None else str(value).strip("\0 ")
