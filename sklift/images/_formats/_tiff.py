"""TIFF files that Pillow doesn't read, or of which it gives other numbers, with tifffile."""

from __future__ import annotations

import math
import os
import struct
from io import BytesIO
from typing import Any

import numpy as np
from PIL import Image

from ._base import OptionalFormat, Raster
from ._tiff_colours import raster_of

_MAGICS = {b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"}  # + is BigTIFF
_MOSAIC = 32803  # a colour for each pixel, as sensors have them
_INSTALL = 'install what decodes it: pip install "scikit-lift[microscopy]"'


class Tiff(OptionalFormat):
    """TIFF files of any type and number of channels.

    Of a pyramid of sizes, the largest is read that has no more than ``PIL.Image.MAX_IMAGE_PIXELS``
    pixels.

    Examples
    --------
    >>> from sklift.images._formats import LAST_RESORTS
    >>> LAST_RESORTS["tiff"].recognizes(b"II*" + bytes(1), "")
    True
    """

    title = "This kind of TIFF"
    extra = "microscopy"
    module = "tifffile"
    suffixes = (".tif", ".tiff", ".btf", ".svs", ".ome")
    packages = ("tifffile", "imagecodecs")

    def recognizes(self, head: bytes, suffix: str) -> bool:
        """Whether the file is a TIFF, of either byte order and size of offsets."""
        return head[:4] in _MAGICS

    def n_frames(self, file: str | BytesIO) -> int:
        """Count the pages; a pyramid has one."""
        with opened_tiff(file) as tiff:
            return 1 if _is_pyramid(tiff) else len(tiff.pages)

    def size(self, file: str | BytesIO, frame: int) -> tuple[int, int]:
        """Width and height of the page or level that is read."""
        with opened_tiff(file) as tiff:
            page = _page(tiff, frame)
            return page.imagewidth, page.imagelength

    def read(self, file: str | BytesIO, frame: int) -> Raster:
        """Decode a page."""
        with opened_tiff(file) as tiff:
            page = _page(tiff, frame)
            if page.photometric == _MOSAIC:
                raise ValueError("it is a camera's raw file: give it the ending .dng")
            if page.imagedepth > 1:
                raise ValueError("it is a TIFF of volumes: give their slices as arrays")
            check_amount(page.shape)
            try:
                pixels = page.asarray()
            except Exception as error:
                if "imagecodecs" not in str(error):
                    raise
                raise ValueError(f"{error}; {_INSTALL}") from error
            if "S" in page.axes:
                pixels = np.moveaxis(pixels, page.axes.index("S"), -1)
            return raster_of(page, pixels)


def opened_tiff(file: str | BytesIO) -> Any:
    """Open a file with tifffile."""
    from tifffile import TiffFile

    if isinstance(file, BytesIO):
        file.seek(0)
    tiff = TiffFile(file)
    try:
        _check_pages(tiff)
    except BaseException:
        tiff.close()
        raise
    return tiff


def check_amount(shape: tuple[int, ...]) -> None:
    """Refuse more numbers than the largest picture with four channels: a few bytes may claim them.

    Width times height is checked for files of all formats; in TIFF files, a pixel may have 65,535
    numbers.
    """
    most = 8 * Image.MAX_IMAGE_PIXELS if Image.MAX_IMAGE_PIXELS else math.inf
    if math.prod(shape) > most:
        raise ValueError(
            f"its shape is {shape}, more than {most} numbers; if you trust it, raise "
            "PIL.Image.MAX_IMAGE_PIXELS"
        )


def _check_pages(tiff) -> None:
    """Refuse a file whose pages overlap: a small one could have any number of large pages."""
    stream, order = tiff.filehandle, tiff.byteorder
    start, count, number, item = (8, "Q", "Q", 20) if tiff.is_bigtiff else (4, "H", "I", 12)
    stream.seek(start)
    left = stream.size
    while at := _number(stream, order + number):
        stream.seek(at)
        n_bytes = _number(stream, order + count) * item
        left -= n_bytes + struct.calcsize(count) + struct.calcsize(number)
        if left < 0:
            raise ValueError("its pages overlap, or have no end")
        stream.seek(n_bytes, os.SEEK_CUR)


def _number(stream, kind: str) -> int:
    """The next number; 0 at the end of the file."""
    content = stream.read(struct.calcsize(kind))
    return struct.unpack(kind, content)[0] if len(content) == struct.calcsize(kind) else 0


def _is_pyramid(tiff) -> bool:
    return bool(tiff.series) and tiff.series[0].is_pyramidal


def largest_level(tiff):
    """Of a pyramid's levels, the largest that is small enough; of other files, all pages."""
    levels = tiff.series[0].levels
    most = Image.MAX_IMAGE_PIXELS or np.inf
    pages = [level.keyframe for level in levels]
    small = [i for i, page in enumerate(pages) if page.imagewidth * page.imagelength <= most]
    return levels[small[0] if small else -1]


def _page(tiff, frame: int):
    return largest_level(tiff).keyframe if _is_pyramid(tiff) else tiff.pages[frame]
